"""Entries of the feed as they are written: redacted, cut to the vendor's limits, with a title for people."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.model_packages import ModelPackage
from mgmt_ansible.domain.outcomes import HostOutcome
from mgmt_ansible.domain.redaction import clean_text, redact
from mgmt_ansible.identifiers import make_id

_TITLE_CHARACTERS = 512
_DATA_CHARACTERS = 262_144
_EVIDENCE_CHARACTERS = 64_000
"""Of all the evidence in one entry."""

_SUBJECTS = {
    ActionType.DEPLOYMENT_LAUNCH: "Launch",
    ActionType.DEPLOYMENT_RELAUNCH: "Relaunch",
    ActionType.DEPLOYMENT_REPLACE_MODEL: "Model replacement",
    ActionType.DEPLOYMENT_ROLLBACK: "Rollback",
    ActionType.DEPLOYMENT_STOP: "Shutdown",
}


def append_event(
    tx: Transaction,
    *,
    type: str,
    environment_id: str,
    title: str,
    message: str = "",
    health: Health = Health.INFO,
    occurred_at: datetime | None = None,
    deployment_id: str | None = None,
    action_id: str | None = None,
    run_id: str | None = None,
    generation: int | None = None,
    host: str | None = None,
    actor: str = "",
    data: Mapping[str, object] | None = None,
) -> None:
    """Append one entry; every text in it is redacted first. The audit says the same of the request at hand."""
    tx.audit.hint(
        "deployment" if deployment_id else "prediction_environment",
        deployment_id or environment_id,
        environment_id=environment_id,
        summary=f"{title}: {message}" if message else title,
    )
    tx.deployment_events.append(
        event_values(
            tx,
            type=type,
            environment_id=environment_id,
            title=title,
            message=message,
            health=health,
            occurred_at=occurred_at,
            deployment_id=deployment_id,
            action_id=action_id,
            run_id=run_id,
            generation=generation,
            host=host,
            actor=actor,
            data=data,
        )
    )


def event_values(
    tx: Transaction,
    *,
    type: str,
    environment_id: str,
    title: str,
    message: str = "",
    health: Health = Health.INFO,
    occurred_at: datetime | None = None,
    deployment_id: str | None = None,
    action_id: str | None = None,
    run_id: str | None = None,
    generation: int | None = None,
    host: str | None = None,
    actor: str = "",
    data: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return what `append_event` appends, for who has many entries to append at once."""
    return {
        "id": make_id(),
        "type": type,
        "health": health.value,
        "title": redact(title, limit=_TITLE_CHARACTERS),
        "message": redact(message),
        "occurred_at": occurred_at or tx.now,
        "received_at": tx.now,
        "environment_id": environment_id,
        "deployment_id": deployment_id,
        "action_id": action_id,
        "run_id": run_id,
        "generation": generation,
        "host": host,
        "actor": actor,
        "data": _bounded({str(key): cleaned(value) for key, value in (data or {}).items()}),
    }


def _bounded(data: dict[str, object]) -> dict[str, object]:
    """Return data without its largest parts, which `cut` names, when it is more than one entry may hold."""
    sizes = {key: len(json.dumps(value)) for key, value in data.items()}
    cut: list[str] = []
    while sum(sizes.values()) > _DATA_CHARACTERS:
        largest = max(sizes, key=lambda key: sizes[key])
        sizes.pop(largest)
        cut.append(largest)
    return {key: data[key] for key in sizes} | ({"cut": cut} if cut else {})


def action_words(action_type: ActionType, phase: str) -> tuple[str, str]:
    """Return the feed's type and a title for a change's phase: `started`, `succeeded` or `failed`."""
    return deployment_events.action_event_type(action_type, phase), f"{_SUBJECTS[action_type]} {phase}"


def subject_of(action_type: ActionType) -> str:
    """Return what a change is called in titles; KeyError for a type that changes nothing."""
    return _SUBJECTS[action_type]


def package_data(package: ModelPackage | None) -> dict[str, object] | None:
    """Return what an entry says of a package."""
    if package is None:
        return None
    return {"id": package.id, "name": package.name, "version": package.version, "digest": package.digest}


def host_data(host: HostOutcome) -> dict[str, object]:
    """Return what an entry says of one host."""
    return {
        "outcome": host.outcome.value,
        "cause": host.cause.value if host.cause else None,
        "message": host.message,
        "old_model_in_use": host.old_model_in_use,
        "url": host.identity.url if host.identity else None,
        "receipt": asdict(host.receipt) if host.receipt else None,
        "notes": list(host.notes),
        "drift": host.drift.value if host.drift else None,
        "golden": asdict(host.golden) if host.golden else None,
    }


def evidence_data(hosts: Sequence[HostOutcome]) -> list[dict[str, str]]:
    """Return the evidence of all hosts, as much as one entry may hold; of each text the end counts."""
    left = _EVIDENCE_CHARACTERS
    found: list[dict[str, str]] = []
    for host in hosts:
        for evidence in host.evidence:
            if left:
                found.append({"host": host.host, "kind": evidence.kind, "text": evidence.text[-left:]})
                left -= len(found[-1]["text"])
    return found


def cleaned(value: object) -> object:
    """Return a JSON value whose every text is redacted and free of control characters.

    Raises:
        InvalidRequestError: A number is infinite or not a number.
    """
    if isinstance(value, str):
        return redact(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, list | tuple):
        return [cleaned(inner) for inner in value]
    if isinstance(value, dict | Mapping):  # a dict is told at once, any other mapping by its class's ancestors
        return {
            clean_text(str(key)): inner if inner is None or type(inner) is int else cleaned(inner)
            for key, inner in value.items()
        }
    if isinstance(value, float) and not math.isfinite(value):
        raise errors.InvalidRequestError("numbers must be finite")
    return value
