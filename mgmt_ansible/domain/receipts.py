"""Loss receipts: what a prober on a host saw at the stable address while a model was replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mgmt_ansible.domain.durations import in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedPhase:
    """How the stable address answered in one phase of a replacement.

    Attributes:
        probes: How often it was asked.
        p50_seconds: Half of the answers took no longer; None when there were none.
        p99_seconds: As few as one of a hundred took longer; None when there were none.
    """

    probes: int
    p50_seconds: float | None = None
    p99_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the prober of one host saw.

    Attributes:
        interval_seconds: From one probe to the next.
        probes: How many.
        failed: Of them, without an answer of a status below 500, however late.
        slow: Of them, answered after more than two seconds: who asked waited, and lost nothing. An older host side tells
            them as failed.
        slowest_seconds: Longest time until an answer; None when none was answered, or an older host side asked.
        longest_gap_seconds: Longest time without an answer, right within one interval; 0 when nothing failed.
        before: Until traffic moved.
        during: Until the new model, or the old one again, was proved.
        after: Some more; nothing after a failure.
    """

    interval_seconds: float
    probes: int
    failed: int
    longest_gap_seconds: float
    before: ProbedPhase
    during: ProbedPhase
    after: ProbedPhase
    slow: int = 0
    slowest_seconds: float | None = None

    @property
    def sentence(self) -> str:
        """What was lost, for people."""
        return lost_in_all({"": self})

    @property
    def phases(self) -> tuple[tuple[str, ProbedPhase], ...]:
        """The phases by name, in their order."""
        return ("before", self.before), ("during", self.during), ("after", self.after)

    @property
    def speeds(self) -> str:
        """How fast it answered in each phase that had answers, for people; empty when nothing was answered."""
        told = (
            f"{name} {in_words(phase.p50_seconds)} / {in_words(phase.p99_seconds)}"
            for name, phase in self.phases
            if phase.p50_seconds is not None and phase.p99_seconds is not None
        )
        joined = ", ".join(told)
        return f"answers p50 / p99: {joined}" if joined else ""


def lost_in_all(receipts: Mapping[str, Receipt]) -> str:
    """Return what the hosts of a replacement lost together, for people: host -> its receipt; empty for none."""
    if not receipts:
        return ""
    told = receipts.values()
    probes, failed, slow = (sum(getattr(one, name) for one in told) for name in ("probes", "failed", "slow"))
    words = f"{failed} of {probes} probes failed"
    if failed:
        worst = max(receipts, key=lambda host: receipts[host].longest_gap_seconds)
        words += f", at most {in_words(receipts[worst].longest_gap_seconds)} without an answer"
        words += f" ({worst})" if len(receipts) > 1 else ""
    slowest = max((one.slowest_seconds or 0.0 for one in told), default=0.0)
    if slow:
        words += f", {slow} {'was' if slow == 1 else 'were'} answered late"
        words += f" (the slowest after {in_words(slowest)})" if slowest else ""
    return words
