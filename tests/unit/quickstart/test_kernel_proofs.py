"""What the kernel says about ports and open files."""

from __future__ import annotations

import os
import socket
from hashlib import sha256

import pytest

from mgmt_ansible import errors
from mgmt_ansible.domain.model_packages import PackageFile, manifest_digest
from mgmt_ansible.quickstart import kernel_proofs


def make_package(folder):
    (folder / "sub").mkdir(parents=True)
    (folder / "model-package.json").write_bytes(b"{}")
    (folder / "sub" / "run.sh").write_bytes(b"octets")
    (folder / "sub" / "run.sh").chmod(0o555)
    return [folder / "model-package.json", folder / "sub" / "run.sh"]


def test_the_listener_is_this_process():
    """By socket inode, not by anybody's record."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert frozenset({os.getpid()}) == kernel_proofs.list_listeners(server.getsockname()[1])


def test_nobody_listens_on_a_closed_port():
    """A port that was let go is silent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert not kernel_proofs.is_listening(port)
    assert frozenset() == kernel_proofs.list_listeners(port)


def test_the_digest_is_that_of_the_open_files(tmp_path):
    """Paths are relative to the open manifest; modes are those of packages; other open files do not count."""
    files = [path.open("rb") for path in make_package(tmp_path / "package")]
    try:
        found = kernel_proofs.digest_of_open_files(os.getpid())
    finally:
        for file in files:
            file.close()

    assert found == manifest_digest(
        [
            PackageFile(path="model-package.json", mode="0644", size_bytes=2, sha256=sha256(b"{}").hexdigest()),
            PackageFile(path="sub/run.sh", mode="0755", size_bytes=6, sha256=sha256(b"octets").hexdigest()),
        ]
    )


def test_a_process_without_a_package_proves_nothing():
    """That is an error, not an empty digest."""
    with pytest.raises(errors.QuickstartError, match="0 model packages"):
        kernel_proofs.digest_of_open_files(os.getpid())
