"""A whole testbed: up, down, and what is left of it."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tests.testbed import cgroups, containers, hosts, networks, plans, requirements, rootfs, ssh
from tests.testbed.commands import BedError, wait_until

Progress = Callable[[str], None]
_LEFTOVER_SECONDS = 20.0


class Bed:
    """A testbed that is up.

    Attributes:
        plan: What it is made of, with its loopback network.
        hosts: By name, in order of their addresses.
    """

    def __init__(self, plan: plans.Plan) -> None:
        self.plan = plan
        self.hosts = {host.name: hosts.Host(plan, host.name) for host in plan.hosts}
        self.inventory = plan.state / "inventory.yml"
        self.ansible_cfg = plan.state / "ansible.cfg"

    @classmethod
    def at(cls, state: Path) -> Bed:
        """Return the testbed of a state folder.

        Raises:
            BedError: None is up there.
        """
        plan = plans.load(state)
        if not plan.loopback:
            raise BedError(f"the testbed in {state} was left half-way; next: python -m tests.testbed down")
        return cls(plan)

    def of_kind(self, kind: str) -> hosts.Host:
        """Return the first host of a kind."""
        return next(host for host in self.hosts.values() if host.kind == kind)


def stopwatch(tell: Progress) -> Progress:
    """Return a progress that puts the seconds since now before each line."""
    began = time.monotonic()
    return lambda text: tell(f"[{time.monotonic() - began:6.1f} s] {text}")


def tell_stderr(text: str) -> None:
    """Show progress to a person."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def up(plan: plans.Plan, tell: Progress) -> Bed:
    """Make all hosts of a plan and wait until each answers over ssh.

    What it made is taken down again when it fails or is interrupted.

    Args:
        plan: Its state folder must not hold a testbed.
        tell: Gets a line a step.

    Raises:
        BedError: This machine cannot carry hosts, a testbed of that id or folder is up, or a step failed.
    """
    requirements.check()
    if (plan.state / "plan.json").exists() or cgroups.processes(plan.label) or networks.names(plan.label):
        raise BedError(
            f"testbed {plan.id} is already up, or was left half-way, in {plan.state}; "
            f"next: python -m tests.testbed down --id {plan.id}"
        )
    if plan.state.exists() and any(plan.state.iterdir()):
        raise BedError(f"{plan.state} holds something else; next: name an empty folder with --state")
    plan.state.mkdir(parents=True, exist_ok=True)
    plan.state.chmod(0o700)
    plan.save()
    try:
        return _make(plan, tell)
    except BaseException:
        down(plan.id, plan.state, tell)
        raise


def _make(plan: plans.Plan, tell: Progress) -> Bed:
    built = rootfs.build(plan)
    tell(f"root file systems: {', '.join(built)} built" if built else "root file systems: from the cache")
    cgroups.make(plan.label, "outside")
    networks.make_hub(plan)
    for host in plan.hosts:
        plan.folder(host).mkdir(parents=True)
        networks.make_host(plan, host)
        cgroups.make(plan.label, host.name)
        cgroups.shield_devices(plan.label, host.name)
        if host.memory:
            cgroups.limit_memory(plan.label, host.name, host.memory)
    ssh.make_keys(plan)
    plan = _forward(plan)
    ssh.write_files(plan)
    bed = Bed(plan)
    for one in bed.hosts.values():
        one.start()
    tell("hosts switched on")
    with ThreadPoolExecutor(len(bed.hosts)) as pool:
        list(pool.map(lambda one: _finish(one, tell), bed.hosts.values()))
    return bed


def _finish(host: hosts.Host, tell: Progress) -> None:
    host.wait()
    tell(f"{host.name} ({host.kind}) answers over ssh")
    containers.prepare(host, tell)


def _forward(plan: plans.Plan) -> plans.Plan:
    log, mark = plan.state / "forwarding.log", plan.state / "forwarding.json"
    with log.open("ab") as stream:
        words = (sys.executable, "-m", "tests.testbed.forwarding", plan.state)
        hosts.start_outside(plan, mark, words, stream.fileno())
    chosen = plan.state / "loopback"
    wait_until(lambda: chosen.exists() or not hosts.is_alive(mark), "the forwarder")
    if not chosen.exists():
        raise BedError(f"the forwarder ended: {log.read_text(errors='replace')[-500:]}")
    plan = replace(plan, loopback=chosen.read_text())
    plan.save()
    return plan


def down(bed_id: str, state: Path, tell: Progress) -> dict[str, list[str]]:
    """End a testbed, also one that was left half-way, or whose state is lost; never anything else.

    Args:
        bed_id: Its id, which all of its names hold.
        state: Its folder; removed when it holds a testbed.
        tell: Gets a line for each kind of thing, with what is left.

    Returns:
        What is left, by kind of thing; each list is empty when all is well.

    Raises:
        BedError: The folder is another testbed's, or something did not end.
    """
    label = plans.label_of(bed_id)
    _refuse_another(bed_id, state)
    cgroups.freeze(False, label)
    for host in _host_names(label):
        cgroups.freeze(False, label, host)
    cgroups.kill(label)
    for mark in (*state.glob("hosts/*/supervisor.json"), state / "forwarding.json"):
        wait_until(lambda mark=mark: not hosts.is_alive(mark), f"the end of {mark.stem}")
    networks.remove(label)
    cgroups.remove(label)
    if (state / "plan.json").exists():
        shutil.rmtree(state)
    with suppress(BedError):  # the kernel lets go of the dead a little later
        wait_until(lambda: not any(leftovers(bed_id, state).values()), "the rest", _LEFTOVER_SECONDS)
    left = leftovers(bed_id, state)
    for kind, names in left.items():
        tell(f"{kind} left: {len(names)}{''.join(f'{chr(10)}    {name}' for name in names)}")
    return left


def _refuse_another(bed_id: str, state: Path) -> None:
    try:
        other = json.loads((state / "plan.json").read_text())["id"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # none, or damaged: its names are enough
    if other != bed_id:
        raise BedError(
            f"{state} is of testbed {other}; next: python -m tests.testbed down --id {other} --state {state}"
        )


def _host_names(label: str) -> list[str]:
    root = cgroups.version_2_root()
    return [path.name for path in root.joinpath(label).glob("*/")] if root else []


def leftovers(bed_id: str, state: Path) -> dict[str, list[str]]:
    """Return what of a testbed is on this machine: kind of thing -> its names; looked up, not remembered."""
    label = plans.label_of(bed_id)
    return {
        "processes": [f"{path.parent.name}: {_words(path.parent)}" for path in _holding("cgroup", f"/{label}")],
        "network namespaces": networks.names(label),
        "mounts": [f"of process {path.parent.name}" for path in _holding("mountinfo", f"{state}/", f"/{label}-")],
        "cgroups": [str(folder) for folder in cgroups.folders(label) if folder.exists()],
        "loop devices": [path.parts[3] for path in _loops() if path.read_text().startswith(f"{state}/")],
        "files": [str(state)] if (state / "plan.json").exists() else [],
    }


def _holding(name: str, *texts: str) -> list[Path]:
    found = []
    for path in Path("/proc").glob(f"[0-9]*/{name}"):
        try:
            words = path.read_text(errors="replace")
        except OSError:
            continue  # it ended meanwhile
        if any(_holds(words, text) for text in texts):
            found.append(path)
    return found


def _holds(words: str, text: str) -> bool:
    """Whether a line holds the text as whole names: `/mgmt-testbed-a` is not in `/mgmt-testbed-ab`."""
    return any(
        line.endswith(text) or f"{text}/" in line or (text.endswith(("/", "-")) and text in line)
        for line in words.splitlines()
    )


def _words(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:100]
    except OSError:
        return "ended"


def _loops() -> list[Path]:
    return list(Path("/sys/block").glob("loop*/loop/backing_file"))
