"""`exports/`: deployments and runs as files."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from mgmt_ansible.control_plane.api.asking import Asking, permitted
from mgmt_ansible.control_plane.api.deployment_filters import deployment_filters
from mgmt_ansible.control_plane.api.runs import run_filters
from mgmt_ansible.control_plane.exporting import Export
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.store.deployment_filters import DeploymentFilters
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.domain.run_filters import RunFilters
from mgmt_ansible.domain.table_formats import TableFormat

_Format = Annotated[TableFormat, Query(alias="format")]


def export_router(services: Services) -> APIRouter:
    """Return the routes of files."""
    router = APIRouter(prefix="/exports", tags=["exports"])
    exports = services.exports

    @router.get("/deployments/", response_class=StreamingResponse)
    def export_deployments(
        principal: Asking,
        filters: Annotated[DeploymentFilters, Depends(deployment_filters)],
        form: _Format = TableFormat.CSV,
    ) -> StreamingResponse:
        """Send all deployments of a filter, in its order, as a file; `X-Total-Count` tells how many."""
        seen = partial(permitted, principal=principal, changed_by=Role.DEPLOYER)
        return file_answer(exports.deployments(filters, form, seen=seen))

    @router.get("/runs/", response_class=StreamingResponse)
    def export_runs(
        filters: Annotated[RunFilters, Depends(run_filters)], form: _Format = TableFormat.CSV
    ) -> StreamingResponse:
        """Send all runs of a filter, newest first, as a file without their logs; `X-Total-Count` tells how many."""
        return file_answer(exports.runs(filters, form))

    return router


def file_answer(export: Export) -> StreamingResponse:
    """Return a file that is kept, and never shown as a page."""
    headers = {
        "Content-Disposition": f'attachment; filename="{export.file_name}"',
        "X-Total-Count": str(export.count),
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(export.pieces, media_type=export.media_type, headers=headers)
