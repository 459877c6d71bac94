"""Routes: packages by name and version, one with where it is deployed, upload and deletion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.pages import forms
from mgmt_ansible.control_plane.pages.addresses import address, number
from mgmt_ansible.control_plane.pages.problems import page_route
from mgmt_ansible.control_plane.pages.templating import Templates
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.store.deployment_filters import DeploymentFilters
from mgmt_ansible.control_plane.store.packages import PackageFilters
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import api_v2

PAGE_SIZE = 50
_MOST_DEPLOYMENTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageChosen:
    """What of the list is wanted, as it stands in the query string."""

    search: str = ""
    name: str = ""
    offset: int = 0

    def url(self, offset: int) -> str:
        """Return the address of the list with these filters, at another offset."""
        return address("/packages", {"search": self.search, "name": self.name, "offset": offset})


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageList:
    """A page of packages, in groups of one name."""

    groups: tuple[tuple[str, tuple[api_v2.ModelPackage, ...]], ...]
    shown: int
    total: int
    chosen: PackageChosen

    @property
    def next_url(self) -> str | None:
        """Where more packages are."""
        following = self.chosen.offset + self.shown
        return self.chosen.url(following) if self.shown and following < self.total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageView:
    """One package with where it is wanted, and where it serves."""

    package: api_v2.ModelPackage
    versions: tuple[api_v2.ModelPackage, ...]
    deployments: tuple[api_v2.Deployment, ...]
    deployments_total: int
    refusal: str


def read_chosen(search: str = "", name: str = "", offset: str = "") -> PackageChosen:
    """Read the query string of the list; what is no filter's value counts as not chosen."""
    return PackageChosen(search=search.strip()[:200], name=name[:256], offset=number(offset))


def list_view(services: Services, chosen: PackageChosen) -> PackageList:
    """Gather one page of the list; packages of one name stand together, the name of the newest first."""
    filters = PackageFilters(search=chosen.search or None, name=chosen.name or None)
    page = services.registry.list_packages(filters, limit=PAGE_SIZE, offset=chosen.offset)
    groups: dict[str, list[api_v2.ModelPackage]] = {}
    for package in page.data:
        groups.setdefault(package.name, []).append(package)
    return PackageList(
        groups=tuple((name, tuple(packages)) for name, packages in groups.items()),
        shown=len(page.data),
        total=page.total_count,
        chosen=chosen,
    )


def package_view(services: Services, package_id: str) -> PackageView:
    """Gather one package; NotFoundError."""
    package = services.registry.get_package(package_id)
    versions = services.registry.list_packages(PackageFilters(name=package.name), limit=PAGE_SIZE).data
    wanted = services.deployments.find(DeploymentFilters(package_id=package_id), limit=_MOST_DEPLOYMENTS)
    return PackageView(
        package=package,
        versions=tuple(versions),
        deployments=tuple(wanted.data),
        deployments_total=wanted.total_count,
        refusal=_refusal(package, wanted.total_count),
    )


def _refusal(package: api_v2.ModelPackage, users: int) -> str:
    if users:
        return f"{users} deployment{' wants' if users == 1 else 's want'} it: replace their model or delete them first."
    return f"It is {', '.join(package.aliases)}: move the alias first." if package.aliases else ""


def package_pages(services: Services, templates: Templates) -> APIRouter:
    """Return the routes of the pages of packages."""
    router = APIRouter(prefix="/packages", include_in_schema=False, route_class=page_route(templates))

    @router.get("")
    def packages_page(request: Request, chosen: Annotated[PackageChosen, Depends(read_chosen)]) -> Response:
        principal = request.state.principal
        view = list_view(services, chosen)
        return templates.page(
            "packages.html", place="/packages", view=view, principal=principal, may_change=_may_change(principal)
        )

    @router.get("/new")
    def upload_page(request: Request) -> Response:
        return templates.page("package_upload.html", place="/packages", principal=request.state.principal)

    @router.get("/{package_id}")
    def package_page(request: Request, package_id: str) -> Response:
        principal = request.state.principal
        view = package_view(services, package_id)
        return templates.page(
            "package.html", place="/packages", view=view, principal=principal, may_change=_may_change(principal)
        )

    @router.get("/{package_id}/delete")
    def ask_to_delete(request: Request, package_id: str) -> Response:
        view = package_view(services, package_id)
        return templates.page("package_delete.html", place="/packages", view=view, principal=request.state.principal)

    @router.post("/{package_id}/delete")
    def delete_package(request: Request, package_id: str, form: forms.Form) -> Response:
        forms.require_same_site(request)
        package = services.registry.get_package(package_id)
        typed = f"{package.name} {package.version}"
        forms.require_typed(form, typed)
        services.registry.delete_package(package_id)
        return RedirectResponse(f"/packages?name={quote(package.name)}", status_code=303)

    return router


def _may_change(principal: Principal) -> bool:
    return principal.role is None or principal.role.covers(Role.DEPLOYER)
