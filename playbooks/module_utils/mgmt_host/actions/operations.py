"""The story of each action: JSON in, one result out.

```
 fence: lower pair -> superseded
 launch    nothing serves -> start, gate       something older serves -> as replace
 replace   something serves -> gate beside, switch       nothing serves -> as launch
 relaunch  something serves -> switch        nothing serves -> as launch
 rollback  as replace
 stop      stop all             cancel    stop the holder of exactly this pair
```
An action whose release serves already is `ok` and changes nothing.
"""

from __future__ import annotations

import errno
from typing import Any, Callable

from .. import fence, last_result, results
from ..content import packages
from ..failures import HostError, SupersededError, evidence
from ..inputs import STATUS_ACTIONS, Inputs, Package
from ..journal import Journal
from ..machine import durable_files
from ..observing import observe, proofs
from ..proving import gates
from ..running import slots
from ..switching import traffic
from . import cancelling, forecasting, launching, replacing, restoring, stopping

_FULL = (errno.ENOSPC, errno.EDQUOT)


def perform(inputs: Inputs) -> dict[str, Any]:
    """Do what was asked and return the result of the host contract; a failure is a result too."""
    if inputs.action in STATUS_ACTIONS:
        return observe.result(inputs)
    journal = Journal(inputs.own, inputs.pair)
    return _tell(inputs, journal, lambda: _act(inputs, journal))


def _tell(inputs: Inputs, journal: Journal, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    result = results.of(inputs)
    try:
        result.update(work())
    except SupersededError as error:
        message = "the host works on generation {}, attempt {} already".format(*error.pair)
        result.update(outcome="superseded", message=message)
    except restoring.RestoreError as error:
        result.update(_restored(error, inputs))
    except HostError as error:
        result.update(results.failure(error), **observe.serving(inputs))
    except OSError as error:
        reason = from_os_error(error, inputs.layout.base_dir)
        result.update(results.failure(reason), **observe.serving(inputs))
    result["steps"], result["notes"], result["receipt"] = journal.steps, journal.notes, journal.receipt
    result["gap_seconds"] = journal.receipt["longest_gap_seconds"] if journal.receipt else None
    result["golden"] = journal.golden
    result["fence"] = _fence_now(inputs)
    result["evidence"] = proofs.complete(result, inputs)
    return result


def from_os_error(error: OSError, base_dir: str) -> HostError:
    """Return what an operating system's refusal means: a full disk, or something unknown."""
    proof = [evidence("errno", str(error))]
    if error.errno == errno.EROFS:
        return HostError("disk", "the disk is read-only", [*proof, packages.disk_evidence(base_dir)])
    if error.errno in _FULL:
        return HostError("disk", "the disk is full", [*proof, packages.disk_evidence(base_dir)])
    if isinstance(error, TimeoutError):
        return HostError("timeout", str(error), proof)
    return HostError("unknown", "the host's system refused: {}".format(error), proof)


def _act(inputs: Inputs, journal: Journal) -> dict[str, Any]:
    if inputs.check:
        return _forecast(inputs)
    inputs.layout.make()
    if inputs.action == "deployment_cancel":
        said = cancelling.cancel(inputs, journal)
        return dict(said, outcome=_fine(journal))
    with fence.hold(inputs) as held:
        last_result.drop_own(inputs)
        result = _tell(inputs, journal, lambda: _work(inputs, journal, held))
        last_result.keep(inputs, result, journal)
        return result


def _work(inputs: Inputs, journal: Journal, held: fence.Fence) -> dict[str, Any]:
    with journal.step("fence"):
        stopping.sweep(inputs, journal)
    if inputs.action == "deployment_stop":
        return dict(stopping.stop(inputs, journal, held), outcome=_fine(journal))
    return _serve(launching.Work(inputs, _package(inputs), journal, held))


def _serve(work: launching.Work) -> dict[str, Any]:
    live = slots.find_live(work.inputs.own)
    identity = _find_serving(work.inputs, live)
    if identity is not None:
        if not _is_recorded(work.inputs, identity):
            work.journal.effect("slot {slot}, which serves already, is recorded".format(**identity))
            launching.write_state(work.inputs, identity, launching.start_seconds(work))
        launching.settle(work)
        return {
            "outcome": "ok",
            "message": "generation {generation} serves already".format(**identity),
            "identity": identity,
        }
    try:
        identity = _change(work, live)
    except (HostError, OSError) as reason:
        restoring.rescue(work, reason)
        raise
    message = "generation {generation} serves on port {port}".format(**identity)
    return {"outcome": "changed", "message": message, "identity": identity}


def _change(work: launching.Work, live: slots.Slot | None) -> dict[str, Any]:
    if live is None:
        return launching.launch(work)
    if work.inputs.action == "deployment_relaunch":
        return replacing.relaunch(work, live)
    return replacing.replace(work, live)


def _find_serving(inputs: Inputs, live: slots.Slot | None) -> dict[str, Any] | None:
    wanted = (inputs.generation, inputs.package.digest if inputs.package else "")
    if live is None or (live.config.get("generation"), live.config.get("digest")) != wanted:
        return None
    if inputs.port and live.stable_port != inputs.port:
        return None
    try:  # a killed predecessor may have switched to it just now: it gets its time
        identity = gates.prove_identity(live) if inputs.check else gates.pass_all(live, inputs.ready_timeout_seconds)
        traffic.require_stable(inputs.own, live)
    except HostError:
        return None
    return identity


def _is_recorded(inputs: Inputs, identity: dict[str, Any]) -> bool:
    state = durable_files.read_json(inputs.own.state) or {}
    live = {key: identity[key] for key in ("slot", "generation", "digest")}
    return bool(state.get("wanted") == "running" and state.get("live") == live and state.get("identity") == identity)


def _fence_now(inputs: Inputs) -> dict[str, int] | None:
    try:
        return fence.to_json(fence.read(inputs.own).pair)
    except (HostError, OSError):
        return None


def _forecast(inputs: Inputs) -> dict[str, Any]:
    mark = fence.read(inputs.own)
    if mark.pair > inputs.pair:
        raise SupersededError(mark.pair)
    return forecasting.forecast(inputs, serves=_find_serving(inputs, slots.find_live(inputs.own)) is not None)


def _package(inputs: Inputs) -> Package:
    if inputs.package is None:
        raise HostError("playbook_error", "{} needs a package".format(inputs.action))
    return inputs.package


def _fine(journal: Journal) -> str:
    return "changed" if journal.changed else "ok"


def _restored(error: restoring.RestoreError, inputs: Inputs) -> dict[str, Any]:
    came_back = error.identity is not None
    reason = (
        error.reason if isinstance(error.reason, HostError) else from_os_error(error.reason, inputs.layout.base_dir)
    )
    return dict(
        results.failure(reason),
        outcome="rolled_back" if came_back else "degraded",
        identity=error.identity,
        old_model_in_use=came_back,
    )
