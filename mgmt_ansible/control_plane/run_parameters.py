"""What of the key-values of a deployment and of its environment a run gets."""

from __future__ import annotations

from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.domain.key_values import EntityType, KeyValueCategory, KeyValueType
from mgmt_ansible.domain.run_parameters import RunParameter, merged
from mgmt_ansible.wire.tags import KeyValue

_MOST = 500


def run_parameters(tx: Transaction, *, environment_id: str, deployment_id: str) -> tuple[RunParameter, ...]:
    """Return the runtime parameters of both, by name, the deployment's before the environment's; no credentials."""
    return merged(
        _of(tx, EntityType.ENVIRONMENT, environment_id),
        _of(tx, EntityType.DEPLOYMENT, deployment_id),
    )


def _of(tx: Transaction, entity_type: EntityType, entity_id: str) -> list[RunParameter]:
    category = KeyValueCategory.RUNTIME_PARAMETER.value
    wanted = {"entity_type": entity_type.value, "entity_id": entity_id, "category": category}
    found = tx.key_values.list(wanted, limit=_MOST, offset=0).data
    return [_parameter(one) for one in found if one.value is not None and one.value_type is not KeyValueType.CREDENTIAL]


def _parameter(one: KeyValue) -> RunParameter:
    if one.value_type is KeyValueType.BOOLEAN and one.boolean_value is not None:
        return RunParameter(name=one.name, value=one.boolean_value)
    if one.value_type is KeyValueType.NUMERIC and one.numeric_value is not None:
        return RunParameter(name=one.name, value=one.numeric_value)
    return RunParameter(name=one.name, value=one.value or "")
