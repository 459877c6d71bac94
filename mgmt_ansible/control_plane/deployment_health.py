"""What the agent says of a deployment's health, as columns."""

from __future__ import annotations

from collections.abc import Sequence

from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.control_plane.store.records import DeploymentRecord
from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire import api_v2


def set_health(
    tx: Transaction,
    deployment: DeploymentRecord,
    health: Health,
    message: str,
    *,
    endpoints: Sequence[api_v2.Endpoint] | None = None,
    **values: object,
) -> None:
    """Set what the agent says of a deployment's health, and more of it; since when counts from its last change.

    What is shown is the worse of the agent's word and of what monitors said last.
    """
    told = health_values(tx, deployment, health, message, endpoints=endpoints)
    tx.deployments.update(deployment.id, **told, **values)
    tx.monitoring.show((deployment.id,), at=tx.now)


def health_values(
    tx: Transaction,
    deployment: DeploymentRecord,
    health: Health,
    message: str,
    *,
    endpoints: Sequence[api_v2.Endpoint] | None = None,
) -> dict[str, object]:
    """Return the columns that `set_health` changes, for who has many to change at once; `show` them afterwards."""
    since = deployment.health_since if health is deployment.health else tx.now
    values: dict[str, object] = {
        "agent_health": health.value,
        "agent_health_message": message,
        "agent_health_since": since,
        "updated_at": tx.now,
    }
    if endpoints is None:
        return values
    return {**values, "endpoints": [endpoint.model_dump() for endpoint in endpoints]}
