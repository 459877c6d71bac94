"""Cutting a package on its way to a host: rounds that kill the sshd of a transfer at a random moment, and what must follow.

```
 launch --> the temporary file passes a random size, 2 MB at least --> SIGKILL its writer, or its whole connection
        ^---- perhaps again, as Ansible tries its next way ----------------'
 the action ends; when it failed, a launch is asked for once more, undisturbed
```
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from mgmt_ansible import archives, errors
from mgmt_ansible.domain.actions import FINAL
from mgmt_ansible.domain.model_packages import PackageFile, manifest_digest
from mgmt_ansible.quickstart import processes, samples
from tests.kills.campaigns import say
from tests.kills.deployments import LAUNCH, STOP, Deployments
from tests.kills.oracle import judge
from tests.kills.sites import CACHE, ENVIRONMENTS, HOSTS, wait_for

if TYPE_CHECKING:
    from mgmt_ansible.wire.api_v2 import Action, ModelPackage
    from tests.kills.sites import KillSite

BODY_BYTES = 40_000_000
LEAST_BYTES = 2_000_000
_KBITS = 200_000
"""Speed of sftp and scp, as on a slow network: a transfer takes a second or two and has moments to choose from."""
_MOST_CUTS = 4
"""sftp, scp and `dd` are tried one after the other: four ends them all, should each be reached."""
_POLL_SECONDS = 0.005
_BEGUN_SECONDS = 0.1
"""A next way has begun to write: at first the file still has the size that the last one left."""
_END_SECONDS = 600.0
_WRITER, _CONNECTION = "writer", "connection"


@dataclass
class Count:
    """What the rounds came to."""

    rounds: int = 0
    half: int = 0
    wrong: int = 0
    others: int = 0
    cuts: int = 0
    by_itself: int = 0


def cut_transfers(site: KillSite, rounds: int, seed: int) -> bool:
    """Play the rounds; returns whether nothing was found that may not be."""
    transfers = Transfers(site, random.Random(seed))
    say(f"seed {seed}, {rounds} rounds, an archive of {transfers.package.archive_bytes} bytes")
    for number in range(rounds):
        say(f"{number + 1:3}/{rounds} {transfers.play()}")
    count = transfers.count
    say(f"{count.cuts} cuts; {count.by_itself} actions succeeded by themselves, the others when asked for again")
    say(
        f"transfer: {count.rounds} rounds, half files {count.half}, wrong digests {count.wrong}"
        + (f", others {count.others}" if count.others else "")
    )
    return not (count.half or count.wrong or count.others)


class Transfers:
    """Launches on the first host, each of which sends the package anew.

    Attributes:
        package: Tens of megabytes that cannot be compressed, and a model.
        count: So far.
    """

    def __init__(self, site: KillSite, moments: random.Random) -> None:
        self.count = Count()
        self._site = site
        self._moments = moments
        self._deployments = Deployments(site)
        self._temporary = site.folder.root / "remote-tmp"
        self._base_dir = site.base_dir(HOSTS[0])
        self._slow_down()
        self.package = _upload_large(site)

    def play(self) -> str:
        """Play one round; returns a line about it."""
        wanted_cuts = self._moments.randint(1, _MOST_CUTS)
        deployment_id = self._deployments.ready_for(LAUNCH, 1)
        action_id = self._deployments.ask(LAUNCH, deployment_id, package=self.package)
        told = self._cut_until_final(action_id, wanted_cuts)
        action_id, ending = self._brought_to_success(deployment_id, action_id)
        faults = self._faults(deployment_id, action_id)
        self.count.rounds += 1
        self.count.cuts += len(told)
        self._make_room(deployment_id)
        return f"{deployment_id}: {', '.join(told)}: {ending}: {'; '.join(faults) or 'ok'}"

    def _cut_until_final(self, action_id: str, wanted: int) -> list[str]:
        told: list[str] = []
        killed: set[int] = set()
        limit = time.monotonic() + _END_SECONDS
        while len(told) < wanted and not self._is_final(action_id):
            size = self._moments.randint(LEAST_BYTES, BODY_BYTES * 3 // 4)
            cut = self._cut(action_id, size, killed, limit)
            if cut:
                told.append(cut)
                self._note_half()
        if not told:
            raise errors.QuickstartError(f"{action_id} ended before its transfer could be cut")
        return told

    def _cut(self, action_id: str, size: int, killed: set[int], limit: float) -> str:
        """Kill once the temporary file is that large and somebody writes it; empty when the action ended first."""
        looked = time.monotonic()
        seen: dict[int, float] = {}
        while time.monotonic() < limit:
            path = next(self._temporary.glob("*/package"), None)
            if path is not None and _size(path) >= size and (found := self._writer(path, killed)) is not None:
                if killed and time.monotonic() - seen.setdefault(found, time.monotonic()) < _BEGUN_SECONDS:
                    continue
                kind = self._moments.choice((_WRITER, _CONNECTION))
                pid = found if kind == _WRITER else self._connection_of(found)
                told = f"{kind} {pid} ({_name(pid)}) killed at {_size(path) / 1e6:.1f} MB"
                killed.add(found)
                os.kill(pid, signal.SIGKILL)
                return told
            if time.monotonic() - looked > 1:
                looked = time.monotonic()
                if self._is_final(action_id):
                    return ""
            time.sleep(_POLL_SECONDS)
        raise errors.QuickstartError(f"{action_id} neither ended nor sent anything in {_END_SECONDS:g} s")

    def _writer(self, path: Path, killed: set[int]) -> int | None:
        below = processes.list_descendants(self._site.host_pid)
        return next((one.pid for one in below if one.pid not in killed and _writes(one.pid, path)), None)

    def _connection_of(self, pid: int) -> int:
        """Return the sshd process of a writer's connection: the one whose parent is the listening one."""
        while (parent := _parent(pid)) not in (self._site.host_pid, 0, 1):
            pid = parent
        return pid

    def _brought_to_success(self, deployment_id: str, action_id: str) -> tuple[str, str]:
        first = self._wait_final(action_id)
        if first.status == "succeeded":
            self.count.by_itself += 1
            return action_id, f"succeeded by itself, attempt {first.attempt}"
        again = self._deployments.ask(LAUNCH, deployment_id)
        second = self._wait_final(again)
        return again, f"{first.status} ({first.cause}: {first.message[:100]}), asked again: {second.status}"

    def _faults(self, deployment_id: str, action_id: str) -> list[str]:
        action = self._site.client.actions.get_action(action_id)
        wanted = self._deployments.wanted
        faults = [one.text for one in judge(self._site, wanted[deployment_id], action, wanted.values())]
        faults += [f"{path} was left on the host" for path in self._left()]
        self.count.others += len(faults)
        folder = self._folder()
        if not folder.is_dir() or _digest(folder) != self.package.digest:
            self.count.wrong += 1
            faults.append(f"{folder.name[:12]} has another digest")
        return faults

    def _note_half(self) -> None:
        """Right after a cut: under the final name there is nothing, or all of it."""
        folder = self._folder()
        if folder.exists() and _digest(folder) != self.package.digest:
            self.count.half += 1

    def _left(self) -> list[Path]:
        """Return temporary files of transfers and drafts of packages."""
        return [*self._temporary.glob("ansible-tmp-*"), *(self._base_dir / "packages").glob(".*")]

    def _folder(self) -> Path:
        return self._base_dir / "packages" / self.package.digest

    def _make_room(self, deployment_id: str) -> None:
        """Stop the model and forget the package, so that the next round sends it."""
        self._deployments.finish(self._deployments.ask(STOP, deployment_id))
        folder = self._folder()
        for path in (folder, *folder.rglob("*")):
            if path.is_dir():
                path.chmod(0o700)
        shutil.rmtree(folder)

    def _slow_down(self) -> None:
        """Give the first host a temporary folder of its own, and slow transfers."""
        inventory = self._site.folder.root / f"hosts-{len(ENVIRONMENTS[1])}.yml"
        value = yaml.safe_load(inventory.read_text())
        for variables in value["all"]["hosts"].values():
            variables["ansible_remote_tmp"] = str(self._temporary)
            variables["ansible_sftp_extra_args"] = variables["ansible_scp_extra_args"] = f"-l {_KBITS}"
        inventory.write_text(yaml.safe_dump(value, sort_keys=False))

    def _is_final(self, action_id: str) -> bool:
        return self._site.client.actions.get_action(action_id).status in FINAL

    def _wait_final(self, action_id: str) -> Action:
        wait_for(lambda: self._is_final(action_id), f"action {action_id}", seconds=_END_SECONDS)
        return self._site.client.actions.get_action(action_id)


def _upload_large(site: KillSite) -> ModelPackage:
    with tempfile.TemporaryDirectory(dir=site.folder.root) as folder:
        inside = Path(folder) / "package"
        shutil.unpack_archive(samples.archive_path(CACHE / "models", "1"), inside, "gztar")
        (inside / "weights.bin").write_bytes(os.urandom(BODY_BYTES))
        archive = Path(folder) / "large.tar.gz"
        archives.build_package(inside, archive)
        return site.client.packages.upload(archive, name=samples.PACKAGE_NAME, version="1-large")


def _digest(folder: Path) -> str:
    return manifest_digest([_measured(path, folder) for path in folder.rglob("*") if path.is_file()])


def _measured(path: Path, folder: Path) -> PackageFile:
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    mode = "0755" if path.stat().st_mode & 0o111 else "0644"
    return PackageFile(
        path=path.relative_to(folder).as_posix(), mode=mode, size_bytes=path.stat().st_size, sha256=sha256
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _writes(pid: int, path: Path) -> bool:
    try:
        return any(entry.readlink() == path for entry in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat[stat.rindex(")") + 2 :].split()[1])


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "gone"
