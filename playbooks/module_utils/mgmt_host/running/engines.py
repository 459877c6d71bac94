"""Container engines, `docker` and `podman`, by their command lines: one language, and the few words in which they differ.

Commands are lists of arguments, never a shell's text, and nothing else is spoken to: no library, no socket of ours.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Callable

from ..failures import HostError, evidence

NAMES = ("docker", "podman")
SECONDS = 120.0
PULL_SECONDS = 3600.0
_ANSWER_SECONDS = 30.0
_LAST_CHARACTERS = 4000
_HOLDING = (sys.executable, "-I", "-S", "-c", "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))")
"""Holds what it inherits while a command runs, and hands none of it on: podman would give it to the container's monitor."""


@dataclass(frozen=True)
class Done:
    """What a command came to.

    Attributes:
        code: Exit code.
        text: What it wrote to standard output.
        complaint: What it wrote to standard error.
    """

    code: int
    text: str
    complaint: str


@dataclass(frozen=True)
class Engine:
    """One engine of this host.

    Attributes:
        name: One of `NAMES`.
        program: Absolute path.
    """

    name: str
    program: str

    def try_to(self, *words: str, seconds: float = SECONDS, lock: int | None = None) -> Done:
        """Run a command and return what it came to.

        Args:
            words: Its arguments.
            seconds: How long it may take.
            lock: A descriptor: a lock that is held for the command's life, also when we are killed meanwhile.

        Raises:
            HostError: `timeout`: it did not end in time; `dependency`: it cannot be started.
        """
        try:
            done = subprocess.run(
                [*([] if lock is None else _HOLDING), self.program, *words],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=seconds,
                env=_environment(),
                pass_fds=() if lock is None else (lock,),
            )
        except subprocess.TimeoutExpired as error:
            message = "{} {} did not end within {:g} s".format(self.name, words[0], seconds)
            raise HostError("timeout", message) from error
        except OSError as error:
            raise HostError("dependency", "{} cannot be started: {}".format(self.program, error.strerror)) from error
        return Done(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))

    def do(self, *words: str, seconds: float = SECONDS) -> str:
        """Run a command and return what it wrote, without white space around it.

        Raises:
            HostError: It failed, or did not end in time; with its last words.
        """
        done = self.try_to(*words, seconds=seconds)
        if done.code != 0:
            raise self.refused(words[0], done)
        return done.text.strip()

    def load(self, write: Callable[[IO[bytes]], None]) -> None:
        """Let the engine load the images of a tar that is written to it while it reads.

        Raises:
            HostError: It refused; with its last words. What `write` raises is raised on.
        """
        with subprocess.Popen(
            [self.program, "load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(),
        ) as process:
            try:
                with suppress(BrokenPipeError), process.stdin or open(os.devnull, "wb") as stream:
                    write(stream)  # of a broken pipe the engine's last words say why
            except BaseException:
                process.kill()
                raise
            said = process.stdout.read() if process.stdout is not None else b""
            code = process.wait()
        if code != 0:
            raise self.refused("load", Done(code, "", said.decode("utf-8", "replace")))

    def inspect(self, container: str) -> dict[str, Any] | None:
        """Return what the engine knows of a container; None when there is none of that name or id.

        Raises:
            HostError: The engine does not answer.
        """
        done = self.try_to("container", "inspect", container, seconds=_ANSWER_SECONDS)
        if done.code == 0:
            return _first(done.text)
        if "no such container" in done.complaint.lower():
            return None
        raise self.refused("inspect", done)

    def find_image(self, reference: str) -> str:
        """Return the id of an image that the engine has, as `sha256:` and 64 hex digits; empty when it has none.

        Raises:
            HostError: The engine does not answer.
        """
        done = self.try_to("image", "inspect", reference, seconds=_ANSWER_SECONDS)
        if done.code == 0:
            found = str(_first(done.text).get("Id", ""))
            return found if found.startswith("sha256:") or not found else "sha256:" + found
        if any(words in done.complaint.lower() for words in ("no such image", "not known", "failed to find image")):
            return ""
        raise self.refused("image inspect", done)

    def last_exit_code(self, container: str, since: str) -> int | None:
        """Return the exit code of a container's newest end; None when the engine's events do not tell.

        Args:
            container: Its id.
            since: Time of RFC 3339 from which on events count.
        """
        podman = self.name == "podman"
        words = ["events", "--since", since, "--until", "0s", "--filter", "container=" + container]
        words += ["--filter", "event=" + ("died" if podman else "die"), "--format", "json" if podman else "{{json .}}"]
        done = self.try_to(*words, *(["--stream=false"] if podman else []), seconds=_ANSWER_SECONDS)
        lines = done.text.strip().splitlines()
        try:
            event = json.loads(lines[-1])
            return int(event["ContainerExitCode"] if podman else event["Actor"]["Attributes"]["exitCode"])
        except (IndexError, KeyError, TypeError, ValueError):
            return None

    def refused(self, what: str, done: Done) -> HostError:
        """Return what a refusal of the engine means."""
        words = (done.complaint or done.text).strip()
        proof = [evidence("log_tail", words[-_LAST_CHARACTERS:])]
        last = words.splitlines()[-1][:300] if words else "exit code {}".format(done.code)
        low = words.lower()
        if "no space left" in low:
            return HostError("disk", "the disk is full: {} says so".format(self.name), proof)
        if "address already in use" in low or "port is already allocated" in low:
            return HostError("port_in_use", "{} cannot publish the port: {}".format(self.name, last), proof)
        return HostError("dependency", "{} {} failed: {}".format(self.name, what, last), proof)


def choose(wanted: str = "auto") -> Engine:
    """Return the engine that an agent's setting means: `docker`, `podman`, or by `auto` the first of them that answers.

    Raises:
        HostError: `dependency`: none answers; with what each said.
    """
    complaints = []
    for name in NAMES if wanted == "auto" else (wanted,):
        engine, complaint = _look(name)
        if engine is not None:
            return engine
        complaints.append("{}: {}".format(name, complaint))
    message = "no container engine answers to this account: install docker or podman, or let the play become root"
    raise HostError("dependency", message, [evidence("engines", "\n".join(complaints))])


def require(name: str) -> Engine:
    """Return an engine by its name without asking it.

    Raises:
        HostError: `dependency`: its program is not on this host.
    """
    program = shutil.which(name) if name in NAMES else None
    if program is None:
        raise HostError("dependency", "the container engine {!r} is not on this host".format(name))
    return Engine(name, program)


def _look(name: str) -> tuple[Engine | None, str]:
    try:
        engine = require(name)
        if name == "docker" and "podman" in engine.do("--version", seconds=_ANSWER_SECONDS).lower():
            return None, "that program is podman by another name"
        engine.do("version", "--format", "{{.Server.Version}}", seconds=_ANSWER_SECONDS)
    except HostError as error:
        return None, error.message
    return engine, ""


def _environment() -> dict[str, str]:
    folder = "/run/user/{}".format(os.geteuid())
    if os.geteuid() == 0 or "XDG_RUNTIME_DIR" in os.environ or not os.path.isdir(folder):
        return dict(os.environ)
    return dict(os.environ, XDG_RUNTIME_DIR=folder)  # who became this account by sudo has none, and podman wants it


def _first(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
        return dict(found[0])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise HostError("dependency", "the container engine's answer cannot be read: {!r}".format(error)) from error
