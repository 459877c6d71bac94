"""Where a run was on a host when it was ended before its own end: the proof of `timeout` and `canceled`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mgmt_ansible.domain.outcomes import Cause, Evidence
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.parsing.hosts import HostTrace

_EARLY = {
    RunStatus.CANCELED: (Cause.CANCELED, "the run was canceled"),
    RunStatus.TIMEOUT: (Cause.TIMEOUT, "the run's time was over"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """What was measured of a run by who executed it.

    Attributes:
        started_at: Aware, UTC.
        ended_at: When its last process was gone; aware, UTC.
        allowed_seconds: For the whole run.
        killed: A signal ended Ansible, and it was not ours.
    """

    started_at: datetime
    ended_at: datetime
    allowed_seconds: float
    killed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended.

    Attributes:
        status: `running` when nobody saw it.
        error: Ansible's own about the run as a whole, redacted; may be empty.
        measured: None where nobody did.
    """

    status: RunStatus
    error: str = ""
    measured: RunEnd | None = None

    @property
    def killed(self) -> bool:
        """Whether Ansible was ended by somebody else's signal: it said nothing of its own about the end."""
        return self.status is RunStatus.FAILED and self.measured is not None and self.measured.killed

    @property
    def sentence(self) -> str:
        """What is to be said of the whole run, if it did not end by itself; else nothing."""
        if self.status is RunStatus.RUNNING:
            return "nobody saw how the run ended"
        return "a signal ended Ansible" if self.killed else _EARLY.get(self.status, ("", ""))[1]

    @property
    def early(self) -> tuple[Cause, str] | None:
        """Cause and sentence for a host that had not reported by then; None for a run that ended by itself."""
        if not self.sentence or self.status is RunStatus.RUNNING:
            return (Cause.UNKNOWN, self.sentence) if self.sentence else None
        cause = Cause.UNKNOWN if self.killed else _EARLY[self.status][0]
        return cause, f"{self.sentence} before this host reported"


def evidence_of(trace: HostTrace, ending: Ending) -> tuple[Evidence, ...]:
    """Return in which task a run was on a host, since when, and how long it had lasted; nothing for a run that ended by itself."""
    if ending.measured is None or ending.early is None:
        return ()
    lines = (*_task_lines(trace, ending.measured), _run_line(ending, ending.measured))
    return (Evidence(kind="task", text="\n".join(lines)),)


def _task_lines(trace: HostTrace, measured: RunEnd) -> tuple[str, ...]:
    if not trace.task:
        return ("no task had begun on this host",)
    began_at = _find_moment(trace.task_began_at)
    if began_at is None:
        return (trace.task, "the last task that began on this host")
    position = f"began {began_at:%Y-%m-%dT%H:%M:%SZ}, {_seconds(began_at - measured.started_at)} into the run"
    lasted = _seconds(measured.ended_at - began_at)
    end = (
        f"no end of it was seen in the {lasted} that followed" if trace.at_work else "it had ended, and no other began"
    )
    return (trace.task, f"{position}; {end}")


def _run_line(ending: Ending, measured: RunEnd) -> str:
    lasted = _seconds(measured.ended_at - measured.started_at)
    return f"{ending.sentence}, {lasted} after it began; {measured.allowed_seconds:.1f} s were allowed"


def _find_moment(text: str) -> datetime | None:
    """Return an event's moment; one without a zone is UTC, as ansible-runner means it."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _seconds(length: timedelta) -> str:
    return f"{max(length.total_seconds(), 0.0):.1f} s"
