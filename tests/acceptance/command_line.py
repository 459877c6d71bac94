"""The installed command line as subprocesses, and what is left of them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = Path(sysconfig.get_path("scripts")) / "mgmt-ansible"
START_SECONDS = 900
UP_READY = "Ctrl-C stops all of it"
"""The last words of `up` before it waits."""
STOP_SECONDS = 300


def environment() -> dict[str, str]:
    """Return this process's variables without any that would point at a control plane."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MGMT_ANSIBLE_")}


def run(*arguments: str | Path, seconds: float = 600) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [SCRIPT, *arguments], capture_output=True, text=True, timeout=seconds, check=False, env=environment()
    )


def read_json(*arguments: str | Path) -> object:
    """Run one command and return the JSON that it prints."""
    done = run(*arguments, "--json")
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


def play(module: str, *arguments: str, seconds: float = 1100) -> str:
    """Run a module of the tests to its good end and return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env=environment(),
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


class Program:
    """A program that stays in the foreground until it is told to stop."""

    def __init__(self, folder: Path, *arguments: str | Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"{arguments[0]}.log"
        with self.log.open("ab") as log:
            self._begin = log.tell()
            self._process = subprocess.Popen(
                [SCRIPT, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        """What it printed so far."""
        return self.log.read_bytes()[self._begin :].decode()

    def wait_for(self, pattern: str, seconds: float = START_SECONDS) -> re.Match[str]:
        """Block until its output matches."""
        deadline = time.monotonic() + seconds
        while (found := re.search(pattern, self.output)) is None:
            assert self._process.poll() is None, f"it ended with {self._process.returncode}:\n{self.output}"
            assert time.monotonic() < deadline, f"no {pattern!r} after {seconds} s in:\n{self.output}"
            time.sleep(0.05)
        return found

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Signal it and return its exit code."""
        self._process.send_signal(number)
        return self._process.wait(STOP_SECONDS)

    def end(self) -> None:
        """Make sure that it is gone, whatever the test did."""
        if self._process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop()
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def list_processes_of(folder: Path) -> list[tuple[int, str]]:
    """Return pid and command line of the living processes that name a folder."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            with contextlib.suppress(OSError):
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if str(folder) in line:
                    found.append((int(process.name), line))
    return found


def wait_until_gone(folder: Path, seconds: float = 60) -> list[tuple[int, str]]:
    """Return what still lives after that long; SSH's own multiplexers end a moment after their server."""
    deadline = time.monotonic() + seconds
    while (living := list_processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return living
