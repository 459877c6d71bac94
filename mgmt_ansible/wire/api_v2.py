"""`/api/v2`: the vendor-compatible REST shapes (camelCase JSON), and our own additions in the same manner.

Their homes are the modules of this folder, a noun each; this is the door. Routes, fields and answers are listed in
docs/reference/http-api.md. Every model ignores unknown keys on input, as public clients send more than we use.
"""

from __future__ import annotations

from mgmt_ansible.wire.access import AccessToken, AccessTokenIn, LoginLink
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
from mgmt_ansible.wire.environments import (
    EnvironmentBrief,
    EnvironmentHost,
    PredictionEnvironment,
    PredictionEnvironmentIn,
    PredictionEnvironmentPatch,
)
from mgmt_ansible.wire.feed import DeploymentEvent, EventPage
from mgmt_ansible.wire.packages import ModelPackage, PackageBrief
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
    "Deployment",
    "DeploymentEvent",
    "DeploymentIn",
    "DeploymentPatch",
    "DeploymentStatusIn",
    "Endpoint",
    "EnvironmentBrief",
    "EnvironmentHost",
    "EventPage",
    "HealthStatus",
    "LoginLink",
    "ModelPackage",
    "ModelReplacement",
    "PackageBrief",
    "Page",
    "PredictionEnvironment",
    "PredictionEnvironmentIn",
    "PredictionEnvironmentPatch",
    "Problem",
    "Run",
    "RunLog",
    "RunLogLine",
    "Version",
    "WireModel",
]
