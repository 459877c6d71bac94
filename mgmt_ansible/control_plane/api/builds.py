"""Files of packages, the vendor's way: a build is asked for (202), followed (303), and then the file is fetched.

An archive is complete when it is added, so that a build has nothing to do: its id names the file that it leads to.
"""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse

from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.api.asking import Asking
from mgmt_ansible.control_plane.registry import Registry
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.basics import WireModel

_BUILD = re.compile(r"build-(file|code)-([0-9a-z]{1,64})")
_FILES = {"file": "modelPackageFile", "code": "scoringCode"}
_Installer = Annotated[bool, Query(alias="portablePredictionsServerInstaller")]
_OCTETS: dict[int | str, dict[str, object]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


class ScoringCodeBuildIn(WireModel):
    """Body of `POST .../scoringCodeBuilds/`; explanations are in the package or they are not."""

    include_prediction_explanations: bool = False


def add_package_builds(router: APIRouter, services: Services) -> None:
    """Add the builds and files of packages to their router."""
    registry = services.registry

    @router.post("/{package_id}/modelPackageFileBuilds/", status_code=202)
    def build_model_package_file(
        package_id: str, response: Response, installer: _Installer = False
    ) -> api_v2.BuildAccepted:
        """Ask for the archive; it is there already, and comes as it is: no installer is put in."""
        del installer
        return _accepted(response, "file", registry.get_package_with_archive(package_id))

    @router.get("/{package_id}/modelPackageFile/", response_class=FileResponse, responses=_OCTETS)
    def download_model_package(package_id: str, principal: Asking, installer: _Installer = False) -> FileResponse:
        """Return the archive; `Range` is honoured; an agent's token needs an action or a deployment that is about it."""
        del installer
        return archive_answer(registry, package_id, principal)

    @router.post("/{package_id}/scoringCodeBuilds/", status_code=202)
    def build_scoring_code(
        package_id: str, response: Response, body: ScoringCodeBuildIn | None = None
    ) -> api_v2.BuildAccepted:
        """Ask for the scoring code; 422 unless the package's runtime is `scoring_code`."""
        del body
        return _accepted(response, "code", registry.get_scoring_code(package_id))

    @router.get("/{package_id}/scoringCode/", response_class=FileResponse, responses=_OCTETS)
    def download_scoring_code(package_id: str, principal: Asking) -> FileResponse:
        """Return the archive of a package whose runtime is `scoring_code`; 422 for any other."""
        return archive_answer(registry, registry.get_scoring_code(package_id).id, principal)


def add_deployment_builds(router: APIRouter, services: Services) -> None:
    """Add the same for what a deployment wants to serve."""
    registry, deployments = services.registry, services.deployments

    def wanted(deployment_id: str) -> str:
        return deployments.get_deployment(deployment_id).model_package.id

    @router.post("/{deployment_id}/modelPackageFileBuilds/", status_code=202)
    def build_file_of_deployment(
        deployment_id: str, response: Response, installer: _Installer = False
    ) -> api_v2.BuildAccepted:
        """Ask for the archive of the deployment's package."""
        del installer
        return _accepted(response, "file", registry.get_package_with_archive(wanted(deployment_id)))

    @router.get("/{deployment_id}/modelPackageFile/", response_class=FileResponse, responses=_OCTETS)
    def download_file_of_deployment(
        deployment_id: str, principal: Asking, installer: _Installer = False
    ) -> FileResponse:
        """Return the archive of the deployment's package; `Range` is honoured."""
        del installer
        return archive_answer(registry, wanted(deployment_id), principal)

    @router.post("/{deployment_id}/scoringCodeBuilds/", status_code=202)
    def build_code_of_deployment(
        deployment_id: str, response: Response, body: ScoringCodeBuildIn | None = None
    ) -> api_v2.BuildAccepted:
        """Ask for the scoring code of the deployment's package; 422 unless its runtime is `scoring_code`."""
        del body
        return _accepted(response, "code", registry.get_scoring_code(wanted(deployment_id)))

    @router.get("/{deployment_id}/scoringCode/", response_class=FileResponse, responses=_OCTETS)
    def download_code_of_deployment(deployment_id: str, principal: Asking) -> FileResponse:
        """Return the scoring code of the deployment's package; 422 unless its runtime is `scoring_code`."""
        return archive_answer(registry, registry.get_scoring_code(wanted(deployment_id)).id, principal)


def build_answer(services: Services, build_id: str) -> Response | None:
    """Return 303 to the file of a build; None when the id is no build's; NotFoundError when its package is gone."""
    match = _BUILD.fullmatch(build_id)
    if match is None:
        return None
    package = services.registry.get_package(match.group(2))
    location = f"/api/v2/modelPackages/{package.id}/{_FILES[match.group(1)]}/"
    return Response(status_code=303, headers={"Location": location})


def archive_answer(registry: Registry, package_id: str, principal: Principal) -> FileResponse:
    """Return a package's archive as an attachment; ForbiddenError."""
    path = registry.archive_path(package_id, principal)
    package = registry.get_package(package_id)
    filename = re.sub(r"[^A-Za-z0-9._-]", "_", f"{package.name}-{package.version}.mgmt-package")
    return FileResponse(path, media_type="application/octet-stream", filename=filename)


def _accepted(response: Response, kind: str, package: api_v2.ModelPackage) -> api_v2.BuildAccepted:
    build_id = f"build-{kind}-{package.id}"
    response.headers["Location"] = f"/api/v2/status/{build_id}/"
    return api_v2.BuildAccepted(id=build_id)
