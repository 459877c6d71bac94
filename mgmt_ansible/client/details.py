"""What is read of a deployment beside itself, through `/api/v2`: settings, capabilities, checks before a replacement."""

from __future__ import annotations

from collections.abc import Iterator

from mgmt_ansible.client.transport import Transport, segment
from mgmt_ansible.wire.deployment_details import (
    Capability,
    DeploymentHealthSettings,
    DeploymentSettings,
    ModelValidation,
    ModelValidationIn,
    SharedRole,
)


class DeploymentDetails:
    """Verbs on details; NotFoundError without the deployment."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def get_settings(self, deployment_id: str) -> DeploymentSettings:
        """Return the vendor's settings; all are off here."""
        return self._transport.get(DeploymentSettings, f"{_path(deployment_id)}settings/")

    def change_settings(self, deployment_id: str, change: DeploymentSettings) -> DeploymentSettings:
        """Send settings; InvalidRequestError names what cannot be switched on."""
        return self._transport.send(DeploymentSettings, "PATCH", f"{_path(deployment_id)}settings/", body=change)

    def get_health_settings(self, deployment_id: str) -> DeploymentHealthSettings:
        """Return the vendor's thresholds; none is set here."""
        return self._transport.get(DeploymentHealthSettings, f"{_path(deployment_id)}healthSettings/")

    def change_health_settings(self, deployment_id: str, change: DeploymentHealthSettings) -> DeploymentHealthSettings:
        """Send thresholds; InvalidRequestError names what cannot be set."""
        path = f"{_path(deployment_id)}healthSettings/"
        return self._transport.send(DeploymentHealthSettings, "PATCH", path, body=change)

    def list_capabilities(self, deployment_id: str) -> Iterator[Capability]:
        """Yield what is supported, and why not what is not."""
        return self._transport.pages(Capability, f"{_path(deployment_id)}capabilities/")

    def list_shared_roles(self, deployment_id: str) -> Iterator[SharedRole]:
        """Yield who may do what."""
        return self._transport.pages(SharedRole, f"{_path(deployment_id)}sharedRoles/")

    def validate_replacement(self, deployment_id: str, package_id: str) -> ModelValidation:
        """Return whether a package (id or `NAME@ALIAS`) could replace the model; changes nothing."""
        body = ModelValidationIn(model_package_id=package_id)
        return self._transport.send(ModelValidation, "POST", f"{_path(deployment_id)}model/validation/", body=body)


def _path(deployment_id: str) -> str:
    return f"deployments/{segment(deployment_id)}/"
