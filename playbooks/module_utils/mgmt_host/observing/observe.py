"""Look at deployments without changing anything: many in one exec, probed side by side."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .. import fence, last_result, results
from ..failures import HostError, evidence
from ..inputs import Inputs
from ..journal import Journal
from ..layout import DeploymentLayout, Layout
from ..machine import durable_files
from ..proving import drift, gates, identity
from ..running import slots
from ..switching import traffic
from . import orphans

_NOBODY: dict[str, Any] = {"identity": None, "old_model_in_use": False}
_PROBES = 16
_LONGEST_WAIT_SECONDS = 300.0
_POLL_SECONDS = 0.05
_EVIDENCE_CHARACTERS = 100_000
"""Of all evidence in one look: ansible-runner drops a result above 700,000, and JSON may need six for one of ours."""


def result(inputs: Inputs) -> dict[str, Any]:
    """Return the result of a status action; looking never fails, what was seen may.

    A `deployment_status` is as good as what it saw, an `environment_status` is `ok` whatever it saw.
    """
    journal = Journal(None, inputs.pair)
    with journal.step("observe"):
        seen = observe(inputs.layout, inputs.observe)
    value = dict(results.of(inputs), outcome="ok", steps=journal.steps, observations=seen)
    value["message"] = "{} looked at".format(
        "1 deployment was" if len(seen) == 1 else "{} deployments were".format(len(seen))
    )
    if inputs.action == "environment_status":
        value["orphans"] = orphans.find(inputs.layout, [str(one.get("id")) for one in inputs.observe])
    if inputs.action == "deployment_status" and len(seen) == 1:
        only = seen[0]
        value.update({key: only[key] for key in ("outcome", "cause", "message", "evidence", "identity")})
        value["fence"] = fence.to_json((only["fence_generation"], only["fence_attempt"]))
    return value


def observe(layout: Layout, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return an observation for each wanted deployment, in their order.

    Args:
        layout: Where.
        wanted: `{id, generation, digest}`; digest None when nothing should run. With an `attempt` above 0 the look settles
            how that claim ended: a holder of this or a lower pair that still works is waited for, `wait_seconds` at
            most, and the result that it left is told.
    """
    with ThreadPoolExecutor(max_workers=_PROBES) as pool:
        seen = list(pool.map(lambda one: look(layout, one), wanted))
    return [_trimmed(one, _EVIDENCE_CHARACTERS // len(seen)) for one in seen]


def _trimmed(seen: dict[str, Any], characters: int) -> dict[str, Any]:
    share = characters // max(1, len(seen["evidence"]))
    return dict(seen, evidence=[dict(one, text=one["text"][-share:]) for one in seen["evidence"]])


def look(layout: Layout, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what is true of one deployment: process, listener, readiness and identity; `unknown` when it is unreadable."""
    try:
        own = layout.deployment(str(wanted["id"]))
        mark = _settled(own, wanted)
        return _with_past(_look(own, wanted, mark.pair), own, wanted, mark)
    except HostError as error:
        fault = error
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        fault = HostError("unknown", "the deployment's files cannot be read: {!r}".format(error))
    return _seen(wanted, (0, 0), "unknown", "unknown", fault)


def serving(inputs: Inputs) -> dict[str, Any]:
    """Return `identity` and `old_model_in_use` for a result: what is proved to serve now, if anything is."""
    return _serving(inputs.own, inputs.generation) if not inputs.check else _NOBODY


def serving_besides(layout: Layout, deployment_id: str, generation: int) -> dict[str, Any]:
    """Return what `serving` does, for work on a package before its deployment was touched; nobody when none is named."""
    try:
        return _serving(layout.deployment(deployment_id), generation) if deployment_id else _NOBODY
    except HostError:
        return _NOBODY


def _serving(own: DeploymentLayout, generation: int) -> dict[str, Any]:
    try:
        live = slots.find_live(own)
        proved = gates.prove_identity(live) if live is not None else None
        if live is not None:
            traffic.require_stable(own, live)
    except (HostError, OSError):
        return _NOBODY
    return {"identity": proved, "old_model_in_use": proved is not None and proved["generation"] != generation}


def _settled(own: DeploymentLayout, wanted: dict[str, Any]) -> fence.FenceMark:
    claim = (int(wanted.get("generation") or 0), int(wanted.get("attempt") or 0))
    seconds = min(float(wanted.get("wait_seconds") or 0), _LONGEST_WAIT_SECONDS) if claim[1] else 0.0
    deadline = time.monotonic() + seconds
    mark = fence.read(own)
    while mark.working and mark.pair <= claim and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        mark = fence.read(own)
    return mark


def _with_past(
    seen: dict[str, Any], own: DeploymentLayout, wanted: dict[str, Any], mark: fence.FenceMark
) -> dict[str, Any]:
    # who works is known before the result is read: who has ended meanwhile has left it
    seen.update(working=mark.working, canceled=mark.canceled)
    if int(wanted.get("attempt") or 0):
        seen["result"], complaint = last_result.find(own, mark.pair)
        seen["evidence"] = [*seen["evidence"], *([evidence("result", complaint)] if complaint else [])]
    return seen


def _look(own: DeploymentLayout, wanted: dict[str, Any], pair: tuple[int, int]) -> dict[str, Any]:
    digest = wanted.get("digest")
    live = slots.find_live(own)
    if live is None:
        state = "absent" if durable_files.read_json(own.state) is None else "stopped"
        if digest is None:
            return _seen(wanted, pair, "ok", state)
        return _seen(wanted, pair, "failed", state, drift.of_absence(own))
    seconds = None
    try:
        began = time.monotonic()
        gates.require_ready(live)
        seconds = round(time.monotonic() - began, 6)
        proved = gates.prove_identity(live)
        traffic.require_stable(own, live)
        fault = _judge(wanted, proved) or (identity.find_tampering(live) if live.served.ours else None)
    except HostError as error:
        fault = error if error.drift else drift.find_stranger(live) or error
        return dict(_seen(wanted, pair, "failed", "running", fault), probe_seconds=seconds)
    seen = _seen(wanted, pair, "failed" if fault else "ok", "running", fault, identity=proved)
    return dict(seen, probe_seconds=seconds)


def _judge(wanted: dict[str, Any], proved: dict[str, Any]) -> HostError | None:
    """Return what is wrong with a model that serves; None when it is the wanted one."""
    older = proved["generation"] < int(wanted.get("generation") or 0)
    if wanted.get("digest") is None:
        message = "a model serves although none is wanted"
        return HostError("unknown", message, drift=drift.STALE_PROCESS if older else None)
    if proved["digest"] != wanted["digest"]:
        message = "generation {generation} serves, which is another model".format(**proved)
        return HostError("wrong_model", message, drift=drift.STALE_PROCESS if older else drift.WRONG_MODEL)
    return None


def _seen(
    wanted: dict[str, Any],
    pair: tuple[int, int],
    outcome: str,
    state: str,
    fault: HostError | None = None,
    *,
    identity: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "deployment_id": wanted.get("id"),
        "outcome": outcome,
        "state": state,
        "fence_generation": pair[0],
        "fence_attempt": pair[1],
        "cause": fault.cause if fault else None,
        "drift": fault.drift if fault else None,
        "message": fault.message if fault else "serves" if identity else "nothing runs",
        "evidence": fault.evidence if fault else [],
        "identity": identity,
        "probe_seconds": None,
        "working": False,
        "canceled": False,
        "result": None,
    }
