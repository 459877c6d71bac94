"""Registered models and their aliases, through `/api/v2`."""

from __future__ import annotations

from collections.abc import Iterator

from mgmt_ansible.client.transport import Transport, segment
from mgmt_ansible.wire.api_v2 import (
    Deployment,
    ModelAlias,
    ModelAliasIn,
    ModelPackage,
    RegisteredModel,
    RegisteredModelPatch,
)


class RegisteredModels:
    """Verbs on registered models; NotFoundError without them."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_models(self, *, search: str | None = None) -> Iterator[RegisteredModel]:
        """Yield registered models by name, page after page."""
        return self._transport.pages(RegisteredModel, "registeredModels/", {"search": search})

    def get_model(self, model_id: str) -> RegisteredModel:
        """Return one."""
        return self._transport.get(RegisteredModel, _path(model_id))

    def change_model(self, model_id: str, change: RegisteredModelPatch) -> RegisteredModel:
        """Change name or description; ConflictError when the name is taken."""
        return self._transport.send(RegisteredModel, "PATCH", _path(model_id), body=change)

    def delete_model(self, model_id: str) -> None:
        """Delete one; InvalidRequestError while it has versions."""
        self._transport.read("DELETE", _path(model_id))

    def list_versions(self, model_id: str, *, show_archived: bool = False) -> Iterator[ModelPackage]:
        """Yield its versions, newest first."""
        return self._transport.pages(ModelPackage, f"{_path(model_id)}versions/", {"showArchived": show_archived})

    def get_version(self, model_id: str, package_id: str) -> ModelPackage:
        """Return one version."""
        return self._transport.get(ModelPackage, f"{_path(model_id)}versions/{segment(package_id)}/")

    def list_deployments(self, model_id: str, *, package_id: str | None = None) -> Iterator[Deployment]:
        """Yield the deployments that want a version of it, or this very one."""
        version = "" if package_id is None else f"versions/{segment(package_id)}/"
        return self._transport.pages(Deployment, f"{_path(model_id)}{version}deployments/")

    def list_aliases(self, model_id: str) -> Iterator[ModelAlias]:
        """Yield its aliases in order."""
        return self._transport.pages(ModelAlias, f"{_path(model_id)}aliases/")

    def get_alias(self, model_id: str, alias: str) -> ModelAlias:
        """Return where an alias points."""
        return self._transport.get(ModelAlias, f"{_path(model_id)}aliases/{segment(alias)}/")

    def set_alias(self, model_id: str, alias: str, package_id: str) -> ModelAlias:
        """Let an alias point to a version, wherever it pointed before."""
        path = f"{_path(model_id)}aliases/{segment(alias)}/"
        return self._transport.send(ModelAlias, "PUT", path, body=ModelAliasIn(model_package_id=package_id))

    def delete_alias(self, model_id: str, alias: str) -> None:
        """Remove an alias."""
        self._transport.read("DELETE", f"{_path(model_id)}aliases/{segment(alias)}/")


def _path(model_id: str) -> str:
    return f"registeredModels/{segment(model_id)}/"
