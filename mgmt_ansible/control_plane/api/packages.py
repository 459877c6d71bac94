"""`modelPackages/`: streamed up, ranged down."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.api.asking import Asking, Paging
from mgmt_ansible.control_plane.package_files import ArchiveReceiver
from mgmt_ansible.control_plane.registry import Registry
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.wire import api_v2

_PIECE_BYTES = 1 << 20
_Text = Annotated[str, Query(min_length=1, max_length=256, pattern=api_v2.LABEL_PATTERN)]


def package_router(services: Services) -> APIRouter:
    """Return the routes of model packages."""
    router = APIRouter(prefix="/modelPackages", tags=["model packages"])
    registry = services.registry

    @router.get("/")
    def list_model_packages(
        paging: Paging, name: str | None = None, version: str | None = None, digest: str | None = None
    ) -> api_v2.Page[api_v2.ModelPackage]:
        """List packages, newest first."""
        found = registry.list_packages(
            name=name, version=version, digest=digest, limit=paging.limit, offset=paging.offset
        )
        return paging.page(found)

    @router.post("/", status_code=201, openapi_extra=_OCTETS)
    async def add_model_package(
        request: Request, response: Response, name: _Text, version: _Text
    ) -> api_v2.ModelPackage:
        """Add a package: the body is its archive.

        200 when the same content is there under that name and version, 409 when other content is.
        """
        receiver = await run_in_threadpool(registry.receive_archive)
        try:
            await _receive(request, receiver)
            package, new = await run_in_threadpool(_finish, registry, receiver, name, version)
        finally:
            await run_in_threadpool(receiver.discard)
        response.status_code = 201 if new else 200
        return package

    @router.get("/{package_id}/")
    def get_model_package(package_id: str) -> api_v2.ModelPackage:
        """Return one package."""
        return registry.get_package(package_id)

    @router.delete("/{package_id}/", status_code=204)
    def delete_model_package(package_id: str) -> None:
        """Delete a package; 422 while deployments use it."""
        registry.delete_package(package_id)

    @router.get("/{package_id}/modelPackageFile/", response_class=FileResponse)
    def download_model_package(package_id: str, principal: Asking) -> FileResponse:
        """Return the archive; `Range` is honoured; an agent's token needs an action or a deployment that is about it."""
        return archive_answer(registry, package_id, principal)

    return router


def archive_answer(registry: Registry, package_id: str, principal: Principal) -> FileResponse:
    """Return a package's archive as an attachment; ForbiddenError."""
    path = registry.archive_path(package_id, principal)
    package = registry.get_package(package_id)
    filename = re.sub(r"[^A-Za-z0-9._-]", "_", f"{package.name}-{package.version}.mgmt-package")
    return FileResponse(path, media_type="application/octet-stream", filename=filename)


_OCTETS = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


async def _receive(request: Request, receiver: ArchiveReceiver) -> None:
    """Write the body in larger pieces than it comes in: every write is a trip to a thread."""
    held = bytearray()
    async for piece in request.stream():
        held += piece
        if len(held) >= _PIECE_BYTES:
            await run_in_threadpool(receiver.write, bytes(held))
            held.clear()
    await run_in_threadpool(receiver.write, bytes(held))


def _finish(registry: Registry, receiver: ArchiveReceiver, name: str, version: str) -> tuple[api_v2.ModelPackage, bool]:
    return registry.add_package(name=name, version=version, archive=receiver.finish())
