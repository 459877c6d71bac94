"""The host's own refusal of older work.

`fence.json` holds the highest (generation, attempt) that was ever seen and who works on it; `lock` is held while somebody
does. Both outlive stop and failed launch. Source: design, "Fence".
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Iterator

from .failures import HostError, StillWorkingError, SupersededError, evidence
from .inputs import Inputs
from .journal import last_effect
from .layout import DeploymentLayout
from .machine import durable_files, processes

LOCK_SECONDS = 30.0
HOLDER_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class FenceMark:
    """The content of `fence.json`.

    Attributes:
        pair: (generation, attempt); (0, 0) when nobody has been here.
        holder: Who works, or worked when it was killed.
        canceled: This very pair may not work any more.
    """

    pair: tuple[int, int] = (0, 0)
    holder: processes.ProcessMark | None = None
    canceled: bool = False

    @property
    def working(self) -> bool:
        """Whether the holder lives now."""
        return self.holder is not None and self.holder.alive


class Fence:
    """A held fence: what `hold` hands out.

    Attributes:
        pair: Ours.
    """

    def __init__(self, own: DeploymentLayout, pair: tuple[int, int]) -> None:
        self._own = own
        self.pair = pair

    def check(self) -> None:
        """Read the fence again, before a step that cannot be taken back.

        Raises:
            SupersededError: Somebody newer has come.
        """
        _refuse_lower(read(self._own), self.pair)


def read(own: DeploymentLayout) -> FenceMark:
    """Return what the fence says; needs no lock.

    Raises:
        HostError: It is there and holds no pair; a damaged fence lets nobody in.
    """
    value = durable_files.read_json(own.fence)
    if value is None and not os.path.lexists(own.fence):
        return FenceMark()
    value = value or {}
    try:
        pair = (int(value["generation"]), int(value["attempt"]))
    except (KeyError, TypeError, ValueError) as error:
        message = "{} is damaged ({!r}): look at what runs, then remove it".format(own.fence, error)
        raise HostError("unknown", message) from error
    return FenceMark(pair, processes.mark_from_json(value.get("holder")), bool(value.get("canceled")))


def look(own: DeploymentLayout) -> list[dict[str, str]]:
    """Return as evidence who works on a deployment, and what it did last; needs no lock, and never fails the work."""
    try:
        mark = read(own)
    except (HostError, OSError):
        return []
    if mark.pair == (0, 0):
        return [evidence("holder", "fence.json is not there: no run had come")]
    who = "pid {} worked on it".format(mark.holder.pid) if mark.holder and mark.working else "nobody worked on it"
    said = "generation {}, attempt {}: {}".format(*mark.pair, who)
    return [evidence("holder", "\n".join(line for line in (said, last_effect(own, mark.pair)) if line))]


def to_json(pair: tuple[int, int]) -> dict[str, int] | None:
    """Return a pair as the result carries it."""
    return {"generation": pair[0], "attempt": pair[1]} if pair[0] else None


@contextmanager
def hold(inputs: Inputs, lock_seconds: float = LOCK_SECONDS) -> Iterator[Fence]:
    """Take the fence, stopping every lower holder that still lives or comes while the lock is waited for.

    Raises:
        SupersededError: The host knows a higher pair.
        HostError: This very pair was canceled, or another holder does not end.
        StillWorkingError: That holder has our own pair, as when a connection broke and the command was sent again.
    """
    own = inputs.own
    os.makedirs(own.folder, mode=0o700, exist_ok=True)
    _stop_lower(own, inputs.pair)
    try:
        with durable_files.locked(own.lock, lock_seconds, waiting=lambda: _stop_lower(own, inputs.pair)):
            _refuse_lower(read(own), inputs.pair)
            _refuse_canceled(read(own), inputs.pair)
            write(own, inputs, holder=processes.find_mark(os.getpid()))
            try:
                yield Fence(own, inputs.pair)
            finally:
                _release(own, inputs)
    except TimeoutError as error:
        kind = StillWorkingError if read(own).pair == inputs.pair else HostError
        message = "another run still works on this deployment: {}".format(error)
        raise kind("timeout", message, look(own)) from error


def write(own: DeploymentLayout, inputs: Inputs, holder: processes.ProcessMark | None, canceled: bool = False) -> None:
    """Write the inputs' pair into the fence; the caller holds the lock."""
    value: dict[str, Any] = {
        "schema": 1,
        "generation": inputs.pair[0],
        "attempt": inputs.pair[1],
        "action": inputs.action,
        "action_id": inputs.action_id,
        "holder": holder.to_json() if holder else None,
        "canceled": canceled,
        "written_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    durable_files.write_json(own.fence, value)


def _release(own: DeploymentLayout, inputs: Inputs) -> None:
    try:
        if read(own).pair == inputs.pair:
            write(own, inputs, holder=None)
    except (HostError, OSError):
        return  # a full disk: the mark names a process that ends now, and so says the same


def _stop_lower(own: DeploymentLayout, pair: tuple[int, int]) -> None:
    mark = read(own)
    _refuse_lower(mark, pair)
    if mark.pair < pair:
        processes.stop(mark.holder, HOLDER_STOP_SECONDS)


def _refuse_lower(mark: FenceMark, pair: tuple[int, int]) -> None:
    if mark.pair > pair:
        raise SupersededError(mark.pair)


def _refuse_canceled(mark: FenceMark, pair: tuple[int, int]) -> None:
    if mark.canceled and mark.pair == pair:
        said = "generation {}, attempt {}: canceled".format(*mark.pair)
        message = "generation {}, attempt {} was canceled before it came".format(*pair)
        raise HostError("canceled", message, [evidence("holder", said)])
