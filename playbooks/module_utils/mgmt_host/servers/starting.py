"""Start a server that is not ours: an own working folder, its turn on the port, then it takes this process's place.

The process stays the same, pid and start time too, so what the supervisor wrote down is the server itself.
"""

from __future__ import annotations

import os
import sys
import time

from ..machine import durable_files, ports

_POLL_SECONDS = 0.005
_NOT_STARTED = 127


def run(folder: str) -> int:
    """Become the server of the slot in that folder; return an exit code only when that cannot be."""
    config = durable_files.read_json(os.path.join(folder, "slot.json")) or {}
    work = os.path.join(folder, "work")
    durable_files.remove_tree(work)
    os.mkdir(work, 0o700)
    os.chdir(work)
    with open(os.path.join(folder, "loaded"), "w", encoding="ascii"):
        pass
    if not _wait_for_port(config["bind_address"], int(config["port"]), float(config.get("bind_wait_seconds", 0.0))):
        return _tell("port {} is in use".format(config["port"]))
    argv = config["served"]["argv"]
    _tell("starting {} for generation {}".format(argv[0], config["generation"]))
    try:
        os.execv(argv[0], argv)  # noqa: S606 - a list of the package's own manifest, never a shell
    except OSError as error:
        return _tell("{} cannot be started: {}".format(argv[0], error.strerror))


def _wait_for_port(address: str, port: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not ports.is_free(address, port):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _tell(line: str) -> int:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return _NOT_STARTED
