"""systemd on this host, by its own programs: the system's manager, or the one of the user who runs this."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass

from ..failures import HostError, evidence
from ..machine import durable_files

_BOOTED = "/run/systemd/system"
_LINGER = "/var/lib/systemd/linger"
_ASK_SECONDS = 60.0
_LATE_SECONDS = 20.0
_ROOM_SECONDS = 3.0
_LINES = "400"
_OWN_CONTROLLERS = "/sys/fs/cgroup/user.slice/user-{0}.slice/user@{0}.service/cgroup.controllers"
_LIMITS = {"cpu": "cpus", "memory": "memory_bytes"}
_LIVE = ("active", "activating", "deactivating", "reloading")
_PROPERTIES = ("LoadState", "ActiveState", "MainPID", "NRestarts", "Result")


@dataclass(frozen=True)
class Shown:
    """What systemd says of a unit.

    Attributes:
        loaded: It knows a file of it.
        running: It runs, starts, ends, or waits to be started again.
        main_pid: Of the server; 0 when none runs.
        restarts: How often systemd started it again by itself since the start.
        result: Of the newest end, such as `exit-code` or `oom-kill`; `success` when there was none.
    """

    loaded: bool
    running: bool
    main_pid: int
    restarts: int
    result: str


@dataclass(frozen=True)
class Manager:
    """One service manager.

    Attributes:
        user: Whether it is the manager of this user's own units.
    """

    user: bool

    @property
    def folder(self) -> str:
        """Where its unit files lie."""
        return os.path.expanduser("~/.config/systemd/user") if self.user else "/etc/systemd/system"

    @property
    def target(self) -> str:
        """What is reached at a boot."""
        return "default.target" if self.user else "multi-user.target"

    def path(self, unit: str) -> str:
        """Return the path of a unit file."""
        return os.path.join(self.folder, unit)

    def write(self, unit: str, text: str, at_boot: bool) -> None:
        """Write a unit file, old or new but never half, and let systemd read it.

        Raises:
            HostError: systemd refuses.
            OSError: It cannot be written.
        """
        os.makedirs(self.folder, exist_ok=True)
        durable_files.write_text(self.path(unit), text, 0o644)
        if at_boot:
            _link(self._wanted(unit), self.path(unit))
        self.call("daemon-reload")

    def remove(self, unit: str) -> bool:
        """Remove a unit file and what a killed writer left of it; return whether there was one."""
        found = False
        for path in (self._wanted(unit), self.path(unit) + ".new", self.path(unit)):
            if os.path.lexists(path):
                os.unlink(path)
                durable_files.sync_folder(os.path.dirname(path))
                found = True
        if found and self.answers():
            self.call("daemon-reload")
            self.call("reset-failed", unit, check=False)
        return found

    def show(self, unit: str) -> Shown:
        """Return what systemd says of a unit; nothing of it where this manager does not run.

        Raises:
            HostError: It does not answer.
        """
        said = self.call("show", unit, "--property", ",".join(_PROPERTIES)).stdout if self.answers() else ""
        pairs = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
        return Shown(
            loaded=pairs.get("LoadState") == "loaded",
            running=pairs.get("ActiveState") in _LIVE,
            main_pid=_number(pairs.get("MainPID")),
            restarts=_number(pairs.get("NRestarts")),
            result=pairs.get("Result") or "success",
        )

    def stop(self, unit: str, seconds: float) -> None:
        """Stop a unit with all of its processes, which are killed after that long.

        Raises:
            HostError: It does not end.
        """
        try:
            self.call("stop", unit, seconds=seconds + _ROOM_SECONDS)
        except subprocess.TimeoutExpired:
            self.call("kill", "--signal=SIGKILL", unit, check=False)
            try:
                self.call("stop", unit, seconds=_LATE_SECONDS)
            except subprocess.TimeoutExpired as error:
                message = "unit {} cannot be stopped; look at it with systemctl status".format(unit)
                raise HostError("timeout", message) from error

    def log_tail(self, unit: str, since: str) -> str:
        """Return the end of what the journal has of a unit.

        Args:
            unit: Its name.
            since: Seconds since 1970 as text; empty: from its beginning.
        """
        if not self.user:
            self._run(["journalctl", "--sync"], check=False)
        from_then = ["--since", "@" + since] if since else []
        own = ["--user"] if self.user else []
        done = self._run(
            ["journalctl", *own, "-q", "--no-pager", "-o", "cat", "-n", _LINES, "-u", unit, *from_then], check=False
        )
        return done.stdout[-8000:]

    def enforces(self) -> frozenset[str]:
        """Return which of a package's `resources` its units are held to."""
        if not self.user:
            return frozenset(("cpus", "gpus", "memory_bytes", "open_files"))
        controllers = durable_files.tail(
            _OWN_CONTROLLERS.format(os.geteuid())
        ).split()  # none before cgroups of version 2
        return frozenset(["open_files", *(_LIMITS[name] for name in controllers if name in _LIMITS)])

    def answers(self) -> bool:
        """Tell whether this manager runs."""
        return os.path.isdir(_BOOTED) and (
            not self.user or os.path.exists(os.path.join(_runtime_dir(), "systemd/private"))
        )

    def reads_journal(self) -> bool:
        """Tell whether the journal has anything that this user may read."""
        own = ["--user"] if self.user else []
        return bool(self._run(["journalctl", *own, "-q", "--no-pager", "-n", "1"], check=False).stdout)

    def call(self, *words: str, check: bool = True, seconds: float = _ASK_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run `systemctl`.

        Raises:
            HostError: It says no (with `check`).
            subprocess.TimeoutExpired: It took longer.
        """
        own = ["--user"] if self.user else []
        return self._run(["systemctl", "--no-ask-password", *own, *words], check=check, seconds=seconds)

    def _wanted(self, unit: str) -> str:
        target = "sockets.target" if unit.endswith(".socket") else self.target
        return os.path.join(self.folder, target + ".wants", unit)

    def _run(
        self, words: list[str], check: bool = True, seconds: float = _ASK_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        environment = dict(os.environ, XDG_RUNTIME_DIR=_runtime_dir()) if self.user else dict(os.environ)
        done = _run(words, environment, seconds)
        if check and done.returncode != 0:
            message = "systemd refuses: {} ended with {}".format(" ".join(words), done.returncode)
            raise HostError("unknown", message, [evidence("systemctl", (done.stdout + done.stderr)[-4000:])])
        return done


SYSTEM = Manager(user=False)
USER = Manager(user=True)


def is_here() -> bool:
    """Tell whether systemd is process 1 and its programs are on this host."""
    return os.path.isdir(_BOOTED) and all(shutil.which(name) for name in ("systemctl", "journalctl", "loginctl"))


def account() -> str:
    """Return the name of the user who runs this."""
    return pwd.getpwuid(os.geteuid()).pw_name


def lingers() -> bool:
    """Tell whether this user's own manager runs without a login, from boot on."""
    return os.path.exists(os.path.join(_LINGER, account()))


def enable_linger() -> bool:
    """Ask for that; return whether it was allowed."""
    return _run(["loginctl", "--no-ask-password", "enable-linger"], dict(os.environ), _ASK_SECONDS).returncode == 0


def _run(words: list[str], environment: dict[str, str], seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environment, LC_ALL="C.UTF-8", SYSTEMD_COLORS="0", SYSTEMD_PAGER=""),
        timeout=seconds,
        encoding="utf-8",
        errors="replace",
    )


def _runtime_dir() -> str:
    return "/run/user/{}".format(os.geteuid())


def _link(path: str, target: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.islink(path):
        os.symlink(target, path)
    durable_files.sync_folder(os.path.dirname(path))


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
