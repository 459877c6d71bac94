"""Runtime environments: one Python environment for each set of requirements, built once, shared by all deployments."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from typing import Iterator, Sequence

from ..failures import HostError, evidence
from ..layout import Layout
from ..machine import durable_files
from . import packages

_PIP_SECONDS = 1800.0
_PIP_WITH_PYTHON_OPTION = (22, 3)
_MARKER = "environment.json"
_NO_ROOM = re.compile(r"^(?:ERROR: .*|OSError: )\[Errno (?:28|122)\] ", re.MULTILINE)
"""ENOSPC and EDQUOT as pip and Python say of themselves; a path or a package's name may hold the same words."""


def key(requirements: Sequence[str]) -> str:
    """Return an environment's folder name: the hash of its requirements and of this Python's version."""
    version = "python {}.{} {}".format(*sys.version_info[:2], sys.implementation.cache_tag)
    return hashlib.sha256("\n".join([version, *requirements]).encode()).hexdigest()[:16]


def find(layout: Layout, requirements: Sequence[str]) -> str | None:
    """Return the interpreter of a finished environment, or None."""
    folder = layout.path("environments", key(requirements))
    python = os.path.join(folder, "bin", "python")
    return python if os.path.exists(os.path.join(folder, _MARKER)) and os.access(python, os.X_OK) else None


def require(layout: Layout, requirements: Sequence[str]) -> str:
    """Return the interpreter of a finished environment.

    Raises:
        HostError: There is none.
    """
    python = find(layout, requirements)
    if python is None:
        proof = evidence("requirements", "\n".join(requirements))
        raise HostError("dependency", "the package's Python environment is not built; run role package", [proof])
    return python


def build(layout: Layout, requirements: Sequence[str], pip_arguments: list[str], wheelhouse: str | None = None) -> bool:
    """Build the environment unless it is finished; a half-built one is removed first.

    What builds holds the lock too: a pip that outlives its killed module is waited for, so that no two write one folder.

    Args:
        layout: Where.
        requirements: What it shall hold.
        pip_arguments: Extra arguments of `pip install`.
        wheelhouse: Folder of wheels to use instead of an index.

    Returns:
        Whether it was built now.

    Raises:
        HostError: `dependency`, with the last lines of what failed.
    """
    folder = layout.path("environments", key(requirements))
    with durable_files.locked(folder + ".lock", _PIP_SECONDS) as lock, _readable_to_all():
        if find(layout, requirements):
            return False
        durable_files.remove_tree(folder)
        source = ["--no-index", "--find-links", wheelhouse] if wheelhouse else []
        _make(folder, [*source, *pip_arguments], lock)
        _install(folder, [*source, *pip_arguments, *requirements], lock)
        value = {"requirements": list(requirements), "python": sys.version}
        durable_files.write_json(os.path.join(folder, _MARKER), value)
    return True


@contextmanager
def _readable_to_all() -> Iterator[None]:
    """Let servers read what is written that are not us; the folder above stays ours."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def _make(folder: str, arguments: list[str], lock: int) -> None:
    if _try([sys.executable, "-m", "venv", "--without-pip", folder], lock):
        return
    durable_files.remove_tree(folder)
    carrier = tempfile.mkdtemp(prefix="mgmt-virtualenv-")
    try:
        _run([sys.executable, "-m", "pip", "install", "--target", carrier, *arguments, "virtualenv"], carrier, lock)
        _run([sys.executable, "-m", "virtualenv", "--no-download", folder], folder, lock, {"PYTHONPATH": carrier})
    finally:
        shutil.rmtree(carrier)


def _install(folder: str, arguments: list[str], lock: int) -> None:
    python = os.path.join(folder, "bin", "python")
    # A first start compiles the few modules it imports; compiling every file of NumPy costs more than all the rest.
    options = ["install", "--no-input", "--no-compile", "--disable-pip-version-check", *arguments]
    if _pip_version() >= _PIP_WITH_PYTHON_OPTION:
        _run([sys.executable, "-m", "pip", "--python", python, *options], folder, lock)
    elif _try([python, "-m", "pip", "--version"], lock) or _try([python, "-m", "ensurepip"], lock):
        _run([python, "-m", "pip", *options], folder, lock)
    else:
        raise HostError("dependency", "this host's Python has no pip: install the package python3-pip")


def _pip_version() -> tuple[int, ...]:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--version"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    words = done.stdout.decode().split()
    if done.returncode != 0 or len(words) <= 1:
        return ()
    return tuple(int(part) for part in words[1].split(".")[:2] if part.isdigit())


def _try(command: list[str], lock: int) -> bool:
    done = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(lock,),
    )
    return done.returncode == 0


def _run(command: list[str], folder: str, lock: int, extra: dict[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PIP_SECONDS,
            pass_fds=(lock,),
            env=dict(os.environ, **extra) if extra else None,
        )
    except subprocess.TimeoutExpired as error:
        raise HostError("dependency", "pip did not end within {:g} s".format(_PIP_SECONDS)) from error
    if done.returncode != 0:
        text = done.stdout.decode("utf-8", "replace")
        lines = "\n".join(text.strip().splitlines()[-30:])
        proof = [evidence("log_tail", lines)]
        if _NO_ROOM.search(text):
            raise HostError("disk", "the disk is full", [*proof, packages.disk_evidence(folder)])
        raise HostError("dependency", "the runtime's requirements could not be installed", proof)
