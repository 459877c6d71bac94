"""How a deployment looks in a table and on its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mgmt_ansible.cli import text
from mgmt_ansible.cli.output import Cell
from mgmt_ansible.domain.actions import ActionStatus

if TYPE_CHECKING:
    from mgmt_ansible.domain.next_steps import NextStep
    from mgmt_ansible.wire.api_v2 import Deployment
    from mgmt_ansible.wire.deployment_hosts import DeploymentHost

HOST_COLUMNS = ("HOST", "OUTCOME", "CAUSE", "DRIFT", "GEN", "DIGEST", "IN STEP", "SINCE", "SAID")
COLUMNS = ("LABEL", "ID", "STATE", "HEALTH", "MODEL", "GEN", "ENVIRONMENT", "UPDATED")


def row(deployment: Deployment) -> Sequence[Cell]:
    """Return the cells of a deployment, in the order of `COLUMNS`."""
    return (
        deployment.label,
        deployment.id,
        deployment.state.value,
        deployment.service_health.status,
        f"{deployment.model_package.name}:{deployment.model_package.version}",
        deployment.generation,
        deployment.prediction_environment.name,
        text.ago(deployment.updated_at),
    )


def host_row(host: DeploymentHost) -> Sequence[Cell]:
    """Return the cells of one host's newest result, in the order of `HOST_COLUMNS`."""
    return (
        host.host,
        host.outcome.value,
        host.cause.value if host.cause else "",
        host.drift.value if host.drift else "",
        host.generation,
        host.digest[:12] if host.digest else "",
        "yes" if host.in_step else "no",
        text.ago(host.since),
        host.message,
    )


def pairs(deployment: Deployment, said: str = "") -> Iterable[tuple[str, Cell]]:
    """Yield all that people ask about one deployment; `said` is where its newest action is, or why it failed."""
    yield "label", deployment.label
    yield "id", deployment.id
    yield "state", deployment.state.value
    yield "health", deployment.service_health.status
    if deployment.service_health.message:
        yield "because", deployment.service_health.message
    yield "model", f"{deployment.model_package.name}:{deployment.model_package.version}"
    yield "digest", deployment.model_package.digest
    yield "generation", deployment.generation
    yield "environment", deployment.prediction_environment.name
    yield "owner", ", ".join(one.username for one in deployment.owners.preview) or None
    if deployment.current_action is not None:
        yield "action", f"{deployment.current_action.type} ({deployment.current_action.status})"
        if said:
            yield "because" if deployment.current_action.status is ActionStatus.FAILED else "progress", said
    yield "predictions", deployment.prediction_url
    for endpoint in deployment.endpoints:
        proved = f"generation {endpoint.generation}, pid {endpoint.pid}, digest {endpoint.digest[:12]}"
        yield f"on {endpoint.host}", f"{endpoint.url} ({proved})"
    yield "updated", text.clock(deployment.updated_at)


def step_pairs(steps: Iterable[NextStep]) -> Iterable[tuple[str, Cell]]:
    """Yield what to do next, with the command to type."""
    for step in steps:
        yield "next", step.sentence
        yield "command", step.command
