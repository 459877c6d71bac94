"""One host of a testbed that is up: commands on it, and its power."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.testbed import cgroups, plans, rootfs, ssh
from tests.testbed.commands import POLL_SECONDS, BedError, run, wait_until

START_SECONDS = 300.0
_LOGIN_SECONDS = 20.0
_OF_DISK = ("disk", "disk.img", "volumes", "dressed", "mounts.json", "forward.json")


class Host:
    """A host by name; holds no connection, so it may be made anew at any time.

    Attributes:
        plan: The testbed.
        spec: What it is.
        name: Its name, in inventory and ssh_config too.
        kind: See `plans.KINDS`.
        address: Where programs of this machine reach it.
        ssh_port: TCP port there.
        dirty: A test says so to have it reset after the test.
    """

    dirty = False

    def __init__(self, plan: plans.Plan, name: str) -> None:
        self.plan = plan
        self.spec = plan.host(name)
        self.name, self.kind = self.spec.name, self.spec.kind
        self.folder = plan.folder(self.spec)
        self.address = ssh.loopback_address(plan, self.spec)
        self.ssh_port = plans.LOOPBACK_SSH_PORT

    def ssh(
        self, command: str, *, check: bool = True, seconds: float = 60.0, user: str = ssh.USER, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command over ssh and return it with its output.

        Raises:
            BedError: It failed (with `check`), or did not end in time.
        """
        words = ("ssh", "-F", self.plan.ssh_config, f"{user}@{self.name}", command)
        return run(*words, check=check, seconds=seconds, stdin=stdin)

    def enter(self, *command: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command inside as root without ssh or network.

        Raises:
            BedError: The host is off, or the command failed.
        """
        pid = self.first_process()
        if pid is None:
            raise BedError(f"host {self.name} is off; next: python -m tests.testbed on {self.name}")
        words = ("nsenter", "-t", pid, "-r", "-w", "-m", "-u", "-i", "-n", "-p", "--")
        return run(*words, *command, check=check)

    def first_process(self) -> int | None:
        """Return the id, seen from outside, of the host's process 1; None when it is off."""
        for pid in cgroups.processes(self.plan.label, self.name):
            with suppress(OSError):
                numbers = [line for line in _status(pid) if line.startswith("NSpid:")]
                if numbers and numbers[0].split()[2:] == ["1"]:
                    return pid
        return None

    def is_on(self) -> bool:
        """Return whether it has a process 1."""
        return self.first_process() is not None

    def off(self) -> None:
        """Cut the power: every process is gone at once, what was written stays."""
        cgroups.kill(self.plan.label, self.name)
        wait_until(lambda: not self._is_supervised(), f"the supervisor of {self.name} to end")

    def start(self) -> None:
        """Switch the power on and return at once; a host that is on stays as it is."""
        if self._is_supervised():
            return
        words = (*rootfs.PRIVATE_MOUNTS, sys.executable, "-m", "tests.testbed.supervising", self.plan.state, self.name)
        with (self.folder / "console.log").open("ab") as log:
            start_outside(self.plan, self.folder / "supervisor.json", words, log.fileno())

    def on(self) -> None:
        """Switch the power on and wait until it answers over ssh."""
        self.start()
        self.wait()

    def reboot(self) -> None:
        """Reboot from inside (a plain host, which has nothing for it: off and on) and wait until it answers."""
        before = self.first_process()
        if self.kind == "plain":
            self.off()
            self.on()
            return
        self.enter("systemctl", "reboot", check=False)
        wait_until(lambda: self.first_process() not in (before, None), f"the reboot of {self.name}")
        self.wait()

    def reset(self) -> None:
        """Wipe it: off, disk emptied, on; keys and addresses stay. See `containers.reset` for an engine's image."""
        self.off()
        for name in _OF_DISK:
            path = self.folder / name
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        self.on()

    def wait(self, seconds: float = START_SECONDS) -> None:
        """Wait until a login over ssh works.

        Raises:
            BedError: It did not in time, or the host died; with its console's last lines.
        """
        deadline = time.monotonic() + seconds
        while not (self._has_sshd() and self._logs_in()):
            if time.monotonic() > deadline or not self._is_supervised():
                state = "does not answer over ssh" if self._is_supervised() else "died"
                raise BedError(f"host {self.name} {state}; its console says:\n{self._console_end()}")
            time.sleep(POLL_SECONDS)

    def _has_sshd(self) -> bool:
        try:
            with socket.create_connection((self.address, self.ssh_port), timeout=2) as connection:
                connection.settimeout(2)
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _logs_in(self) -> bool:
        with suppress(BedError):
            return self.ssh("true", check=False, seconds=_LOGIN_SECONDS).returncode == 0
        return False

    def _is_supervised(self) -> bool:
        return is_alive(self.folder / "supervisor.json")

    def _console_end(self) -> str:
        path = self.folder / "console.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-8:]) if path.exists() else "nothing"


def start_outside(plan: plans.Plan, mark: Path, words: tuple[object, ...], output: int) -> None:
    """Start a program of the testbed that is no host, in the cgroup `outside`, and write its id and start time."""
    process = subprocess.Popen(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=plans.ROOT,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(plans.ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        start_new_session=True,
        preexec_fn=lambda: cgroups.join(plan.label, "outside"),  # noqa: PLW1509 - only writes files
    )
    mark.write_text(json.dumps({"pid": process.pid, "started": _start_time(process.pid)}))
    _CHILDREN[process.pid] = process


_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}
"""Those this process started: asked, so that an ended one does not stay as a zombie."""


def is_alive(mark: Path) -> bool:
    """Return whether the very process of a mark still runs."""
    try:
        value = json.loads(mark.read_text())
        if value["pid"] in _CHILDREN:
            _CHILDREN[value["pid"]].poll()
        return _start_time(int(value["pid"])) == value["started"] != 0
    except (OSError, ValueError, KeyError):
        return False


def _start_time(pid: int) -> int:
    """Return a process's start in clock ticks since boot; 0 when it is gone or dead (proc(5), field 22)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in "ZX" else int(fields[19])


def _status(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/status").read_text().splitlines()
