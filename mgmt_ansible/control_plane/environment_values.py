"""What a request says of an environment, as columns: the vendor's two words for one switch, and what has no meaning here."""

from __future__ import annotations

from mgmt_ansible import errors
from mgmt_ansible.domain.redaction import clean_text
from mgmt_ansible.wire import api_v2

_OF_ANOTHER_MAKER = {"datastore_id": "datastoreId", "credential_id": "credentialId"}


def environment_values(body: api_v2.PredictionEnvironmentPatch) -> dict[str, object]:
    """Return column -> value of what is given.

    Raises:
        InvalidRequestError: Both words for the switch are given and differ, both of two formats that exclude each other,
            or something is set that only environments managed by the vendor have.
    """
    values = body.model_dump(mode="json", exclude_none=True, exclude={"managed_by", *_OF_ANOTHER_MAKER})
    for name, spelling in _OF_ANOTHER_MAKER.items():
        if getattr(body, name):
            raise errors.InvalidRequestError(
                f"{spelling}: only environments that the vendor manages have one; leave it out"
            )
    _check_formats(body.supported_model_formats)
    managed = _managed(body)
    if managed is not None:
        values["is_managed_by_management_agent"] = managed
    if "description" in values:
        values["description"] = clean_text(body.description or "")
    return values


def new_environment_values(body: api_v2.PredictionEnvironmentIn) -> dict[str, object]:
    """Return column -> value of a new environment; one that says nothing of it is managed by an agent."""
    defaults = {"is_managed_by_management_agent": True, "description": ""}
    return {**defaults, **environment_values(body)}


def _managed(body: api_v2.PredictionEnvironmentPatch) -> bool | None:
    flag = body.is_managed_by_management_agent
    if body.managed_by is None:
        return flag
    managed = body.managed_by is api_v2.ManagedBy.MANAGEMENT_AGENT
    if flag is not None and flag is not managed:
        raise errors.InvalidRequestError(
            "managedBy: says another thing than isManagedByManagementAgent; send one of them"
        )
    return managed


def _check_formats(formats: list[api_v2.ModelFormat] | None) -> None:
    both = {api_v2.ModelFormat.DATAROBOT, api_v2.ModelFormat.SCORING_CODE}
    if formats is not None and both <= set(formats):
        raise errors.InvalidRequestError(
            "supportedModelFormats: only one of datarobot and datarobotScoringCode can be supported"
        )
