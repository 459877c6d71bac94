"""Backups of both databases: whole while others write, checked, and never over what somebody may need."""

from __future__ import annotations

import copy
import io
import json
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane import backups, work_folders
from mgmt_ansible.control_plane.package_files import PackageFiles
from mgmt_ansible.control_plane.passwords import Passwords
from mgmt_ansible.control_plane.services import build_services
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.domain.outcomes import HostOutcome, Outcome
from tests.contract.store.sites import CHEAP, ScriptedContents, Site


def back_up(site: Site, tmp_path: Path, name: str = "backup.tar") -> Path:
    backups.back_up(site.store, tmp_path / "packages", tmp_path / name, lambda *_: None)
    return tmp_path / name


def restored(site: Site, source: Path, url: str, folder: Path, *, force: bool = False) -> Site:
    """The same site over what a restore put there."""
    folder.mkdir(exist_ok=True)
    with closing(Store(url)) as store:
        backups.restore(store, folder / "packages", source, force=force)
    again = copy.copy(site)
    again.store = Store(url, clock=site.clock)
    again.store.prepare()
    files = PackageFiles(folder / "packages", max_bytes=1_000_000)
    again.services = build_services(again.store, files, ScriptedContents, passwords=Passwords(CHEAP))
    return again


def rewritten(source: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The same archive with other contents."""
    target = source.with_name("changed.tar")
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old:
            content = change(member.name, old.extractfile(member).read())  # type: ignore[union-attr]
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return target


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> str:
    """An empty database of the same kind."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/elsewhere.sqlite3"
    return request.getfixturevalue("cluster").create_empty()


def test_a_restore_brings_everything_back(site: Site, tmp_path: Path, elsewhere: str):
    """Into a place where nothing was: state, feed, its search, archives and tokens; and it goes on from there."""
    site.ready()
    source = back_up(site, tmp_path)
    entries = site.services.deployment_events.list_events().data

    again = restored(site, source, elsewhere, tmp_path / "elsewhere")

    assert 0o600 == source.stat().st_mode & 0o777
    assert site.deployment() == again.deployment()
    assert entries == again.services.deployment_events.list_events().data
    found = again.services.deployment_events.list_events(EventFilters(search="launch succ")).data
    assert ["model_deployments.deployment_launch_succeeded"] == [one.type for one in found]
    archive = again.services.registry.archive_path(site.package.id)
    assert b"fraud 1" == archive.read_bytes()
    assert "d2" == again.ready("d2").id
    assert entries[0].sequence < again.services.deployment_events.newest_sequence()
    again.store.close()


def test_what_a_killed_backup_left_goes_with_the_next(site: Site, tmp_path: Path):
    """Where backups are written, and beside the archives also at the next start; not what somebody is at work in."""
    packages = tmp_path / "packages"
    left = [folder / ".backup-left" for folder in (tmp_path, packages)]
    with work_folders.lent(tmp_path, work_folders.BACKUP) as busy:
        for folder in left:
            folder.mkdir()
            (folder / "database").write_text("half")
        back_up(site, tmp_path)
        assert busy.is_dir()
        assert [False, False] == [folder.exists() for folder in left]

    left[1].mkdir()
    PackageFiles(packages, max_bytes=1).prepare()
    assert [] == list(packages.glob(".*"))


def test_a_backup_is_of_one_moment_while_others_write(site: Site, tmp_path: Path, elsewhere: str):
    """Nothing half: every deployment has the entry that tells of it, and the other way round."""
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set() and number < 400:
            site.create(f"w{number}", launch=False)
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    source = back_up(site, tmp_path)
    ended.set()
    thread.join()

    again = restored(site, source, elsewhere, tmp_path / "elsewhere")
    deployments = {one.id for one in again.services.deployments.list_deployments(limit=500).data}
    told = {one.deployment_id for one in again.services.deployment_events.list_events(limit=500).data}
    assert deployments == told - {None}
    again.store.close()


def test_a_restore_over_something_needs_to_be_forced(site: Site, tmp_path: Path, database_url: str):
    """Then what was written after the backup is gone; SQLite's old file stays beside."""
    source = back_up(site, tmp_path)
    site.create("late")
    site.store.close()

    with pytest.raises(errors.ConflictError, match="--force"):
        restored(site, source, database_url, tmp_path)
    again = restored(site, source, database_url, tmp_path, force=True)

    assert 0 == again.services.deployments.list_deployments().total_count
    kept = list(tmp_path.glob("*.before-restore"))
    assert (1 if database_url.startswith("sqlite") else 0) == len(kept)
    again.store.close()


def test_after_a_restore_hosts_that_know_newer_work_are_caught_up_with(site: Site, tmp_path: Path, database_url: str):
    """The first change is refused by the fence; the next one has a higher number than any host knows."""
    site.ready()
    source = back_up(site, tmp_path)
    for _ in range(2):
        site.replace()
        site.run()
    newest = site.deployment().generation
    site.store.close()
    again = restored(site, source, database_url, tmp_path, force=True)

    again.act(ActionType.DEPLOYMENT_RELAUNCH)
    claim = again.take()
    fenced = HostOutcome(host="h1", outcome=Outcome.SUPERSEDED, fence_generation=newest, fence_attempt=1)
    again.report(claim, ActionStatus.SUPERSEDED, outcome=Outcome.SUPERSEDED, hosts=(fenced,))
    again.act(ActionType.DEPLOYMENT_RELAUNCH)

    assert newest + 1 == again.take().spec.deployment.generation
    again.store.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda name, content: b"x" + content[1:] if name.startswith("packages/") else content, "damaged"),
        (lambda name, content: content[:-9] if name == "database" else content, "another size"),
        (lambda name, content: content + b"{" if name == "manifest.json" else content, "manifest"),
        (
            lambda name, content: content.replace(b"packages/", b"../../up/") if name == "manifest.json" else content,
            "name",
        ),
        (
            lambda name, content: (
                content.replace(b'"format": 1', b'"format": 9') if name == "manifest.json" else content
            ),
            "9",
        ),
        (lambda name, content: b"[" * 99_999 if name == "manifest.json" else content, "manifest"),
    ],
)
def test_a_changed_backup_is_refused_and_nothing_is_touched(site: Site, tmp_path: Path, change, message: str):
    """Digests, sizes and names are looked at first."""
    site.create("here")
    changed = rewritten(back_up(site, tmp_path), change)

    with pytest.raises(errors.ArchiveError, match=message):
        backups.restore(site.store, tmp_path / "packages", changed, force=True)

    assert 1 == site.services.deployments.list_deployments().total_count
    assert [] == list((tmp_path / "packages").glob(".restore-*"))


def test_a_backup_of_a_newer_version_is_refused(site: Site, tmp_path: Path):
    """Its schema is not known here."""

    def newer(name: str, content: bytes) -> bytes:
        return json.dumps({**json.loads(content), "revision": "9999"}).encode() if name == "manifest.json" else content

    changed = rewritten(back_up(site, tmp_path), newer)

    with pytest.raises(errors.StoreError, match="9999"):
        backups.restore(site.store, tmp_path / "packages", changed, force=True)


def test_a_backup_without_one_of_its_archives_is_not_made(site: Site, tmp_path: Path):
    """It would be worth nothing on the day it is needed; half of it does not stay."""
    (tmp_path / "packages" / site.package.archive_sha256).unlink()

    with pytest.raises(errors.StoreError, match=site.package.archive_sha256):
        back_up(site, tmp_path)

    assert [] == [*tmp_path.glob("*.tar"), *tmp_path.glob(".backup-*"), *(tmp_path / "packages").glob(".backup-*")]


def test_a_backup_overwrites_nothing(site: Site, tmp_path: Path):
    """The one of yesterday may be the only good one."""
    (tmp_path / "mine.tar").write_text("old")

    with pytest.raises(errors.ConflictError, match=r"mine\.tar"):
        back_up(site, tmp_path, "mine.tar")


def test_what_is_no_backup_is_refused(site: Site, tmp_path: Path):
    """Also an empty file, and one that is not there."""
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 40)

    for name in ("empty", "noise"):
        with pytest.raises(errors.ArchiveError, match="backup"):
            backups.restore(site.store, tmp_path / "packages", tmp_path / name, force=True)
    with pytest.raises(errors.NotFoundError):
        backups.restore(site.store, tmp_path / "packages", tmp_path / "gone", force=True)
