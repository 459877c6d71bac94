"""Environments that are their owners' own: no agent acts on them, and everything that would have asked one says so.

A change of a deployment there is recorded, and done at once: its owners bring the hosts to it. The action is there to be
followed like any other; its outcome is `skipped`.
"""

from __future__ import annotations

from mgmt_ansible import errors
from mgmt_ansible.control_plane.canceling import cancel_action
from mgmt_ansible.control_plane.entries import action_words, append_event
from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.control_plane.store.records import DeploymentRecord, EnvironmentRecord
from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.actions import ActionSpec, ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import Outcome

NOBODY_ACTS = "no agent acts here: the environment is self-managed"


def refuse_look(environment_name: str, *, managed: bool) -> None:
    """Refuse a look at an environment, or at a deployment in it, when no agent would take it; InvalidRequestError."""
    if not managed:
        raise errors.InvalidRequestError(
            f"prediction environment {environment_name} is self-managed: no agent looks at its hosts;"
            " let it be managed by the management agent first"
        )


def record_change(tx: Transaction, deployment: DeploymentRecord, spec: ActionSpec, *, actor: str) -> None:
    """End an action that nobody will carry out, and let the deployment be what is wanted of it."""
    message = f"recorded only: {NOBODY_ACTS}"
    tx.actions.update(
        spec.id,
        status=ActionStatus.SUCCEEDED.value,
        outcome=Outcome.SKIPPED.value,
        message=message,
        started_at=tx.now,
        finished_at=tx.now,
    )
    stops = spec.type is ActionType.DEPLOYMENT_STOP
    tx.deployments.update(
        deployment.id,
        state=(DeploymentState.STOPPED if stops else DeploymentState.READY).value,
        agent_health=Health.UNKNOWN.value,
        agent_health_message=NOBODY_ACTS,
        agent_health_since=deployment.health_since if deployment.health is Health.UNKNOWN else tx.now,
        words_from_generation=spec.deployment.generation if spec.deployment else 0,
        deployed_at=tx.now,
        endpoints=[],
        updated_at=tx.now,
    )
    tx.monitoring.show((deployment.id,), at=tx.now)
    event_type, title = action_words(spec.type, "succeeded")
    append_event(
        tx,
        type=event_type,
        environment_id=spec.environment_id,
        deployment_id=deployment.id,
        action_id=spec.id,
        generation=spec.deployment.generation if spec.deployment else None,
        title=title,
        message=message,
        actor=actor,
    )


def switch(tx: Transaction, environment: EnvironmentRecord, *, managed: bool, actor: str) -> None:
    """Hand an environment to agents, or take it from them: what waits for one is canceled; an entry tells it.

    Raises:
        ConflictError: An agent is at work there.
    """
    if not managed:
        for action in tx.actions.unfinished_in(environment.id):
            if action.status is ActionStatus.RUNNING:
                raise errors.ConflictError(f"action {action.id} is running: wait for its end, or cancel it")
            cancel_action(tx, action, actor=actor)
    append_event(
        tx,
        type=deployment_events.ENVIRONMENT_MANAGED if managed else deployment_events.ENVIRONMENT_SELF_MANAGED,
        environment_id=environment.id,
        title="Managed by the management agent" if managed else "Self-managed",
        message="agents act here from now on" if managed else "from now on agents get no actions of this environment",
        actor=actor,
    )
