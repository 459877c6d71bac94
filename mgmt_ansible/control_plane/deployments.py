"""Deployments, and every change of what is wanted."""

from __future__ import annotations

from collections.abc import Sequence

from mgmt_ansible import errors
from mgmt_ansible.control_plane.accepting import Asker, Change, accept_change, accept_dry_run, once
from mgmt_ansible.control_plane.accepting_looks import accept_status
from mgmt_ansible.control_plane.asked_changes import asked_change, rollback_target
from mgmt_ansible.control_plane.canceling import cancel_action
from mgmt_ansible.control_plane.entries import append_event, package_data
from mgmt_ansible.control_plane.owners import maker_of, owner_named, possible_owners
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.control_plane.store.deployment_filters import DeploymentFilters
from mgmt_ansible.control_plane.store.deployment_hosts import Standing
from mgmt_ansible.control_plane.store.records import DeploymentRecord
from mgmt_ansible.control_plane.tagging import forget_all
from mgmt_ansible.control_plane.wakeups import Wakeups
from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.key_values import EntityType
from mgmt_ansible.domain.model_packages import ModelPackage
from mgmt_ansible.domain.outcomes import Outcome
from mgmt_ansible.domain.redaction import clean_text
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.deployment_hosts import DeploymentHost

_ASKED_ELSEWHERE = {
    ActionType.DEPLOYMENT_REPLACE_MODEL: "at deployments/{id}/model/",
    ActionType.ENVIRONMENT_STATUS: "at predictionEnvironments/{id}/actions/",
    ActionType.DEPLOYMENT_DRY_RUN: "with the change it is about, and dryRun",
}


class Deployments:
    """Reads deployments and changes what is wanted.

    Methods that make an action take an `Asker`: the principal's name and the request's idempotency key. They raise
    NotFoundError for unknown ids and TransitionError when the state does not allow it.
    """

    def __init__(self, store: Store, wakeups: Wakeups) -> None:
        self._store = store
        self._wakeups = wakeups

    def list_deployments(
        self,
        *,
        environment_id: str | None = None,
        state: DeploymentState | None = None,
        health: Health | None = None,
        search: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> api_v2.Page[api_v2.Deployment]:
        """Return deployments by label; `search` looks into label, description, id and package name."""
        filters = DeploymentFilters(
            environment_id=environment_id,
            states=() if state is None else (state,),
            healths=() if health is None else (health,),
            search=search,
        )
        return self.find(filters, limit=limit, offset=offset)

    def find(self, filters: DeploymentFilters, *, limit: int = 50, offset: int = 0) -> api_v2.Page[api_v2.Deployment]:
        """Return the deployments that fulfil filters; InvalidRequestError for an order that is not known."""
        with self._store.read() as tx:
            return tx.deployments.list(filters, limit=limit, offset=offset, now=tx.now)

    def tally(self, filters: DeploymentFilters) -> dict[tuple[Health, DeploymentState], int]:
        """Return (health, state) -> number of deployments that fulfil filters."""
        with self._store.read() as tx:
            return tx.deployments.tally(filters)

    def package_names(self) -> tuple[str, ...]:
        """Return the names of the packages that are wanted somewhere, at most 500."""
        with self._store.read() as tx:
            return tx.deployments.package_names()

    def owners(self) -> tuple[str, ...]:
        """Return the names of those who own a deployment, at most 500."""
        with self._store.read() as tx:
            return tx.deployments.owners()

    def possible_owners(self, deployment_id: str) -> tuple[str, ...]:
        """Return the names of those who could own a deployment; NotFoundError."""
        with self._store.read() as tx:
            return possible_owners(tx, tx.deployments.record(deployment_id).environment_id)

    def get_deployment(self, deployment_id: str) -> api_v2.Deployment:
        """Return one; NotFoundError."""
        with self._store.read() as tx:
            return tx.deployments.get(deployment_id, now=tx.now)

    def create(self, body: api_v2.DeploymentIn, asker: Asker) -> api_v2.ActionAccepted:
        """Create a deployment from a package, and launch it unless `launch` is false.

        Raises:
            ConflictError: The id is in use.
            NotFoundError: Unknown package or environment.
        """
        with self._store.write() as tx:
            accepted = once(tx, asker, {"create": body.model_dump()}, lambda digest: _create(tx, body, asker, digest))
        self._wakeups.notify()
        return accepted

    def update(self, deployment_id: str, body: api_v2.DeploymentPatch) -> api_v2.Deployment:
        """Change label, description, importance or owner; hosts do not notice.

        InvalidRequestError for an owner who is nobody, is disabled, or does not see it.
        """
        values = body.model_dump(exclude_none=True)
        if "description" in values:
            values["description"] = clean_text(values["description"])
        with self._store.write() as tx:
            environment_id = tx.deployments.record(deployment_id).environment_id
            if "owner" in values:
                values["owner"] = owner_named(tx, values["owner"], environment_id)
                summary = f"{values['owner']} owns it now"
                tx.audit.about("deployment", deployment_id, environment_id=environment_id, summary=summary)
            if values:
                tx.deployments.update(deployment_id, updated_at=tx.now, **values)
            return tx.deployments.get(deployment_id, now=tx.now)

    def replace_model(self, deployment_id: str, body: api_v2.ModelReplacement, asker: Asker) -> api_v2.ActionAccepted:
        """Replace the model by another package."""

        def accept(digest: str | None) -> api_v2.ActionAccepted:
            deployment = tx.deployments.record(deployment_id)
            change = Change(
                type=ActionType.DEPLOYMENT_REPLACE_MODEL,
                package=tx.packages.resolve(body.model_package_id),
                minimum_healthy_seconds=body.minimum_healthy_seconds,
                timeout_seconds=body.timeout_seconds,
                data={"reason": body.reason, "old_package": package_data(deployment.package)},
            )
            return (accept_dry_run if body.dry_run else accept_change)(tx, deployment, change, asker, digest)

        with self._store.write() as tx:
            accepted = once(tx, asker, {"replace": deployment_id, **body.model_dump()}, accept)
        self._wakeups.notify()
        return accepted

    def set_status(self, deployment_id: str, body: api_v2.DeploymentStatusIn, asker: Asker) -> api_v2.ActionAccepted:
        """Stop (`inactive`) or launch again (`active`)."""
        active = body.status == "active"
        action_type = ActionType.DEPLOYMENT_LAUNCH if active else ActionType.DEPLOYMENT_STOP
        return self.act(deployment_id, api_v2.ActionIn(type=action_type), asker)

    def act(self, deployment_id: str, body: api_v2.ActionIn, asker: Asker) -> api_v2.ActionAccepted:
        """Launch, relaunch, roll back or stop, or look at its status.

        Raises:
            ConflictError: There is no release to roll back to, or no host that failed.
            InvalidRequestError: The type needs more (replace), is an environment's, or does not go with the rest.
        """
        if body.type in _ASKED_ELSEWHERE:
            raise errors.InvalidRequestError(f"type: {body.type.value} is asked for {_ASKED_ELSEWHERE[body.type]}")
        if body.type is ActionType.DEPLOYMENT_STATUS and (body.dry_run or body.failed_only):
            raise errors.InvalidRequestError("type: deployment_status changes nothing, and looks at every host")
        with self._store.write() as tx:
            accepted = once(
                tx,
                asker,
                {"act": deployment_id, **body.model_dump()},
                lambda digest: _act(tx, tx.deployments.record(deployment_id), body, asker, digest),
            )
        self._wakeups.notify()
        return accepted

    def list_hosts(
        self,
        *,
        deployment_id: str | None = None,
        environment_id: str | None = None,
        host: str | None = None,
        outcome: Outcome | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> api_v2.Page[DeploymentHost]:
        """Return what each host last made of each deployment, by deployment and host."""
        with self._store.read() as tx:
            return tx.deployment_hosts.list(
                deployment_id=deployment_id,
                environment_id=environment_id,
                host=host,
                outcome=outcome,
                limit=limit,
                offset=offset,
            )

    def hosts_of(self, deployment_ids: Sequence[str]) -> tuple[DeploymentHost, ...]:
        """Return what each host last made of several deployments, in no order."""
        with self._store.read() as tx:
            return tx.deployment_hosts.of_all(deployment_ids)

    def standings(self, deployment_ids: Sequence[str]) -> tuple[Standing, ...]:
        """Return, of several deployments, what each host last made of them; quick for thousands."""
        with self._store.read() as tx:
            return tuple(tx.deployment_hosts.standings(deployment_ids))

    def find_rollback_target(self, deployment_id: str) -> ModelPackage | None:
        """Return the package that a rollback would bring back; NotFoundError."""
        with self._store.read() as tx:
            return rollback_target(tx, tx.deployments.record(deployment_id))

    def delete(
        self, deployment_id: str, asker: Asker, *, ignore_management_agent: bool = False
    ) -> api_v2.ActionAccepted | None:
        """Stop a deployment, then forget it.

        Returns:
            The stop that was accepted; None when it is forgotten already, as nothing runs or nobody shall be asked.
        """

        def accept(digest: str | None) -> api_v2.ActionAccepted | None:
            deployment = tx.deployments.record(deployment_id)
            if ignore_management_agent:
                for action in tx.actions.unfinished(deployment_id):
                    cancel_action(tx, action, actor=asker.actor)
            nobody_stops_it = deployment.state is DeploymentState.STOPPED or not deployment.environment_managed
            if ignore_management_agent or nobody_stops_it:
                forget(tx, deployment, actor=asker.actor)
                return None
            change = Change(type=ActionType.DEPLOYMENT_STOP, forget_when_stopped=True)
            return accept_change(tx, deployment, change, asker, digest)

        request: dict[str, object] = {"delete": deployment_id, "ignore_management_agent": ignore_management_agent}
        with self._store.write() as tx:
            accepted = once(tx, asker, request, accept)
        self._wakeups.notify()
        return accepted


def forget(tx: Transaction, deployment: DeploymentRecord, *, actor: str) -> None:
    """Remove a deployment and say so in the feed; its history stays."""
    tx.deployments.delete(deployment.id)
    tx.deployment_hosts.forget(deployment.id)
    forget_all(tx, EntityType.DEPLOYMENT, deployment.id)
    append_event(
        tx,
        type=deployment_events.DELETED,
        environment_id=deployment.environment_id,
        deployment_id=deployment.id,
        generation=deployment.generation or None,
        title="Deployment deleted",
        message=deployment.label,
        actor=actor,
    )


def _create(tx: Transaction, body: api_v2.DeploymentIn, asker: Asker, digest: str | None) -> api_v2.ActionAccepted:
    deployment_id = body.deployment_id or make_id()
    environment = tx.environments.record(body.prediction_environment_id)
    package = tx.packages.resolve(body.model_package_id)
    if tx.deployments.exists(deployment_id):
        raise errors.ConflictError(f"deployment {deployment_id} exists already")
    body = body.model_copy(update={"description": clean_text(body.description or ""), "model_package_id": package.id})
    owner = maker_of(asker.actor)
    tx.deployments.insert(deployment_id, body, created_at=tx.now, created_by=asker.actor, owner=owner)
    tx.orphans.forget(deployment_id)
    append_event(
        tx,
        type=deployment_events.CREATED,
        environment_id=environment.id,
        deployment_id=deployment_id,
        title="Deployment created",
        message=f"{body.label} in {environment.name}",
        actor=asker.actor,
        data={"package": package_data(package)},
    )
    if not body.launch:
        return api_v2.ActionAccepted(id=deployment_id, action_id=None)
    change = Change(
        type=ActionType.DEPLOYMENT_LAUNCH,
        minimum_healthy_seconds=body.minimum_healthy_seconds,
        timeout_seconds=body.timeout_seconds,
    )
    return accept_change(tx, tx.deployments.record(deployment_id), change, asker, digest)


def _act(
    tx: Transaction, deployment: DeploymentRecord, body: api_v2.ActionIn, asker: Asker, digest: str | None
) -> api_v2.ActionAccepted:
    if body.type is ActionType.DEPLOYMENT_STATUS:
        return accept_status(tx, deployment, asker, timeout_seconds=body.timeout_seconds, digest=digest)
    change = asked_change(tx, deployment, body)
    return (accept_dry_run if body.dry_run else accept_change)(tx, deployment, change, asker, digest)
