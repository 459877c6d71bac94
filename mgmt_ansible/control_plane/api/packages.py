"""`modelPackages/`: streamed up, ranged down."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from mgmt_ansible.control_plane.api.asking import Asking, Paging
from mgmt_ansible.control_plane.api.builds import add_package_builds
from mgmt_ansible.control_plane.package_files import ArchiveReceiver
from mgmt_ansible.control_plane.registry import Registry
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.store.packages import PackageFilters
from mgmt_ansible.wire import api_v2

_PIECE_BYTES = 1 << 20
_Text = Annotated[str, Query(min_length=1, max_length=256, pattern=api_v2.LABEL_PATTERN)]


def package_router(services: Services) -> APIRouter:
    """Return the routes of model packages."""
    router = APIRouter(prefix="/modelPackages", tags=["model packages"])
    registry = services.registry

    @router.get("/")
    def list_model_packages(
        paging: Paging, filters: Annotated[PackageFilters, Depends(_filters)]
    ) -> api_v2.Page[api_v2.ModelPackage]:
        """List packages, newest first; `search` looks into name and version."""
        return paging.page(registry.list_packages(filters, limit=paging.limit, offset=paging.offset))

    @router.post("/fromJSON/", status_code=201)
    def add_external_model_package(body: api_v2.ModelPackageIn, principal: Asking) -> api_v2.ModelPackage:
        """Add a package that is known by its description only, for self-managed environments."""
        return services.registered_models.add_external(body, actor=principal.name)

    @router.post("/", status_code=201, openapi_extra=_OCTETS)
    async def add_model_package(
        request: Request, response: Response, principal: Asking, name: _Text, version: _Text
    ) -> api_v2.ModelPackage:
        """Add a package: the body is its archive.

        200 when the same content is there under that name and version, 409 when other content is.
        """
        receiver = await run_in_threadpool(registry.receive_archive)
        try:
            await _receive(request, receiver)
            package, new = await run_in_threadpool(_finish, registry, receiver, name, version, principal.name)
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
        """Delete a package; 422 while deployments or aliases use it."""
        registry.delete_package(package_id)

    @router.post("/{package_id}/archive/", status_code=204)
    def archive_model_package(package_id: str) -> None:
        """Take a package out of lists for good; 422 while deployments or aliases use it."""
        registry.archive_package(package_id)

    add_package_builds(router, services)
    return router


def _filters(
    *,
    name: str | None = None,
    version: str | None = None,
    digest: str | None = None,
    model_id: Annotated[str | None, Query(alias="modelId")] = None,
    registered_model_id: Annotated[str | None, Query(alias="registeredModelId")] = None,
    search: Annotated[str | None, Query(max_length=200)] = None,
    archived: Annotated[bool, Query(alias="showArchived")] = False,
) -> PackageFilters:
    return PackageFilters(
        name=name,
        version=version,
        digest=digest,
        model_id=model_id,
        registered_model_id=registered_model_id,
        search=search,
        archived=archived,
    )


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


def _finish(
    registry: Registry, receiver: ArchiveReceiver, name: str, version: str, actor: str
) -> tuple[api_v2.ModelPackage, bool]:
    return registry.add_package(name=name, version=version, archive=receiver.finish(), actor=actor)
