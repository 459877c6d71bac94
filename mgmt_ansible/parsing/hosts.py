"""What one host's runner events say, folded one after the other.

```
 (nothing) --start--> started --ok--> touched --result--> proved
     any --task failed--> failed (a later result overrides: it was rescued)
     any --unreachable--> unreachable (a later result overrides)
```
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mgmt_ansible import errors
from mgmt_ansible.domain.outcomes import FINE, RESULT_KEY, Cause, Evidence, HostOutcome, Outcome
from mgmt_ansible.domain.redaction import redact
from mgmt_ansible.parsing.causes import (
    cause_of_failure,
    cause_of_unreachable,
    ended_by_signal,
    failure_sentence,
    failure_text,
    never_began,
    said_by_module,
)
from mgmt_ansible.parsing.results import EVIDENCE_LIMIT, MESSAGE_LIMIT, parse_result
from mgmt_ansible.parsing.runner_events import PACKAGE_MODULE, EventData, RunnerEvent, is_result, module_of

_CONTROLLER_ACTIONS = frozenset({"debug", "assert", "set_fact", "meta", "include_role", "import_role", "fail"})
"""Tasks that run on the controller: their `ok` proves nothing about the host."""

TASK_LIMIT = 300
"""Characters of a task's name in evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTrace:
    """What is known of a host so far.

    Attributes:
        started: A task began for it.
        touched: A module ran on it.
        result: Of our own module, or of a failed package.
        failure: Of another task, or of one of ours that could not report; the newest.
        unreachable: The newest report that it could not be reached.
        task: The newest task that began for it, with its module.
        task_began_at: When, as the runner event says; aware ISO 8601.
        at_work: Whether nothing tells that this task ended.
    """

    host: str
    started: bool = False
    touched: bool = False
    result: HostOutcome | None = None
    failure: HostOutcome | None = None
    unreachable: HostOutcome | None = None
    task: str = ""
    task_began_at: str = ""
    at_work: bool = False


def fold_event(trace: HostTrace, event: RunnerEvent, *, secrets: tuple[str, ...]) -> HostTrace:
    """Return the trace after one more event of its host; kinds that tell nothing leave it as it is."""
    kind, data = event["event"], event["event_data"]
    if kind == "runner_on_start":
        task = redact(_task_name(data), secrets, limit=TASK_LIMIT)
        return replace(trace, started=True, task=task, task_began_at=event["created"], at_work=True)
    folded = _fold_end(trace, kind, data, secrets)
    return replace(folded, at_work=False) if folded is not trace else trace


def _fold_end(trace: HostTrace, kind: str, data: EventData, secrets: tuple[str, ...]) -> HostTrace:
    match kind:
        case "runner_on_ok":
            return _after_ok(trace, data, secrets)
        case "runner_on_failed":
            return _after_failed(trace, data, secrets)
        case "runner_on_unreachable":
            return replace(trace, started=True, unreachable=_unreachable(trace, data, secrets))
        case _:
            return trace


def _after_ok(trace: HostTrace, data: EventData, secrets: tuple[str, ...]) -> HostTrace:
    if is_result(data):
        outcome = _read(trace.host, data, secrets)
        return replace(trace, started=True, touched=True, result=outcome, failure=None, unreachable=None)
    touched = trace.touched or module_of(data) not in _CONTROLLER_ACTIONS
    return replace(trace, started=True, touched=touched)


def _after_failed(trace: HostTrace, data: EventData, secrets: tuple[str, ...]) -> HostTrace:
    if is_result(data) or _is_package_result(data):
        outcome = _read_failed(trace.host, data, secrets)
        return replace(trace, started=True, touched=True, result=outcome, failure=None, unreachable=None)
    if data.get("ignore_errors", False):
        return replace(trace, started=True)
    return replace(trace, started=True, failure=_failed(trace.host, data, secrets))


def _is_package_result(data: EventData) -> bool:
    """Tell whether a failed `mgmt_package` reported, or was killed: it is then as unknown as the other one."""
    res = data.get("res", {})
    return module_of(data) == PACKAGE_MODULE and (RESULT_KEY in res or ended_by_signal(res))


def _read(host: str, data: EventData, secrets: tuple[str, ...]) -> HostOutcome:
    try:
        return parse_result(host, data.get("res", {}), secrets=secrets)
    except errors.ParseError as exc:
        return HostOutcome(
            host=host,
            outcome=Outcome.UNKNOWN,
            cause=Cause.UNKNOWN,
            message=redact(str(exc), secrets, limit=MESSAGE_LIMIT),
            evidence=(_task_evidence(data, secrets),),
        )


def _read_failed(host: str, data: EventData, secrets: tuple[str, ...]) -> HostOutcome:
    res = data.get("res", {})
    if RESULT_KEY not in res:
        return _without_result(host, data, secrets)
    outcome = _read(host, data, secrets)
    if outcome.outcome in FINE:
        message = f"the task failed but reports {outcome.outcome}: {outcome.message}"
        return replace(outcome, outcome=Outcome.UNKNOWN, cause=Cause.UNKNOWN, message=message)
    return outcome


def _without_result(host: str, data: EventData, secrets: tuple[str, ...]) -> HostOutcome:
    """Judge a module of ours that died before it could report: it may have changed the host."""
    res = data.get("res", {})
    if never_began(module_of(data), res):
        return _failed(host, data, secrets)
    cause = cause_of_failure(module_of(data), res)
    known = Cause.UNKNOWN if cause is Cause.PLAYBOOK_ERROR else cause
    message = f"the host's module ended without a result: {failure_sentence(res)}".rstrip(": ")
    return HostOutcome(
        host=host,
        outcome=Outcome.UNKNOWN,
        cause=known,
        message=redact(message, secrets, limit=MESSAGE_LIMIT),
        evidence=(_task_evidence(data, secrets),),
    )


def _failed(host: str, data: EventData, secrets: tuple[str, ...]) -> HostOutcome:
    res = data.get("res", {})
    message = f"task {data.get('task', '')!r} failed: {failure_sentence(res) or 'it says nothing'}"
    return HostOutcome(
        host=host,
        outcome=Outcome.FAILED,
        cause=cause_of_failure(module_of(data), res),
        message=redact(message, secrets, limit=MESSAGE_LIMIT),
        evidence=(_task_evidence(data, secrets),),
    )


def _unreachable(trace: HostTrace, data: EventData, secrets: tuple[str, ...]) -> HostOutcome:
    """Judge a lost host: one that was there and is lost in our own module may go on working; so may one that says it itself."""
    res = data.get("res", {})
    lost_at_work = trace.touched and is_result(data)
    return HostOutcome(
        host=trace.host,
        outcome=Outcome.UNKNOWN if lost_at_work or said_by_module(res) else Outcome.UNREACHABLE,
        cause=cause_of_unreachable(res),
        message=redact(failure_sentence(res) or "the host was not reached", secrets, limit=MESSAGE_LIMIT),
        evidence=(_task_evidence(data, secrets),),
    )


def _task_evidence(data: EventData, secrets: tuple[str, ...]) -> Evidence:
    text = f"{_task_name(data)}\n{failure_text(data.get('res', {}))}"
    return Evidence(kind="task", text=redact(text.strip(), secrets, limit=EVIDENCE_LIMIT))


def _task_name(data: EventData) -> str:
    return f"{data.get('task', '')} ({data.get('task_action', '')})"
