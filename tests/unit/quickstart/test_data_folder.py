"""The data folder: private, and used by one at a time."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from mgmt_ansible import errors
from mgmt_ansible.quickstart.data_folder import DataFolder, write_private

NOBODY = 65_534


def test_it_is_private(tmp_path):
    """Tokens and keys lie below."""
    folder = DataFolder(root=tmp_path / "up")

    folder.make()

    assert 0o700 == stat.S_IMODE(folder.root.stat().st_mode)


def test_only_one_may_hold_it(tmp_path):
    """The second is told who does."""
    folder = DataFolder(root=tmp_path)
    with folder.owned(), pytest.raises(errors.QuickstartError, match=r"in use by process \d+"), folder.owned():
        pass


def test_it_is_free_again_afterwards(tmp_path):
    """The kernel lets go."""
    folder = DataFolder(root=tmp_path)
    with folder.owned():
        pass

    with folder.owned():
        assert (tmp_path / "up.lock").exists()


def test_an_unusable_folder_says_so(tmp_path):
    """The next step is in the message."""
    (tmp_path / "file").write_text("")

    with pytest.raises(errors.QuickstartError, match="--data"):
        DataFolder(root=tmp_path / "file" / "up").make()


def test_a_private_file_is_private_from_its_first_byte(tmp_path):
    """Also when something readable lay there before."""
    (tmp_path / "token").write_text("old")

    write_private(tmp_path / "token", "new")

    assert ("new", 0o600) == ((tmp_path / "token").read_text(), stat.S_IMODE((tmp_path / "token").stat().st_mode))


@contextmanager
def ordinary_user(folder):
    """Let root act as nobody, who owns the folder; anybody else is ordinary already."""
    if os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_read_only_packages_can_be_removed():
    """An ordinary user may not unlink in a folder without write permission, even of their own."""
    folder = DataFolder(root=Path(tempfile.mkdtemp(prefix="mgmt-ansible-test-")))
    folder.make()
    package = folder.host / "packages" / "digest"
    package.mkdir(parents=True)
    (package / "model.onnx").write_bytes(b"model")
    package.chmod(0o555)

    with ordinary_user(folder.root):
        folder.remove()

    assert not folder.root.exists()
