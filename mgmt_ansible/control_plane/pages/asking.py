"""Questions before something is done: what will happen, to which hosts, and whether a word has to be typed for it."""

from __future__ import annotations

from dataclasses import dataclass

from mgmt_ansible import errors
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.services import Services
from mgmt_ansible.control_plane.transitions import ALLOWED_FROM
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.confirmations import word_to_type
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.model_packages import ModelPackage
from mgmt_ansible.domain.outcomes import FINE
from mgmt_ansible.domain.roles import ROLE_OF_ACTION
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire.deployment_hosts import DeploymentHost


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """Something that people can ask of a deployment.

    Attributes:
        name: In the address.
        type: The action's.
        text: On its button.
        sentence: What will happen.
        danger: It ends what serves: its button says so.
        failed_only: For hosts that failed only.
        dry: It can be looked at before.
    """

    name: str
    type: ActionType
    text: str
    sentence: str
    danger: bool = False
    failed_only: bool = False
    dry: bool = True


_VERBS = (
    Verb(
        name="launch",
        type=ActionType.DEPLOYMENT_LAUNCH,
        text="Launch",
        sentence="The wanted model is installed and started on every host of the environment.",
    ),
    Verb(
        name="replace",
        type=ActionType.DEPLOYMENT_REPLACE_MODEL,
        text="Replace model",
        sentence="The new model is started beside the old one and gets traffic when its gate has passed; else the old one goes on.",
    ),
    Verb(
        name="rollback",
        type=ActionType.DEPLOYMENT_ROLLBACK,
        text="Roll back",
        sentence="The model of the last other release that succeeded comes back as a new generation, gated like a replacement.",
    ),
    Verb(
        name="relaunch",
        type=ActionType.DEPLOYMENT_RELAUNCH,
        text="Relaunch",
        sentence="The wanted model is served anew on every host, as a new generation; hosts pause for the switch.",
    ),
    Verb(
        name="relaunch-failed",
        type=ActionType.DEPLOYMENT_RELAUNCH,
        text="Relaunch failed hosts",
        sentence="Only the hosts whose own last result was not fine are relaunched; the others serve on untouched.",
        failed_only=True,
    ),
    Verb(
        name="status",
        type=ActionType.DEPLOYMENT_STATUS,
        text="Look now",
        sentence="Every host is looked at; nothing is changed.",
        dry=False,
    ),
    Verb(
        name="stop",
        type=ActionType.DEPLOYMENT_STOP,
        text="Stop",
        sentence="The model is stopped on every host, and predictions are answered no more. A relaunch brings it back.",
        danger=True,
    ),
)
VERBS = {verb.name: verb for verb in _VERBS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question about one deployment, with all that decides the answer.

    Attributes:
        refusal: Why it is not possible now; empty when it is.
        hosts: The hosts that are meant, as they last told.
        target: What would serve then; None where nothing would, or where it is chosen in the form.
        typed: The word that has to be typed; empty for none.
    """

    verb: Verb
    deployment: api_v2.Deployment
    refusal: str
    hosts: tuple[DeploymentHost, ...]
    target: ModelPackage | api_v2.PackageBrief | None
    typed: str


def find_verb(name: str) -> Verb:
    """Return what can be asked for; NotFoundError."""
    verb = VERBS.get(name)
    if verb is None:
        raise errors.NotFoundError(f"{name} is nothing that can be done with a deployment; known: {', '.join(VERBS)}")
    return verb


def question(services: Services, deployment: api_v2.Deployment, verb: Verb) -> Question:
    """Gather a question."""
    hosts = tuple(sorted(services.deployments.hosts_of([deployment.id]), key=lambda one: one.host))
    if verb.failed_only:
        hosts = tuple(one for one in hosts if one.outcome not in FINE or not one.in_step)
    target = _target(services, deployment, verb)
    return Question(
        verb=verb,
        deployment=deployment,
        refusal=_refusal(deployment, verb, hosts, target),
        hosts=hosts,
        target=target,
        typed=typed_word(deployment, verb),
    )


def typed_word(deployment: api_v2.Deployment, verb: Verb) -> str:
    """Return what has to be typed for it; empty for nothing."""
    return word_to_type(
        verb.type,
        deployment_id=deployment.id,
        importance=deployment.importance,
        environment_name=deployment.prediction_environment.name,
    )


def offered(services: Services, deployment: api_v2.Deployment, principal: Principal) -> tuple[Verb, ...]:
    """Return what somebody can ask of a deployment in its state."""
    return tuple(
        verb
        for verb in _VERBS
        if may(principal, verb)
        and not _wrong_state(deployment.state, verb)
        and not (verb.name == "rollback" and services.deployments.find_rollback_target(deployment.id) is None)
        and not (verb.failed_only and not question(services, deployment, verb).hosts)
    )


def may(principal: Principal, verb: Verb) -> bool:
    """Tell whether somebody's role allows it."""
    return principal.role is not None and principal.role.covers(ROLE_OF_ACTION[verb.type])


def require(principal: Principal, verb: Verb) -> None:
    """Refuse somebody whose role does not allow it; ForbiddenError."""
    if not may(principal, verb):
        needed = ROLE_OF_ACTION[verb.type]
        raise errors.ForbiddenError(f"{verb.text} needs the role {needed}, and {principal.name} has {principal.role}")


def _target(services: Services, deployment: api_v2.Deployment, verb: Verb) -> ModelPackage | api_v2.PackageBrief | None:
    if verb.type is ActionType.DEPLOYMENT_ROLLBACK:
        return services.deployments.find_rollback_target(deployment.id)
    kept = (ActionType.DEPLOYMENT_LAUNCH, ActionType.DEPLOYMENT_RELAUNCH)
    return deployment.model_package if verb.type in kept else None


def _wrong_state(state: DeploymentState, verb: Verb) -> bool:
    return verb.type in ALLOWED_FROM and state not in ALLOWED_FROM[verb.type]


def _refusal(
    deployment: api_v2.Deployment,
    verb: Verb,
    hosts: tuple[DeploymentHost, ...],
    target: ModelPackage | api_v2.PackageBrief | None,
) -> str:
    if _wrong_state(deployment.state, verb):
        return f"It is {deployment.state.value.replace('_', ' ')} now, from where this is not possible."
    if verb.type is ActionType.DEPLOYMENT_ROLLBACK and target is None:
        return "No other release of it ever succeeded."
    if verb.failed_only and not hosts:
        return "No host is known to have failed."
    return ""
