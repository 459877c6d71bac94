"""What people type -> the thing meant: ids, and names where they are unambiguous."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from mgmt_ansible import errors
from mgmt_ansible.cli import text
from mgmt_ansible.domain.model_aliases import split_reference

if TYPE_CHECKING:
    from mgmt_ansible.client import Client
    from mgmt_ansible.wire.api_v2 import (
        AccessToken,
        Deployment,
        ModelPackage,
        PredictionEnvironment,
        RegisteredModel,
        User,
    )

_DEPLOYMENT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_SHOWN = 10

_T = TypeVar("_T")


def find_environment(client: Client, reference: str) -> PredictionEnvironment:
    """Return the environment with this id or name.

    Raises:
        NotFoundError: None has it.
        ConflictError: Several have this name.
    """
    if _OBJECT_ID.fullmatch(reference):
        with suppress(errors.NotFoundError):
            return client.environments.get_environment(reference)
    named = [one for one in client.environments.list_environments() if reference in (one.id, one.name)]
    return _only("environment", reference, [(one, one.id) for one in named], "mgmt-ansible environment list")


def find_deployment(client: Client, reference: str) -> Deployment:
    """Return the deployment with this id or label.

    Raises:
        NotFoundError: None has it.
        ConflictError: Several have this label.
    """
    if _DEPLOYMENT_ID.fullmatch(reference):
        with suppress(errors.NotFoundError):
            return client.deployments.get_deployment(reference)
    labelled = [one for one in client.deployments.list_deployments(search=reference) if one.label == reference]
    return _only("deployment", reference, [(one, one.id) for one in labelled], "mgmt-ansible deployment list")


def find_package(client: Client, reference: str) -> ModelPackage:
    """Return the package with this id, `NAME@ALIAS`, `NAME:VERSION`, or name when it has one version.

    Raises:
        NotFoundError: None has it.
        ConflictError: The name has several versions.
    """
    if _OBJECT_ID.fullmatch(reference):
        with suppress(errors.NotFoundError):
            return client.packages.get_package(reference)
    parts = split_reference(reference)
    if parts is not None:
        with suppress(errors.NotFoundError):
            return _aliased(client, *parts)
    name, colon, version = reference.rpartition(":")
    found = list(client.packages.list_packages(name=name, version=version)) if colon else []
    found = found or list(client.packages.list_packages(name=reference))
    known = [(one, f"{one.name}:{one.version}") for one in found]
    return _only("package", reference, known, "mgmt-ansible package list")


def find_registered_model(client: Client, reference: str) -> RegisteredModel:
    """Return the registered model with this id or name; NotFoundError."""
    if _OBJECT_ID.fullmatch(reference):
        with suppress(errors.NotFoundError):
            return client.registered_models.get_model(reference)
    named = [one for one in client.registered_models.list_models(search=reference) if one.name == reference]
    return _only("registered model", reference, [(one, one.id) for one in named], "mgmt-ansible package aliases")


def _aliased(client: Client, name: str, alias: str) -> ModelPackage:
    model = find_registered_model(client, name)
    return client.packages.get_package(client.registered_models.get_alias(model.id, alias).model_package_id)


def find_user(client: Client, reference: str) -> User:
    """Return the user with this id or name, whatever its case; NotFoundError."""
    named = [
        one for one in client.access.list_users() if reference == one.id or reference.casefold() == one.name.casefold()
    ]
    return _only("user", reference, [(one, one.id) for one in named], "mgmt-ansible user list")


def find_token(client: Client, reference: str) -> AccessToken:
    """Return the token with this id or name; NotFoundError."""
    named = [one for one in client.access.list_tokens() if reference in (one.id, one.name)]
    return _only("token", reference, [(one, one.id) for one in named], "mgmt-ansible token list")


def _only(kind: str, reference: str, found: Iterable[tuple[_T, str]], command: str) -> _T:
    known = list(found)
    if len(known) == 1:
        return known[0][0]
    shown = text.clean(reference)
    if not known:
        raise errors.NotFoundError(f"no {kind} has the id or name {shown!r}; see `{command}`")
    names = ", ".join(text.clean(name) for _, name in known[:_SHOWN])
    raise errors.ConflictError(f"{shown!r} means {len(known)} {kind}s; name one of: {names}")
