"""`/agent/v1`: what agents and the control plane say to each other, as JSON.

Routes (token of kind `agent`; the control plane derives the agent's name from it):

```
POST /agent/v1/hello                                 AgentHello     -> 204
POST /agent/v1/claims                                ClaimRequest   -> 200 Claim | 204 (nothing within wait_seconds)
POST /agent/v1/actions/{action_id}/heartbeat         Heartbeat      -> 200 HeartbeatAnswer | 409 claim_lost
POST /agent/v1/actions/{action_id}/release           Heartbeat      -> 204 (it expires now) | 409 claim_lost
POST /agent/v1/reports                               ReportBatch    -> 204 (all stored; known ids are ignored)
GET  /agent/v1/packages/{package_id}/archive         Range          -> 200 | 206 octets
```

JSON keys are the field names; times are ISO 8601 with zone; unknown keys are ignored, so that either side may be newer.
An agent is handed only what its `ClaimRequest.capabilities` cover (`domain.capabilities`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionSpec, Claim
from mgmt_ansible.domain.reports import AgentHello, ClaimRequest, Heartbeat, HeartbeatAnswer, Report

LARGEST_BATCH = 100
"""Reports in one request, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBatch:
    """Reports in the order in which they arose; at most `LARGEST_BATCH`."""

    reports: tuple[Annotated[Report, Field(discriminator="kind")], ...] = ()


_T = TypeVar("_T")

ACTION_SPEC: TypeAdapter[ActionSpec] = TypeAdapter(ActionSpec)
CLAIM: TypeAdapter[Claim] = TypeAdapter(Claim)
CLAIM_REQUEST: TypeAdapter[ClaimRequest] = TypeAdapter(ClaimRequest)
HELLO: TypeAdapter[AgentHello] = TypeAdapter(AgentHello)
HEARTBEAT: TypeAdapter[Heartbeat] = TypeAdapter(Heartbeat)
HEARTBEAT_ANSWER: TypeAdapter[HeartbeatAnswer] = TypeAdapter(HeartbeatAnswer)
REPORT: TypeAdapter[Report] = TypeAdapter(Annotated[Report, Field(discriminator="kind")])
REPORT_BATCH: TypeAdapter[ReportBatch] = TypeAdapter(ReportBatch)


def parse_json(adapter: TypeAdapter[_T], body: bytes | str) -> _T:
    """Return the value in a JSON body.

    Raises:
        InvalidRequestError: Not JSON, or not of that shape; the message names the first wrong field.
    """
    try:
        return adapter.validate_json(body)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = "/".join(str(part) for part in first["loc"]) or "body"
        raise errors.InvalidRequestError(f"{where}: {first['msg']}") from exc


def to_json(adapter: TypeAdapter[_T], value: _T) -> bytes:
    """Return a value as JSON."""
    return adapter.dump_json(value)
