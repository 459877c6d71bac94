"""The history of deployments, through `/api/v2`."""

from __future__ import annotations

from datetime import datetime

from mgmt_ansible.client.transport import Transport
from mgmt_ansible.wire.history import DeploymentDifferences, DeploymentsThen


class History:
    """Verbs on the history."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def deployments_at(self, moment: datetime) -> DeploymentsThen:
        """Return what deployments were at an aware time; InvalidRequestError before the history begins."""
        return self._transport.get(DeploymentsThen, "deploymentHistory/", query={"asOf": moment.isoformat()})

    def differences(self, before: datetime, after: datetime) -> DeploymentDifferences:
        """Return the deployments that were not the same at two aware times."""
        query = {"from": before.isoformat(), "to": after.isoformat()}
        return self._transport.get(DeploymentDifferences, "deploymentHistory/differences/", query=query)
