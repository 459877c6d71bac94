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
from mgmt_ansible.parsing.endings import Ending, RunEnd, evidence_of
from mgmt_ansible.parsing.hosts import HostTrace, fold_event
from mgmt_ansible.parsing.results import MESSAGE_LIMIT
from mgmt_ansible.parsing.runner_events import RunnerEvent, read_runner_event

_NO_HOSTS = re.compile(r"Specified inventory, host pattern and/or --limit leaves us with no hosts to target\.")
"""All that Ansible says when it ends before any play, as its limit matches nobody."""

_ERROR = re.compile(r"^(?:\[?ERROR\]?[!:]?|fatal:)\s*", re.I)


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
    """What is known of the run as a whole, and of every host.

    Attributes:
        plays: How many began.
        empty_plays: How many of them matched no host.
        nobody: The newest error of Ansible's is that the run's limit matches nobody.
        error: The first one.
    """

    traces: Mapping[str, HostTrace]
    failures: Mapping[str, int] | None = None
    lost: Mapping[str, int] | None = None
    plays: int = 0
    empty_plays: int = 0
    nobody: bool = False
    error: str = ""

    @property
    def no_hosts(self) -> bool:
        """Whether Ansible ran and found nobody: each play says so, or that was its error before any."""
        if any(trace.started for trace in self.traces.values()):
            return False
        return self.nobody if not self.plays else self.empty_plays == self.plays


def parse_run(
    raw_events: Iterable[Mapping[str, object]],
    *,
    hosts: tuple[str, ...],
    status: RunStatus,
    secrets: tuple[str, ...] = (),
    end: RunEnd | None = None,
) -> ParsedRun:
    """Return the outcome of every host of a run.

    Args:
        raw_events: As ansible-runner sent them, in order; keys that are not known are ignored.
        hosts: The run's limit; events of other hosts are ignored.
        status: How the run ended; `running` when nobody saw it, and events may be missing.
        secrets: Values to take out of every text.
        end: As it was measured; None where nobody did.
    """
    whole = _Whole(traces={host: HostTrace(host=host) for host in hosts})
    for raw in raw_events:
        whole = _fold(whole, read_runner_event(raw), secrets)
    ending = Ending(status=status, error=redact(whole.error, secrets, limit=MESSAGE_LIMIT), measured=end)
    outcomes = {host: _judge(trace, whole, ending) for host, trace in whole.traces.items()}
    return ParsedRun(hosts=outcomes, message=_message(whole, ending))


def _fold(whole: _Whole, event: RunnerEvent, secrets: tuple[str, ...]) -> _Whole:
    kind, data = event["event"], event["event_data"]
    if kind == "playbook_on_play_start":
        return replace(whole, plays=whole.plays + 1)
    if kind == "playbook_on_no_hosts_matched":
        return replace(whole, empty_plays=whole.empty_plays + 1)
    if kind == "playbook_on_stats":
        return replace(whole, failures=data.get("failures", {}), lost=data.get("dark", {}))
    trace = whole.traces.get(data.get("host", ""))
    if trace is not None:
        folded = fold_event(trace, event, secrets=secrets)
        return replace(whole, traces={**whole.traces, trace.host: folded}) if folded is not trace else whole
    return _fold_output(whole, event["stdout"]) if kind in ("verbose", "error", "") else whole


def _fold_output(whole: _Whole, line: str) -> _Whole:
    text = re.sub(r"\x1b\[[0-9;]*[mK]", "", line).strip()
    found = _ERROR.match(text)
    if not found:
        return whole
    error = text[found.end() :]
    return replace(whole, error=whole.error or error, nobody=_NO_HOSTS.fullmatch(error) is not None)


def _judge(trace: HostTrace, whole: _Whole, ending: Ending) -> HostOutcome:
    if trace.result is not None:
        return _judge_result(trace, trace.result, whole)
    for found in (trace.unreachable, trace.failure):
        if found is not None and not _rescued(trace, found, whole):
            return found
    return _without_events(trace, whole, ending)


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


def _without_events(trace: HostTrace, whole: _Whole, ending: Ending) -> HostOutcome:
    cause, message = _whole_cause(whole, ending)
    by_itself = ending.status is RunStatus.FAILED and not ending.killed
    outcome = Outcome.UNKNOWN if trace.started and not by_itself else Outcome.NOT_RUN
    if trace.touched or ending.status is RunStatus.RUNNING:
        outcome = Outcome.UNKNOWN
    said = (Evidence(kind="message", text=ending.error),) if ending.error else ()
    evidence = (*said, *evidence_of(trace, ending))
    return HostOutcome(host=trace.host, outcome=outcome, cause=cause, message=message, evidence=evidence)


def _whole_cause(whole: _Whole, ending: Ending) -> tuple[Cause, str]:
    if ending.early is not None:
        return ending.early
    if whole.no_hosts:
        return Cause.NO_HOSTS, "the playbook matched no hosts"
    if ending.status is RunStatus.FAILED:
        return Cause.PLAYBOOK_ERROR, ending.error or "Ansible ended before this host reported"
    return Cause.UNKNOWN, "the playbook ended without a result of the mgmt_deployment task"


def _message(whole: _Whole, ending: Ending) -> str:
    if ending.sentence:
        return ending.sentence
    return "no hosts matched" if whole.no_hosts else ending.error
