"""Nothing is left of a deployment that was stopped: no process that was started for it, no listener of its own."""

from __future__ import annotations

import os

from ..failures import HostError, evidence
from ..journal import Journal
from ..layout import DeploymentLayout
from ..machine import ports, processes

_VERBS = ("supervise", "serve", "run", "relay")


def end(own: DeploymentLayout, seconds: float, journal: Journal) -> None:
    """Stop what was started for a deployment's slots and left its supervisor; it is gone when this returns.

    Raises:
        HostError: `timeout`: it cannot be killed, or others come again and again.
    """
    left = find(own)
    processes.stop_each(left, seconds)
    for mark in left:
        journal.effect("process {} was left behind and is stopped".format(mark.pid))
    again = find(own)
    if again:
        names = "\n".join(processes.describe(mark.pid) for mark in again)
        message = "{} processes of this deployment go on although they were stopped".format(len(again))
        raise HostError("timeout", message, [evidence("processes", names)])


def find(own: DeploymentLayout) -> list[processes.ProcessMark]:
    """Return the processes that were started for a deployment: programs of ours with one of its slots, and what carries its mark."""
    marks = [processes.find_mark(pid) for pid in processes.list_pids() if _is_of(pid, own)]
    return [mark for mark in marks if mark is not None]


def listeners(port_numbers: list[int]) -> tuple[str, list[dict[str, str]]]:
    """Return what is to be said of ports that should be silent, and the proof when one is not."""
    silent = [port for port in port_numbers if not ports.listeners(port)]
    others = [port for port in port_numbers if port not in silent]
    words = ["nothing listens on port {}".format(port) for port in silent]
    words += ["port {} is somebody else's".format(port) for port in others]
    return ", ".join(words), [evidence("ss", ports.describe(port)) for port in others]


def _is_of(pid: int, own: DeploymentLayout) -> bool:
    if pid == os.getpid():
        return False
    inside = os.path.join(own.folder, "")
    if any(slot.startswith(inside) for slot in processes.read_variable(pid, processes.SLOT_VARIABLE)):
        return True
    words = processes.read_words(pid, "cmdline")
    return any(words[place - 1] in _VERBS and word.startswith(inside) for place, word in enumerate(words) if place)
