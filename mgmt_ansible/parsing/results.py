"""The host's own result, read strictly: what does not fit the contract is not a result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mgmt_ansible import errors
from mgmt_ansible.domain.drift import Drift
from mgmt_ansible.domain.golden import GoldenMiss, GoldenReport, OldModelDifference
from mgmt_ansible.domain.outcomes import (
    MOST_ORPHANS,
    ORPHAN_PATTERN,
    RESULT_KEY,
    Cause,
    Evidence,
    HostOutcome,
    Identity,
    Observation,
    Orphan,
    OrphanState,
    Outcome,
    Step,
)
from mgmt_ansible.domain.receipts import ProbedPhase, Receipt
from mgmt_ansible.domain.redaction import redact

EVIDENCE_LIMIT = 8_000
"""Characters of one evidence."""

MESSAGE_LIMIT = 1_000
"""Characters of a message."""

_SHOWN = 200
"""Characters of a value that a golden prediction shows."""

_HOST_OUTCOMES = Literal["ok", "changed", "rolled_back", "degraded", "failed", "superseded", "unknown"]

_Number = Annotated[int, Field(ge=0, lt=2**53)]
"""Whole in every JSON reader, and never too large for a column of the control plane's store."""


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, allow_inf_nan=False)


class _Evidence(_Strict):
    kind: Annotated[str, Field(max_length=64)]
    text: str


class _Step(_Strict):
    name: Annotated[str, Field(max_length=64)]
    seconds: float
    changed: bool = False


class _Identity(_Strict):
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    generation: _Number
    slot: Annotated[str, Field(max_length=16)]
    port: Annotated[int, Field(ge=0, le=65_535)]
    slot_port: Annotated[int, Field(ge=0, le=65_535)] = 0
    pid: _Number
    start_time: _Number
    url: Annotated[str, Field(max_length=2_000)]


class _Fence(_Strict):
    generation: _Number
    attempt: _Number


_Seconds = Annotated[float, Field(ge=0)]


class _ProbedPhase(_Strict):
    probes: _Number
    p50_seconds: _Seconds | None = None
    p99_seconds: _Seconds | None = None


class _Receipt(_Strict):
    interval_seconds: Annotated[float, Field(gt=0)]
    probes: _Number
    failed: _Number
    slow: _Number = 0
    slowest_seconds: _Seconds | None = None
    longest_gap_seconds: _Seconds
    before: _ProbedPhase
    during: _ProbedPhase
    after: _ProbedPhase


class _GoldenMiss(_Strict):
    example: _Number
    field: Annotated[str, Field(max_length=_SHOWN)]
    said: Annotated[str, Field(max_length=_SHOWN)]
    wanted: Annotated[str, Field(max_length=_SHOWN)]
    difference: Annotated[float, Field(ge=0)] | None = None


class _OldModel(_Strict):
    compared: _Number
    different: _Number
    largest_difference: Annotated[float, Field(ge=0)] | None = None


class _Golden(_Strict):
    examples: _Number
    passed: _Number
    failed: _Number
    worst: _GoldenMiss | None = None
    old_model: _OldModel | None = None


class _Result(_Strict):
    result_schema: Annotated[Literal[1], Field(alias="schema")]
    generation: _Number = 0
    attempt: _Number = 0
    outcome: _HOST_OUTCOMES
    cause: Cause | None = None
    message: str = ""
    evidence: tuple[_Evidence, ...] = ()
    steps: tuple[_Step, ...] = ()
    identity: _Identity | None = None
    old_model_in_use: bool = False
    gap_seconds: float | None = None
    receipt: _Receipt | None = None
    golden: _Golden | None = None
    notes: tuple[Annotated[str, Field(max_length=64)], ...] = ()
    fence: _Fence | None = None
    observations: tuple[_Observation, ...] = ()
    orphans: Annotated[tuple[_Orphan, ...], Field(max_length=MOST_ORPHANS)] | None = None


class _Orphan(_Strict):
    deployment_id: Annotated[str, Field(pattern=ORPHAN_PATTERN)]
    state: Literal["running", "down", "stopped", "unknown"]


class _Observation(_Strict):
    deployment_id: Annotated[str, Field(max_length=64)]
    outcome: _HOST_OUTCOMES
    state: Literal["running", "stopped", "absent", "unknown"]
    fence_generation: _Number = 0
    fence_attempt: _Number = 0
    working: bool = False
    canceled: bool = False
    result: object = None
    drift: Drift | None = None
    cause: Cause | None = None
    message: str = ""
    evidence: tuple[_Evidence, ...] = ()
    identity: _Identity | None = None
    probe_seconds: Annotated[float, Field(ge=0)] | None = None


_Result.model_rebuild()


def parse_result(host: str, res: Mapping[str, object], *, secrets: tuple[str, ...] = ()) -> HostOutcome:
    """Return the outcome that a host's module put under `mgmt_result`.

    Args:
        host: Inventory name.
        res: The task's result as the runner event has it.
        secrets: Values to take out of every text.

    Raises:
        ParseError: The result is missing, truncated, or not of schema 1; the message names the first wrong field.
    """
    if RESULT_KEY not in res:
        raise errors.ParseError(f"the task's result has no {RESULT_KEY}: hidden by no_log, or cut because of its size")
    try:
        result = _Result.model_validate_json(json.dumps(res[RESULT_KEY]))
    except (ValidationError, TypeError, ValueError, RecursionError) as exc:
        raise errors.ParseError(f"{RESULT_KEY}{_first_error(exc)}") from exc
    return _host_outcome(host, result, secrets)


def _first_error(exc: Exception) -> str:
    if not isinstance(exc, ValidationError):
        return f": {exc}"
    first = exc.errors(include_url=False, include_input=False)[0]
    return "".join(f"/{part}" for part in first["loc"]) + f": {first['msg']}"


def _host_outcome(host: str, result: _Result, secrets: tuple[str, ...]) -> HostOutcome:
    observations = tuple(_observation(host, item, secrets) for item in result.observations)
    return HostOutcome(
        host=host,
        outcome=Outcome(result.outcome),
        cause=result.cause,
        message=redact(result.message, secrets, limit=MESSAGE_LIMIT),
        evidence=_evidence(result.evidence, secrets),
        steps=tuple(Step(name=step.name, seconds=step.seconds, changed=step.changed) for step in result.steps),
        identity=_identity(result.identity),
        old_model_in_use=result.old_model_in_use,
        gap_seconds=result.gap_seconds,
        receipt=_receipt(result.receipt),
        drift=observations[0].drift if len(observations) == 1 else None,
        golden=_golden(result.golden, secrets),
        notes=result.notes,
        fence_generation=result.fence.generation if result.fence is not None else None,
        fence_attempt=result.fence.attempt if result.fence is not None else None,
        observations={observation.deployment_id: observation for observation in observations},
        orphans=_orphans(result.orphans),
    )


def _observation(host: str, item: _Observation, secrets: tuple[str, ...]) -> Observation:
    recorded = _recorded(item)
    return Observation(
        deployment_id=item.deployment_id,
        outcome=Outcome(item.outcome),
        state=item.state,
        fence_generation=item.fence_generation,
        fence_attempt=item.fence_attempt,
        working=item.working,
        canceled=item.canceled,
        recorded=_host_outcome(host, recorded, secrets) if recorded is not None else None,
        recorded_generation=recorded.generation if recorded is not None else 0,
        recorded_attempt=recorded.attempt if recorded is not None else 0,
        drift=item.drift,
        cause=item.cause,
        message=redact(item.message, secrets, limit=MESSAGE_LIMIT),
        evidence=_evidence(item.evidence, secrets),
        identity=_identity(item.identity),
        probe_seconds=item.probe_seconds,
    )


def _orphans(items: tuple[_Orphan, ...] | None) -> tuple[Orphan, ...] | None:
    if items is None:
        return None
    return tuple(Orphan(deployment_id=item.deployment_id, state=OrphanState(item.state)) for item in items)


def _recorded(item: _Observation) -> _Result | None:
    """Return the result that a host remembers; one that is not of the contract is none, and spoils no look."""
    if item.result is None:
        return None
    try:
        return _Result.model_validate_json(json.dumps(item.result)).model_copy(update={"observations": ()})
    except (ValidationError, TypeError, ValueError, RecursionError):
        return None


def _receipt(receipt: _Receipt | None) -> Receipt | None:
    if receipt is None:
        return None
    return Receipt(
        interval_seconds=receipt.interval_seconds,
        probes=receipt.probes,
        failed=receipt.failed,
        longest_gap_seconds=receipt.longest_gap_seconds,
        before=ProbedPhase(**receipt.before.model_dump()),
        during=ProbedPhase(**receipt.during.model_dump()),
        after=ProbedPhase(**receipt.after.model_dump()),
        slow=receipt.slow,
        slowest_seconds=receipt.slowest_seconds,
    )


def _identity(identity: _Identity | None) -> Identity | None:
    return Identity(**identity.model_dump()) if identity is not None else None


def _golden(golden: _Golden | None, secrets: tuple[str, ...]) -> GoldenReport | None:
    if golden is None:
        return None
    worst, old = golden.worst, golden.old_model
    return GoldenReport(
        examples=golden.examples,
        passed=golden.passed,
        failed=golden.failed,
        worst=GoldenMiss(
            example=worst.example,
            field=redact(worst.field, secrets, limit=_SHOWN),
            said=redact(worst.said, secrets, limit=_SHOWN),
            wanted=redact(worst.wanted, secrets, limit=_SHOWN),
            difference=worst.difference,
        )
        if worst is not None
        else None,
        old_model=OldModelDifference(**old.model_dump()) if old is not None else None,
    )


def _evidence(items: tuple[_Evidence, ...], secrets: tuple[str, ...]) -> tuple[Evidence, ...]:
    return tuple(Evidence(kind=item.kind, text=redact(item.text, secrets, limit=EVIDENCE_LIMIT)) for item in items)
