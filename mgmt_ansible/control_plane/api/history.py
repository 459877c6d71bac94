"""`deploymentHistory/`: deployments as of a time, and what differs between two."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.wire import history as shapes


def history_router(services: Services) -> APIRouter:
    """Return the routes of the history."""
    router = APIRouter(prefix="/deploymentHistory", tags=["deployments"])

    @router.get("/")
    def list_deployments_as_of(as_of: Annotated[AwareDatetime, Query(alias="asOf")]) -> shapes.DeploymentsThen:
        """List what deployments were at a time; 422 before the history begins."""
        return services.history.deployments_at(as_of)

    @router.get("/differences/")
    def list_differences(
        before: Annotated[AwareDatetime, Query(alias="from")], after: Annotated[AwareDatetime, Query(alias="to")]
    ) -> shapes.DeploymentDifferences:
        """List the deployments that were not the same at two times."""
        return services.history.differences(before, after)

    return router
