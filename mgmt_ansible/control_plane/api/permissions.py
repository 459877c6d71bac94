"""Permissions: every route with the least role that may use it. What is not in here is answered 404.

`_TABLE` is the one place: a new route gets its line there, under its role, in the order of the alphabet. A route that
takes several types of action stands under the least role of them; its handler calls `permitting.require` for the type that came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mgmt_ansible.domain.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Who may use a route.

    Attributes:
        role: Least role of a person; None when no person may.
        agents: Whether agents may.
        everybody: Whether it is open to whoever asks, without a token.
        route: Method and template of the path.
    """

    role: Role | None = None
    agents: bool = False
    everybody: bool = False
    route: str = ""


_EVERYBODY = (
    "POST /api/v2/webhooks/generic/{webhook_id}/",
    "POST /api/v2/webhooks/mlflow/{webhook_id}/",
    "GET /healthz",
    "POST /install/agent",
    "GET /install/constraints.txt",
    "GET /install/wheels/{name}",
    "GET /login",
    "POST /login",
    "GET /static/{digest}/{name:path}",
    "HEAD /static/{digest}/{name:path}",
)

_AGENTS_ONLY = (
    "POST /agent/v1/actions/{action_id}/heartbeat",
    "POST /agent/v1/actions/{action_id}/release",
    "POST /agent/v1/claims",
    "POST /agent/v1/hello",
    "GET /agent/v1/packages/{package_id}/archive",
    "POST /agent/v1/reports",
)

_AGENTS_TOO = frozenset(
    {
        "GET /api/v2/modelPackages/{package_id}/modelPackageFile/",
        "GET /api/v2/version/",
    }
)

_TABLE: Mapping[Role, tuple[str, ...]] = {
    Role.VIEWER: (
        "GET /",
        "GET /api/v2/actions/",
        "GET /api/v2/actions/{action_id}/",
        "GET /api/v2/actions/{action_id}/spec/",
        "GET /api/v2/agents/",
        "GET /api/v2/deploymentEvents/",
        "GET /api/v2/deploymentEvents/export/",
        "GET /api/v2/deploymentEvents/stream/",
        "GET /api/v2/deploymentHosts/",
        "GET /api/v2/deploymentHistory/",
        "GET /api/v2/deploymentHistory/differences/",
        "GET /api/v2/deployments/",
        "GET /api/v2/deployments/{deployment_id}/",
        "GET /api/v2/deployments/{deployment_id}/capabilities/",
        "GET /api/v2/deployments/{deployment_id}/events/",
        "GET /api/v2/deployments/{deployment_id}/healthSettings/",
        "POST /api/v2/deployments/{deployment_id}/model/validation/",
        "GET /api/v2/deployments/{deployment_id}/modelPackageFile/",
        "POST /api/v2/deployments/{deployment_id}/modelPackageFileBuilds/",
        "GET /api/v2/deployments/{deployment_id}/monitors/",
        "GET /api/v2/deployments/{deployment_id}/predictionUsage/",
        "GET /api/v2/deployments/{deployment_id}/responseTimes/",
        "GET /api/v2/deployments/{deployment_id}/scoringCode/",
        "POST /api/v2/deployments/{deployment_id}/scoringCodeBuilds/",
        "GET /api/v2/deployments/{deployment_id}/settings/",
        "GET /api/v2/deployments/{deployment_id}/sharedRoles/",
        "GET /api/v2/deployments/{deployment_id}/tags/",
        "GET /api/v2/deployments/{deployment_id}/tags/{tag_id}/",
        "GET /api/v2/entityNotificationChannels/",
        "GET /api/v2/entityNotificationChannels/{related_entity_type}/{related_entity_id}/",
        "GET /api/v2/entityNotificationChannels/{related_entity_type}/{related_entity_id}/{channel_id}/",
        "GET /api/v2/entityNotificationPolicies/",
        "GET /api/v2/entityNotificationPolicies/{related_entity_type}/{related_entity_id}/",
        "GET /api/v2/entityNotificationPolicies/{related_entity_type}/{related_entity_id}/{policy_id}/",
        "GET /api/v2/exports/deployments/",
        "GET /api/v2/exports/runs/",
        "GET /api/v2/keyValues/",
        "GET /api/v2/keyValues/{key_value_id}/",
        "GET /api/v2/legalHolds/",
        "POST /api/v2/loginLinks/",
        "GET /api/v2/modelPackages/",
        "GET /api/v2/modelPackages/{package_id}/",
        "GET /api/v2/modelPackages/{package_id}/modelPackageFile/",
        "POST /api/v2/modelPackages/{package_id}/modelPackageFileBuilds/",
        "GET /api/v2/modelPackages/{package_id}/scoringCode/",
        "POST /api/v2/modelPackages/{package_id}/scoringCodeBuilds/",
        "GET /api/v2/notificationLogs/",
        "GET /api/v2/notificationLogs/{notification_id}/",
        "GET /api/v2/notificationPolicyMutes/",
        "GET /api/v2/predictionEnvironments/",
        "GET /api/v2/predictionEnvironments/{environment_id}/",
        "GET /api/v2/predictionEnvironments/{environment_id}/hostChecks/",
        "GET /api/v2/predictionEnvironments/{environment_id}/orphans/",
        "GET /api/v2/predictionEnvironments/{environment_id}/hosts/",
        "GET /api/v2/predictionEnvironments/{environment_id}/tags/",
        "GET /api/v2/predictionEnvironments/{environment_id}/tags/{tag_id}/",
        "GET /api/v2/registeredModels/",
        "GET /api/v2/registeredModels/{model_id}/",
        "GET /api/v2/registeredModels/{model_id}/aliases/",
        "GET /api/v2/registeredModels/{model_id}/aliases/{alias}/",
        "GET /api/v2/registeredModels/{model_id}/deployments/",
        "GET /api/v2/registeredModels/{model_id}/versions/",
        "GET /api/v2/registeredModels/{model_id}/versions/{package_id}/",
        "GET /api/v2/registeredModels/{model_id}/versions/{package_id}/deployments/",
        "GET /api/v2/retention/preview/",
        "GET /api/v2/retentionPolicies/",
        "GET /api/v2/runs/",
        "GET /api/v2/runs/{run_id}/",
        "GET /api/v2/runs/{run_id}/log/",
        "GET /api/v2/runs/{run_id}/log/stream/",
        "GET /api/v2/savedViews/",
        "POST /api/v2/savedViews/",
        "DELETE /api/v2/savedViews/{view_id}/",
        "GET /api/v2/status/{action_id}/",
        "GET /api/v2/version/",
        "GET /deployments/{deployment_id}",
        "GET /deployments/{deployment_id}/actions/{action_id}",
        "GET /deployments/{deployment_id}/events",
        "GET /deployments/{deployment_id}/history",
        "GET /deployments/{deployment_id}/live",
        "GET /environments",
        "GET /environments/{environment_id}",
        "GET /environments/{environment_id}/live",
        "GET /events",
        "GET /events/{entry_id}",
        "GET /live",
        "POST /logout",
        "GET /matrix",
        "GET /metrics",
        "GET /notifications",
        "GET /notifications/log/{notification_id}",
        "GET /openapi.json",
        "HEAD /openapi.json",
        "GET /packages",
        "GET /packages/{package_id}",
        "GET /runs",
        "GET /runs/{run_id}",
        "GET /runs/{run_id}/live",
        "GET /runs/{run_id}/log.txt",
        "GET /runs/{run_id}/log/find",
        "GET /runs/{run_id}/log/live",
        "GET /runs/{run_id}/run.json",
        "POST /views",
        "POST /views/{view_id}/forget",
    ),
    Role.OPERATOR: (
        "POST /api/v2/actions/{action_id}/cancel/",
        "POST /api/v2/deployments/{deployment_id}/actions/",
        "POST /api/v2/deployments/{deployment_id}/actuals/fromJSON/",
        "DELETE /api/v2/deployments/{deployment_id}/monitors/{monitor:path}/",
        "POST /api/v2/deployments/{deployment_id}/predictionInputs/fromJSON/",
        "POST /api/v2/deployments/{deployment_id}/predictionRequests/fromJSON/",
        "POST /api/v2/deployments/{deployment_id}/predictionStats/fromJSON/",
        "POST /api/v2/entityNotificationChannels/{related_entity_type}/{related_entity_id}/{channel_id}/test/",
        "POST /api/v2/notificationLogs/{notification_id}/resend/",
        "POST /api/v2/notificationPolicyMutes/",
        "DELETE /api/v2/notificationPolicyMutes/{mute_id}/",
        "POST /api/v2/predictionEnvironments/{environment_id}/actions/",
        "POST /api/v2/remoteEvents/",
        "GET /bulk",
        "POST /bulk",
        "GET /deployments/{deployment_id}/ask/{verb_name}",
        "POST /deployments/{deployment_id}/ask/{verb_name}",
        "POST /environments/{environment_id}/status",
        "POST /notifications/channels/{channel_id}/test",
        "POST /notifications/log/{notification_id}/resend",
        "POST /notifications/mutes",
        "POST /notifications/mutes/{mute_id}/delete",
    ),
    Role.DEPLOYER: (
        "POST /api/v2/deployments/fromModelPackage/",
        "PATCH /api/v2/deployments/{deployment_id}/",
        "DELETE /api/v2/deployments/{deployment_id}/",
        "PATCH /api/v2/deployments/{deployment_id}/healthSettings/",
        "PATCH /api/v2/deployments/{deployment_id}/model/",
        "PATCH /api/v2/deployments/{deployment_id}/settings/",
        "PATCH /api/v2/deployments/{deployment_id}/status/",
        "POST /api/v2/deployments/{deployment_id}/tags/",
        "PATCH /api/v2/deployments/{deployment_id}/tags/{tag_id}/",
        "DELETE /api/v2/deployments/{deployment_id}/tags/{tag_id}/",
        "POST /api/v2/entityNotificationPolicies/",
        "PUT /api/v2/entityNotificationPolicies/{related_entity_type}/{related_entity_id}/{policy_id}/",
        "DELETE /api/v2/entityNotificationPolicies/{related_entity_type}/{related_entity_id}/{policy_id}/",
        "POST /api/v2/keyValues/",
        "PATCH /api/v2/keyValues/{key_value_id}/",
        "DELETE /api/v2/keyValues/{key_value_id}/",
        "POST /api/v2/modelPackages/",
        "POST /api/v2/modelPackages/fromJSON/",
        "DELETE /api/v2/modelPackages/{package_id}/",
        "POST /api/v2/modelPackages/{package_id}/archive/",
        "PATCH /api/v2/registeredModels/{model_id}/",
        "DELETE /api/v2/registeredModels/{model_id}/",
        "PUT /api/v2/registeredModels/{model_id}/aliases/{alias}/",
        "DELETE /api/v2/registeredModels/{model_id}/aliases/{alias}/",
        "GET /deployments/{deployment_id}/owner",
        "POST /deployments/{deployment_id}/owner",
        "POST /notifications/policies",
        "POST /notifications/policies/{policy_id}/active",
        "GET /packages/new",
        "GET /packages/{package_id}/delete",
        "POST /packages/{package_id}/delete",
    ),
    Role.ADMIN: (
        "GET /access",
        "POST /access/tokens",
        "POST /access/tokens/{token_id}/revoke",
        "POST /access/users",
        "POST /access/users/{user_id}",
        "GET /api/v2/accessTokens/",
        "POST /api/v2/accessTokens/",
        "DELETE /api/v2/accessTokens/{token_id}/",
        "GET /api/v2/auditEntries/",
        "GET /api/v2/auditEntries/export/",
        "GET /api/v2/auditEntries/verification/",
        "GET /audit",
        "POST /api/v2/entityNotificationChannels/",
        "PUT /api/v2/entityNotificationChannels/{related_entity_type}/{related_entity_id}/{channel_id}/",
        "DELETE /api/v2/entityNotificationChannels/{related_entity_type}/{related_entity_id}/{channel_id}/",
        "POST /api/v2/legalHolds/",
        "DELETE /api/v2/legalHolds/{hold_id}/",
        "POST /api/v2/predictionEnvironments/",
        "PATCH /api/v2/predictionEnvironments/{environment_id}/",
        "DELETE /api/v2/predictionEnvironments/{environment_id}/",
        "POST /api/v2/predictionEnvironments/{environment_id}/agentInvitations/",
        "POST /api/v2/predictionEnvironments/{environment_id}/tags/",
        "PATCH /api/v2/predictionEnvironments/{environment_id}/tags/{tag_id}/",
        "DELETE /api/v2/predictionEnvironments/{environment_id}/tags/{tag_id}/",
        "POST /api/v2/retention/prune/",
        "POST /api/v2/retentionPolicies/",
        "PATCH /api/v2/retentionPolicies/{policy_id}/",
        "DELETE /api/v2/retentionPolicies/{policy_id}/",
        "GET /api/v2/users/",
        "POST /api/v2/users/",
        "GET /api/v2/users/{user_id}/",
        "PATCH /api/v2/users/{user_id}/",
        "GET /api/v2/webhooks/",
        "POST /api/v2/webhooks/",
        "DELETE /api/v2/webhooks/{webhook_id}/",
        "GET /environments/new",
        "POST /environments/new",
        "GET /environments/{environment_id}/agent",
        "POST /environments/{environment_id}/agent",
        "GET /environments/{environment_id}/edit",
        "POST /environments/{environment_id}/edit",
        "POST /notifications/channels",
    ),
}


def _permissions() -> Iterator[tuple[tuple[str, str], Permission]]:
    for line in _EVERYBODY:
        yield _key(line), Permission(everybody=True, route=line)
    for line in _AGENTS_ONLY:
        yield _key(line), Permission(agents=True, route=line)
    for role, lines in _TABLE.items():
        for line in lines:
            yield _key(line), Permission(role=role, agents=line in _AGENTS_TOO, route=line)


def _key(line: str) -> tuple[str, str]:
    method, _, path = line.partition(" ")
    return method, path


PERMISSIONS: Mapping[tuple[str, str], Permission] = dict(_permissions())
"""(method, template of the path) -> who may."""
