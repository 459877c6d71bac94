"""The supervisor: a detached process that keeps one model server running.

```
 start --fork, setsid--> server runs --exits--> wait 0.5 s, 1 s, 2 s ... 30 s --> server runs
                             '--SIGTERM--> SIGTERM to the server, SIGKILL after the stop time-out, end
```
It holds its slot's `supervisor.lock` for its life, and ends by itself once `slot.json` carries another nonce than it was
started with. A full disk or a refused start is tried again: a server never runs unowned.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from typing import Any

from ..failures import HostError
from ..machine import durable_files, processes

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
HEALTHY_SECONDS = 60.0
LOG_LIMIT_BYTES = 10 << 20
_TICK_SECONDS = 10.0
_RETRY_SECONDS = 0.5
_LOCK_SECONDS = 20.0
_NOT_STARTED = 127
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


def detach(folder: str, nonce: str = "") -> int:
    """Run the supervisor of a slot in a process of its own session; return at once with 0.

    Args:
        folder: The slot's.
        nonce: As in its `slot.json`; it ends when they differ.
    """
    if os.fork():
        return 0
    os.setsid()
    os.umask(0o077)
    os.chdir("/")
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    with open(os.devnull, "r+b") as nothing:
        for descriptor in (0, 1, 2):
            os.dup2(nothing.fileno(), descriptor)
    try:
        with durable_files.locked(os.path.join(folder, "supervisor.lock"), _LOCK_SECONDS):
            Supervisor(folder, nonce).run()
    finally:
        os._exit(0)


class Supervisor:
    """Keeps the server of one slot running until it is told to stop."""

    def __init__(self, folder: str, nonce: str = "") -> None:
        self._folder = folder
        self._nonce = nonce
        self._config: dict[str, Any] = self._read_config()
        self._server: processes.ProcessMark | None = None
        self._recorded = False
        self._log = os.path.join(folder, "server.log")
        self._exits = 0
        self._last_exit: dict[str, Any] | None = None
        self._wait_seconds = FIRST_WAIT_SECONDS
        self._oom_counter = ""
        self._oom_count = 0
        self._stopping = False

    def run(self) -> None:
        """Start the server and start it again whenever it ends; return when told to stop, or when the slot is another's."""
        while not self._stopping and self._is_mine():
            began = time.monotonic()
            self._record_exit(self._serve_once())
            if time.monotonic() - began > HEALTHY_SECONDS:
                self._wait_seconds = FIRST_WAIT_SECONDS
            self._pause()

    def _serve_once(self) -> int:
        self._record(None)
        try:
            server = self._start()
        except OSError:
            return _NOT_STARTED
        mark = processes.find_mark(server.pid)
        try:
            self._count_oom_kills(server.pid)
            self._record(mark)
            self._watch(server)
        finally:
            self._end(server, mark or processes.ProcessMark(server.pid, 0, processes.boot_id()))
        return int(server.returncode)

    def _read_config(self) -> dict[str, Any]:
        return durable_files.read_json(os.path.join(self._folder, "slot.json")) or {}

    def _is_mine(self) -> bool:
        try:
            return bool(self._read_config().get("nonce", "") == self._nonce)
        except OSError:
            return True

    def _start(self) -> subprocess.Popen[bytes]:
        with open(self._log, "ab") as log, open(os.devnull, "rb") as nothing:
            return subprocess.Popen(
                self._config["command"],
                stdin=nothing,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._config["environment"],
                preexec_fn=lambda: _prepare(self._config.get("resources") or {}),  # noqa: PLW1509 - one thread only
                start_new_session=True,  # by which its children are known
            )

    def _watch(self, server: subprocess.Popen[bytes]) -> None:
        seconds = _RETRY_SECONDS
        while server.poll() is None and not self._stopping and self._is_mine():
            self._sleep(seconds if self._recorded else _RETRY_SECONDS)
            seconds = _TICK_SECONDS
            self._count_oom_kills(server.pid)
            self._rotate()
            if not self._recorded:
                self._record(self._server)

    def _sleep(self, seconds: float) -> None:
        caught = signal.sigtimedwait(_SIGNALS, seconds)
        if caught is not None and caught.si_signo in (signal.SIGTERM, signal.SIGINT):
            self._stopping = True

    def _pause(self) -> None:
        deadline = time.monotonic() + self._wait_seconds
        self._wait_seconds = min(self._wait_seconds * 2, LONGEST_WAIT_SECONDS)
        while not self._stopping and time.monotonic() < deadline:
            self._sleep(max(0.0, deadline - time.monotonic()))

    def _end(self, server: subprocess.Popen[bytes], mark: processes.ProcessMark) -> None:
        with suppress(HostError):  # what cannot be killed waits for the kernel, and so does this
            processes.stop_family(mark, float(self._config.get("stop_timeout_seconds", 10.0)))
        server.wait()

    def _rotate(self) -> None:
        try:
            if os.path.getsize(self._log) > LOG_LIMIT_BYTES:
                shutil.copyfile(self._log, self._log + ".1")  # the server keeps its descriptor, which appends
                os.truncate(self._log, 0)
        except OSError:
            return  # the next tick tries again

    def _count_oom_kills(self, pid: int) -> None:
        """Remember where the kernel counts for the server, and how far; it may be moved to a cgroup of its own."""
        counter = processes.find_oom_counter(pid)
        if processes.find_start_time(pid) is not None and counter != self._oom_counter:
            self._oom_counter, self._oom_count = counter, processes.read_oom_count(counter)

    def _record_exit(self, code: int) -> None:
        self._exits += 1
        count = processes.read_oom_count(self._oom_counter) if self._oom_counter else 0
        out_of_memory = code == -signal.SIGKILL and count > self._oom_count
        self._last_exit = {"code": code, "out_of_memory": out_of_memory, "stopped": self._stopping}
        if out_of_memory:
            proof = "{}: oom_kill {} before, {} after".format(self._oom_counter, self._oom_count, count)
            self._last_exit["oom_proof"] = proof
        self._oom_counter = ""
        self._record(None)

    def _record(self, server: processes.ProcessMark | None) -> None:
        supervisor = processes.find_mark(os.getpid())
        value = {
            "supervisor": supervisor.to_json() if supervisor else None,
            "server": server.to_json() if server else None,
            "exits": self._exits,
            "last_exit": self._last_exit,
        }
        self._server = server
        try:
            durable_files.write_json(os.path.join(self._folder, "process.json"), value)
            self._recorded = True
        except OSError:
            self._recorded = False


def _prepare(resources: dict[str, Any]) -> None:
    if "open_files" in resources:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = resources["open_files"] if os.geteuid() == 0 else min(resources["open_files"], most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
