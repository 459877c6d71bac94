"""Room on a host: a base directory, disk, inodes, Ansible's own place for temporary files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.preflight.conftest import Bench

pytestmark = pytest.mark.ssh


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB with 16 inodes."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m,nr_inodes=16", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_small_disk_is_disk(bench: Bench, small: Path) -> None:
    """Twice the largest package and a tenth are wanted; `df` is the evidence."""
    bench.base_dir, bench.package_bytes = small / "base", 1 << 20
    looked = bench.look()

    assert ("failed", "disk") == looked.words("space")
    assert "2.0 MiB are free, 2.2 MiB are wanted" in looked["space"].message
    assert "df" == looked["space"].evidence[0].kind
    assert ("warning", None) == looked.words("inodes")


def test_a_full_disk_is_disk_whatever_comes(bench: Bench, small: Path) -> None:
    """Nothing is free for nothing."""
    bench.base_dir = small
    with (small / "full").open("wb") as file, pytest.raises(OSError, match="No space"):
        file.write(bytes(4 << 20))

    assert ("failed", "disk") == bench.look().words("space")


def _touch_many(folder: Path) -> None:
    for number in range(100):
        (folder / str(number)).touch()


def test_no_inodes_is_disk(bench: Bench, small: Path) -> None:
    """A disk can be full of nothing."""
    bench.base_dir = small
    with pytest.raises(OSError, match="No space"):
        _touch_many(small)

    assert ("failed", "disk") == bench.look().words("inodes")


def test_room_for_the_package_is_ok(bench: Bench, small: Path) -> None:
    """The near miss: just enough."""
    bench.base_dir, bench.package_bytes = small, 900_000

    assert ("ok", None) == bench.look().words("space")


def test_a_base_directory_below_a_file_cannot_be_made(bench: Bench, tmp_path: Path) -> None:
    """What is there instead is the evidence."""
    (tmp_path / "file").touch()
    bench.base_dir = tmp_path / "file" / "base"
    looked = bench.look()

    assert "failed" == looked["base_dir"].status
    assert f"{tmp_path / 'file'}: not a directory" == looked["base_dir"].evidence[0].text


def test_the_default_base_directory_is_the_users(bench: Bench) -> None:
    """The host chooses by who works there."""
    bench.binding = {"base_dir": ""}
    expected = "/var/lib/mgmt-ansible" if os.geteuid() == 0 else "/.local/share/mgmt-ansible"

    assert expected in bench.look()["base_dir"].message


def test_a_strange_base_directory_is_taken_as_it_is(bench: Bench, tmp_path: Path) -> None:
    """Neither quotes nor dollars nor the words of the script are read."""
    canary = tmp_path / "canary"
    bench.base_dir = tmp_path / f"a 'b' \"c\" $(touch {canary}) WORD BASE_DIR `touch {canary}`; touch {canary}"
    looked = bench.look(ansible_remote_tmp=f"/tmp/$(touch {canary})")

    assert str(bench.base_dir) in looked["base_dir"].message
    assert ("skipped", None) == looked.words("remote_tmp")
    assert not canary.exists()


def test_a_remote_tmp_that_cannot_be_written_fails(bench: Bench, tmp_path: Path) -> None:
    """Ansible could not send its modules."""
    (tmp_path / "file").touch()

    assert ("failed", "unreachable") == bench.look(ansible_remote_tmp=str(tmp_path / "file" / "tmp")).words(
        "remote_tmp"
    )
