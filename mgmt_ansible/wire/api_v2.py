"""`/api/v2`: the vendor-compatible REST shapes (camelCase JSON), and our own additions in the same manner.

Their homes are the modules of this folder, a noun each; this is the door. Routes, fields and answers are listed in
docs/reference/http-api.md. Every model ignores unknown keys on input, as public clients send more than we use.
"""

from __future__ import annotations

from mgmt_ansible.wire.access import AccessToken, AccessTokenIn, LoginLink, Password, User, UserIn, UserPatch
from mgmt_ansible.wire.actions import Action, ActionAccepted, ActionBrief, ActionIn, Agent
from mgmt_ansible.wire.basics import LABEL_PATTERN, HealthStatus, Page, Problem, Version, WireModel
from mgmt_ansible.wire.deployments import (
    DEPLOYMENT_ID_PATTERN,
    VENDOR_STATUS,
    Deployment,
    DeploymentIn,
    DeploymentPatch,
    DeploymentStatusIn,
    Endpoint,
    ModelReplacement,
)
from mgmt_ansible.wire.enrollments import AgentEnrollment, AgentEnrollmentIn, AgentInvitation, AgentInvitationIn
from mgmt_ansible.wire.environments import (
    EnvironmentBrief,
    EnvironmentHealth,
    EnvironmentHost,
    ImportMeta,
    ManagedBy,
    ManagementMeta,
    ModelFormat,
    Platform,
    PredictionEnvironment,
    PredictionEnvironmentIn,
    PredictionEnvironmentPatch,
)
from mgmt_ansible.wire.feed import DeploymentEvent, EventPage, FeedGap
from mgmt_ansible.wire.host_checks import HostCheck
from mgmt_ansible.wire.packages import (
    BuildAccepted,
    ModelAlias,
    ModelAliasIn,
    ModelDescription,
    ModelKind,
    ModelPackage,
    ModelPackageIn,
    ModelTarget,
    PackageBrief,
    RegisteredModel,
    RegisteredModelPatch,
    TargetType,
)
from mgmt_ansible.wire.runs import Run, RunLog, RunLogLine

__all__ = [
    "DEPLOYMENT_ID_PATTERN",
    "LABEL_PATTERN",
    "VENDOR_STATUS",
    "AccessToken",
    "AccessTokenIn",
    "Action",
    "ActionAccepted",
    "ActionBrief",
    "ActionIn",
    "Agent",
    "AgentEnrollment",
    "AgentEnrollmentIn",
    "AgentInvitation",
    "AgentInvitationIn",
    "BuildAccepted",
    "Deployment",
    "DeploymentEvent",
    "DeploymentIn",
    "DeploymentPatch",
    "DeploymentStatusIn",
    "Endpoint",
    "EnvironmentBrief",
    "EnvironmentHealth",
    "EnvironmentHost",
    "EventPage",
    "FeedGap",
    "HealthStatus",
    "HostCheck",
    "ImportMeta",
    "LoginLink",
    "ManagedBy",
    "ManagementMeta",
    "ModelAlias",
    "ModelAliasIn",
    "ModelDescription",
    "ModelFormat",
    "ModelKind",
    "ModelPackage",
    "ModelPackageIn",
    "ModelReplacement",
    "ModelTarget",
    "PackageBrief",
    "Page",
    "Password",
    "Platform",
    "PredictionEnvironment",
    "PredictionEnvironmentIn",
    "PredictionEnvironmentPatch",
    "Problem",
    "RegisteredModel",
    "RegisteredModelPatch",
    "Run",
    "RunLog",
    "RunLogLine",
    "TargetType",
    "User",
    "UserIn",
    "UserPatch",
    "Version",
    "WireModel",
]
