"""All runner events of a run become an outcome for every host that was asked for.

Neither return code nor recap decides: an empty match exits 0, an unknown module exits like an unreachable host, and an
ignored unreachable host counts as ok (measured with ansible-core 2.19; tests/recordings).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mgmt_ansible.domain.outcomes import Cause, Evidence, HostOutcome, Outcome
from mgmt_ansible.domain.redaction import redact
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.parsing.hosts import HostTrace, fold_event
from mgmt_ansible.parsing.results import EVIDENCE_LIMIT, MESSAGE_LIMIT
from mgmt_ansible.parsing.runner_events import RunnerEvent, read_runner_event

_NO_HOSTS = re.compile(
    r"leaves us with no hosts to target|no hosts matched|could not match supplied host pattern", re.I
)
_ERROR = re.compile(r"^(?:\[?ERROR\]?[!:]?|fatal:)\s*", re.I)

_ENDED_EARLY = {
    RunStatus.CANCELED: (Cause.CANCELED, "the run was canceled before this host reported"),
    RunStatus.TIMEOUT: (Cause.TIMEOUT, "the run's time was over before this host reported"),
    RunStatus.RUNNING: (Cause.UNKNOWN, "nobody saw how the run ended"),
}

_ENDED = {
    RunStatus.CANCELED: "the run was canceled",
    RunStatus.TIMEOUT: "the run's time was over",
    RunStatus.RUNNING: "nobody saw how the run ended",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRun:
    """What a run's events say.

    Attributes:
        hosts: Host name -> outcome: every host that was asked for, in that order.
        message: One sentence about the run as a whole, or empty.
    """

    hosts: Mapping[str, HostOutcome] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """What is known of the run as a whole, and of every host."""

    traces: Mapping[str, HostTrace]
    failures: Mapping[str, int] | None = None
    lost: Mapping[str, int] | None = None
    no_hosts: bool = False
    error: str = ""


def parse_run(
    raw_events: Iterable[Mapping[str, object]],
    *,
    hosts: tuple[str, ...],
    status: RunStatus,
    secrets: tuple[str, ...] = (),
) -> ParsedRun:
    """Return the outcome of every host of a run.

    Args:
        raw_events: As ansible-runner sent them, in order; keys that are not known are ignored.
        hosts: The run's limit; events of other hosts are ignored.
        status: How the run ended; `running` when nobody saw it, and events may be missing.
        secrets: Values to take out of every text.
    """
    whole = _Whole(traces={host: HostTrace(host=host) for host in hosts})
    for raw in raw_events:
        whole = _fold(whole, read_runner_event(raw), secrets)
    message = redact(whole.error, secrets, limit=MESSAGE_LIMIT)
    outcomes = {host: _judge(trace, whole, status, message) for host, trace in whole.traces.items()}
    return ParsedRun(hosts=outcomes, message=_message(whole, status, message))


def _fold(whole: _Whole, event: RunnerEvent, secrets: tuple[str, ...]) -> _Whole:
    kind, data = event["event"], event["event_data"]
    if kind == "playbook_on_no_hosts_matched":
        return replace(whole, no_hosts=True)
    if kind == "playbook_on_stats":
        return replace(whole, failures=data.get("failures", {}), lost=data.get("dark", {}))
    trace = whole.traces.get(data.get("host", ""))
    if trace is not None:
        folded = fold_event(trace, kind, data, secrets=secrets)
        return replace(whole, traces={**whole.traces, trace.host: folded}) if folded is not trace else whole
    return _fold_output(whole, event["stdout"]) if kind in ("verbose", "error", "") else whole


def _fold_output(whole: _Whole, line: str) -> _Whole:
    text = re.sub(r"\x1b\[[0-9;]*[mK]", "", line).strip()
    if _NO_HOSTS.search(text):
        return replace(whole, no_hosts=True)
    found = _ERROR.match(text)
    return replace(whole, error=text[found.end() :]) if found and not whole.error else whole


def _judge(trace: HostTrace, whole: _Whole, status: RunStatus, error: str) -> HostOutcome:
    if trace.result is not None:
        return _judge_result(trace, trace.result, whole)
    for found in (trace.unreachable, trace.failure):
        if found is not None and not _rescued(trace, found, whole):
            return found
    return _without_events(trace, whole, status, error)


def _judge_result(trace: HostTrace, result: HostOutcome, whole: _Whole) -> HostOutcome:
    """Keep what is proved, but say when the playbook failed, or lost the host, after it."""
    failure = _failed_afterwards(trace, whole)
    if failure is None or result.outcome not in (Outcome.OK, Outcome.CHANGED):
        return result
    return replace(
        result,
        outcome=Outcome.FAILED,
        cause=failure.cause,
        message=failure.message,
        evidence=(*result.evidence, *failure.evidence),
    )


def _failed_afterwards(trace: HostTrace, whole: _Whole) -> HostOutcome | None:
    lost = trace.unreachable
    if lost is not None and (whole.lost is None or whole.lost.get(trace.host, 0)):
        return lost
    return trace.failure if trace.failure is not None and not _rescued(trace, trace.failure, whole) else None


def _rescued(trace: HostTrace, found: HostOutcome, whole: _Whole) -> bool:
    lost = found is trace.unreachable
    return not lost and whole.failures is not None and not whole.failures.get(trace.host, 0)


def _without_events(trace: HostTrace, whole: _Whole, status: RunStatus, error: str) -> HostOutcome:
    cause, message = _whole_cause(whole, status, error)
    outcome = Outcome.UNKNOWN if trace.started and status is not RunStatus.FAILED else Outcome.NOT_RUN
    if trace.touched or status is RunStatus.RUNNING:
        outcome = Outcome.UNKNOWN
    evidence = (Evidence(kind="message", text=error[-EVIDENCE_LIMIT:]),) if error else ()
    return HostOutcome(host=trace.host, outcome=outcome, cause=cause, message=message, evidence=evidence)


def _whole_cause(whole: _Whole, status: RunStatus, error: str) -> tuple[Cause, str]:
    if status in _ENDED_EARLY:
        return _ENDED_EARLY[status]
    if whole.no_hosts:
        return Cause.NO_HOSTS, "the playbook matched no hosts"
    if error or status is RunStatus.FAILED:
        return Cause.PLAYBOOK_ERROR, error or "Ansible ended before this host reported"
    return Cause.UNKNOWN, "the playbook ended without a result of the mgmt_deployment task"


def _message(whole: _Whole, status: RunStatus, error: str) -> str:
    if status in _ENDED:
        return _ENDED[status]
    nothing_began = not any(trace.started for trace in whole.traces.values())
    return "no hosts matched" if whole.no_hosts and nothing_began else error
