"""A prune beside clients that write, and the same clients without it in between, so that the machine's own noise can be told."""

from __future__ import annotations

import sys
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.event_feeds import Names
from benchmarks.event_servers import Server

WRITERS = 4
WRITER_PAUSE_SECONDS = 0.05
QUIET_SECONDS = 8.0
"""Before each call, of about 20 s, that goes on with the prune."""
_EDGES = (10, 25, 50, 100)


class Phase(StrEnum):
    """What the control plane does meanwhile."""

    QUIET = "without a prune"
    PRUNING = "while pruning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Milliseconds that writes waited for their answer, ascending; never empty."""

    milliseconds: Sequence[float]

    @property
    def longest(self) -> float:
        """Of all."""
        return self.milliseconds[-1]

    def __str__(self) -> str:
        """Tell their number, some quantiles, and how many were how long."""
        count = len(self.milliseconds)
        quantiles = ", ".join(f"p{percent} {self._at(percent):.0f}" for percent in (50, 90, 99))
        reached = [bisect_right(self.milliseconds, edge) for edge in _EDGES]
        longer = ", ".join(f"{count - upto} over {edge}" for edge, upto in zip(_EDGES, reached, strict=True))
        return f"{count} writes, {quantiles}, longest {self.longest:.0f} ms; {longer}"

    def _at(self, percent: int) -> float:
        return self.milliseconds[len(self.milliseconds) * percent // 100]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What a prune did, and what writers saw of it."""

    entries: int
    seconds: float
    waits: dict[Phase, Waits]


def prune(server: Server, names: Names) -> Pruned:
    """Prune until nothing is left, while clients write; tell how far it is after each call."""
    caller = server.session()
    entries, seconds, complete = 0, 0.0, False
    with _writing(server, names) as writers:
        while not complete:
            time.sleep(QUIET_SECONDS)
            with writers.in_phase(Phase.PRUNING):
                took, answer = caller.ask("POST", "/api/v2/retention/prune/")
            report = answer.json()
            entries, seconds, complete = entries + report["entries"], seconds + took / 1000, report["complete"]
            print(f"  prune: {entries} entries in {seconds:.0f} s", file=sys.stderr, flush=True)
    return Pruned(entries=entries, seconds=seconds, waits={phase: writers.waits(phase) for phase in Phase})


class _Writers:
    """Clients that write; a write that both phases had a part in counts as one while pruning."""

    def __init__(self, server: Server, names: Names) -> None:
        self._server = server
        self._names = names
        self._ended = threading.Event()
        self._phase = Phase.QUIET
        self._waits: list[tuple[Phase, float]] = []
        self.threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]

    @contextmanager
    def in_phase(self, phase: Phase) -> Iterator[None]:
        before, self._phase = self._phase, phase
        try:
            yield
        finally:
            self._phase = before

    def waits(self, phase: Phase) -> Waits:
        return Waits(milliseconds=sorted(took for found, took in self._waits if found is phase))

    def end(self) -> None:
        self._ended.set()
        for thread in self.threads:
            thread.join()

    def _write(self, writer: int) -> None:
        caller = self._server.session()
        path = f"/api/v2/deployments/{self._names.deployment_ids[writer]}/"
        number = 0
        while not self._ended.wait(WRITER_PAUSE_SECONDS):
            number, before = number + 1, self._phase
            took, _ = caller.ask("PATCH", path, body={"description": f"written {number} times"})
            pruning = Phase.PRUNING in (before, self._phase)
            self._waits.append((Phase.PRUNING if pruning else Phase.QUIET, took))


@contextmanager
def _writing(server: Server, names: Names) -> Iterator[_Writers]:
    writers = _Writers(server, names)
    for thread in writers.threads:
        thread.start()
    try:
        yield writers
    finally:
        writers.end()
