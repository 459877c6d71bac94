"""What is read of a deployment beside itself: settings, capabilities, who shares it, and whether a model could be replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TypeVar

from pydantic import BaseModel

from mgmt_ansible import errors
from mgmt_ansible.control_plane.package_files import PackageFiles
from mgmt_ansible.control_plane.principals import Principal, principal_of
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.control_plane.store.records import DeploymentRecord
from mgmt_ansible.control_plane.transitions import ALLOWED_FROM
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.model_packages import Runtime
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import deployment_details as shapes

_Settings = TypeVar("_Settings", bound=BaseModel)

SHARED_AS = {Role.ADMIN: "OWNER", Role.DEPLOYER: "OWNER", Role.OPERATOR: "USER", Role.VIEWER: "CONSUMER"}
"""Role of a token -> the vendor's word for what its holder may do with a deployment."""

_PASSING, _WARNING, _FAILING = "passing", "warning", "failing"
_WORST_FIRST = (_FAILING, _WARNING, _PASSING)
_AGENT_IS_AWAY = timedelta(minutes=5)
_NOT_HERE = "monitors judge this, and report it with remoteEvents/"


class DeploymentDetails:
    """Answers questions about one deployment; NotFoundError for an unknown one."""

    def __init__(self, store: Store, files: PackageFiles) -> None:
        self._store = store
        self._files = files

    def get_settings(self, deployment_id: str) -> shapes.DeploymentSettings:
        """Return the vendor's settings: all off."""
        self._check(deployment_id)
        return shapes.DeploymentSettings()

    def change_settings(self, deployment_id: str, body: shapes.DeploymentSettings) -> shapes.DeploymentSettings:
        """Take what says the same; InvalidRequestError names what cannot be switched on."""
        self._check(deployment_id)
        return _unchanged(body, shapes.DeploymentSettings())

    def get_health_settings(self, deployment_id: str) -> shapes.DeploymentHealthSettings:
        """Return the vendor's settings of health: no thresholds."""
        self._check(deployment_id)
        return shapes.DeploymentHealthSettings()

    def change_health_settings(
        self, deployment_id: str, body: shapes.DeploymentHealthSettings
    ) -> shapes.DeploymentHealthSettings:
        """Take what says the same; InvalidRequestError names what cannot be set."""
        self._check(deployment_id)
        return _unchanged(body, shapes.DeploymentHealthSettings())

    def list_capabilities(self, deployment_id: str) -> list[shapes.Capability]:
        """Return what is supported, and why not what is not."""
        with self._store.read() as tx:
            deployment = tx.deployments.record(deployment_id)
        supported = [
            shapes.Capability(name="supports_model_replacement", supported=True),
            shapes.Capability(name="supports_activation_and_deactivation", supported=True),
            shapes.Capability(
                name="supports_management_agent",
                supported=deployment.environment_managed,
                messages=[] if deployment.environment_managed else ["the environment is self-managed"],
            ),
        ]
        flags = shapes.Capabilities().model_dump()
        missing = [name for name, here in flags.items() if not here]
        return supported + [shapes.Capability(name=name, supported=False, messages=[_NOT_HERE]) for name in missing]

    def list_shared_roles(self, deployment_id: str) -> list[shapes.SharedRole]:
        """Return the tokens of people who see the deployment, with what they may do."""
        with self._store.read() as tx:
            environment_id = tx.deployments.record(deployment_id).environment_id
            holders = [(token, principal_of(token)) for token in tx.access.user_tokens(limit=500)]
        return [
            shapes.SharedRole(id=token.id, name=token.name, role=SHARED_AS[holder.role])
            for token, holder in holders
            if holder is not None and holder.role is not None and _sees(holder, environment_id)
        ]

    def validate_replacement(self, deployment_id: str, reference: str) -> shapes.ModelValidation:
        """Tell whether a package could replace the model, and what speaks against it; nothing changes.

        NotFoundError for an unknown package.
        """
        with self._store.read() as tx:
            deployment = tx.deployments.record(deployment_id)
            package = tx.packages.get(tx.packages.resolve(reference).id)
            checks = {name: check(tx, deployment, package) for name, check in self._checks().items()}
        status = next(word for word in _WORST_FIRST if any(one.status == word for one in checks.values()))
        told = [f"{name}: {one.message}" for name, one in checks.items() if one.status == status]
        message = "the model can be replaced" if status == _PASSING else "; ".join(told)
        return shapes.ModelValidation(status=status, message=message, checks=checks)

    def _check(self, deployment_id: str) -> None:
        with self._store.read() as tx:
            tx.deployments.record(deployment_id)

    def _checks(self) -> dict[str, _Check]:
        return {
            "state": _check_state,
            "package": _check_package,
            "archive": self._check_archive,
            "runtime": _check_runtime,
            "target": _check_target,
            "registeredModel": _check_registered_model,
            "agent": _check_agent,
        }

    def _check_archive(
        self, _: Transaction, deployment: DeploymentRecord, package: api_v2.ModelPackage
    ) -> shapes.ValidationCheck:
        if not deployment.environment_managed:
            return _said(_PASSING, "no agent needs the archive: the environment is self-managed")
        if package.runtime == Runtime.EXTERNAL:
            return _said(_FAILING, "the package has no archive, and an agent would need it")
        if not self._files.path_of(package.archive_sha256).is_file():
            return _said(_FAILING, "the archive is missing on the control plane: restore it")
        return _said(_PASSING, "the archive is there")


_Check = Callable[[Transaction, DeploymentRecord, api_v2.ModelPackage], shapes.ValidationCheck]


def _sees(principal: Principal, environment_id: str) -> bool:
    return not principal.environment_ids or environment_id in principal.environment_ids


def _said(status: str, message: str) -> shapes.ValidationCheck:
    return shapes.ValidationCheck(status=status, message=message)


def _check_state(_: Transaction, deployment: DeploymentRecord, __: api_v2.ModelPackage) -> shapes.ValidationCheck:
    if deployment.state in ALLOWED_FROM[ActionType.DEPLOYMENT_REPLACE_MODEL]:
        return _said(_PASSING, f"the deployment is {deployment.state.value}")
    return _said(_FAILING, f"the deployment is {deployment.state.value}: its model cannot be replaced now")


def _check_package(
    _: Transaction, deployment: DeploymentRecord, package: api_v2.ModelPackage
) -> shapes.ValidationCheck:
    if package.is_archived:
        return _said(_WARNING, "the package is archived")
    if package.id == deployment.package.id:
        return _said(_WARNING, "the deployment wants this package already")
    if package.digest == deployment.package.digest:
        return _said(_WARNING, "the content is the same as now")
    return _said(_PASSING, "the package has other content than now")


def _check_runtime(
    _: Transaction, deployment: DeploymentRecord, package: api_v2.ModelPackage
) -> shapes.ValidationCheck:
    if deployment.environment_managed and package.runtime == Runtime.EXTERNAL:
        return _said(_FAILING, f"hosts do not serve {package.runtime}: others do")
    if package.runtime != deployment.package.runtime:
        return _said(_WARNING, f"the runtime changes from {deployment.package.runtime} to {package.runtime}")
    return _said(_PASSING, "the runtime stays")


def _check_target(
    tx: Transaction, deployment: DeploymentRecord, package: api_v2.ModelPackage
) -> shapes.ValidationCheck:
    now = tx.packages.get(deployment.package.id).target
    if now.type is None or package.target.type is None:
        return _said(_PASSING, "nobody told the targets of both packages: they are not compared")
    if (now.type, now.name) != (package.target.type, package.target.name):
        return _said(_FAILING, f"the target changes from {now.name} ({now.type}) to {package.target.name}")
    return _said(_PASSING, "the target stays")


def _check_registered_model(
    tx: Transaction, deployment: DeploymentRecord, package: api_v2.ModelPackage
) -> shapes.ValidationCheck:
    if tx.packages.get(deployment.package.id).registered_model_id != package.registered_model_id:
        return _said(_WARNING, f"{package.name} is another registered model than {deployment.package.name}")
    return _said(_PASSING, "it is a version of the same registered model")


def _check_agent(tx: Transaction, deployment: DeploymentRecord, _: api_v2.ModelPackage) -> shapes.ValidationCheck:
    if not deployment.environment_managed:
        return _said(_PASSING, "no agent is needed: the environment is self-managed")
    serving = [
        one for one in tx.agents.list(limit=500, offset=0).data if deployment.environment_id in one.environment_ids
    ]
    if any(tx.now - one.last_seen_at < _AGENT_IS_AWAY for one in serving):
        return _said(_PASSING, "an agent serves the environment")
    return _said(_WARNING, "no agent of the environment was seen in the last 5 minutes: the action would wait for one")


def _unchanged(body: _Settings, known: _Settings) -> _Settings:
    """Return what is known when the body says nothing else."""
    differing = list(_differences(body, known))
    if differing:
        raise errors.InvalidRequestError(f"{differing[0]}: cannot be set here: {_NOT_HERE}")
    return known


def _differences(body: BaseModel, known: BaseModel, path: Sequence[str] = ()) -> Iterator[str]:
    for name, field in type(body).model_fields.items():
        here = (*path, field.alias or name)
        said, value = getattr(body, name), getattr(known, name)
        if isinstance(said, BaseModel) and isinstance(value, BaseModel):
            yield from _differences(said, value, here)
        elif name in body.model_fields_set and (said or None) != (value or None):
            yield "/".join(here)
