"""Words: the icon, the tone and the word for each closed set, so that colour never stands alone."""

from __future__ import annotations

from dataclasses import dataclass

from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.event_filters import ExportFormat
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import FINE, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """How a value is shown.

    Attributes:
        icon: A symbol of `static/icons.svg`.
        tone: `passing`, `warning`, `failing`, `unknown`, `info` or `busy`: a colour of the style sheet.
        text: For people.
    """

    icon: str
    tone: str
    text: str


HEALTH = {
    Health.PASSING: Word(icon="passing", tone="passing", text="Passing"),
    Health.WARNING: Word(icon="warning", tone="warning", text="At risk"),
    Health.FAILING: Word(icon="failing", tone="failing", text="Failing"),
    Health.UNKNOWN: Word(icon="unknown", tone="unknown", text="Unknown"),
    Health.INFO: Word(icon="info", tone="info", text="Informational"),
}
"""Source of words and colours: the vendor's public pages on health events."""

STATES = {
    DeploymentState.LAUNCHING: Word(icon="busy", tone="busy", text="Launching"),
    DeploymentState.READY: Word(icon="running", tone="passing", text="Ready"),
    DeploymentState.REPLACING_MODEL: Word(icon="busy", tone="busy", text="Replacing model"),
    DeploymentState.STOPPING: Word(icon="busy", tone="busy", text="Stopping"),
    DeploymentState.STOPPED: Word(icon="stopped", tone="info", text="Stopped"),
    DeploymentState.ERRORED: Word(icon="failing", tone="failing", text="Errored"),
    DeploymentState.UNKNOWN: Word(icon="unknown", tone="unknown", text="Unknown"),
}

ACTIONS = {
    ActionType.DEPLOYMENT_LAUNCH: "Launch",
    ActionType.DEPLOYMENT_REPLACE_MODEL: "Replace model",
    ActionType.DEPLOYMENT_STOP: "Stop",
    ActionType.DEPLOYMENT_RELAUNCH: "Relaunch",
    ActionType.DEPLOYMENT_ROLLBACK: "Rollback",
    ActionType.DEPLOYMENT_DRY_RUN: "Dry run",
    ActionType.DEPLOYMENT_STATUS: "Status check",
    ActionType.ENVIRONMENT_STATUS: "Status check of the environment",
}

ACTION_STATUSES = {
    ActionStatus.PENDING: Word(icon="busy", tone="busy", text="waiting for an agent"),
    ActionStatus.RUNNING: Word(icon="busy", tone="busy", text="running"),
    ActionStatus.SUCCEEDED: Word(icon="passing", tone="passing", text="succeeded"),
    ActionStatus.FAILED: Word(icon="failing", tone="failing", text="failed"),
    ActionStatus.CANCELED: Word(icon="stopped", tone="info", text="canceled"),
    ActionStatus.SUPERSEDED: Word(icon="info", tone="info", text="superseded by a newer action"),
    ActionStatus.UNKNOWN: Word(icon="unknown", tone="unknown", text="outcome unknown"),
}

FORMATS = {
    ExportFormat.CSV: "CSV, for spreadsheets",
    ExportFormat.JSONL: "JSON lines, for programs",
    ExportFormat.CLOUDEVENTS: "CloudEvents, for other systems",
    ExportFormat.XLSX: "Excel",
    ExportFormat.PARQUET: "Parquet, for notebooks",
}

_AT_RISK = frozenset({Outcome.ROLLED_BACK, Outcome.SUPERSEDED})
_NOT_KNOWN = frozenset({Outcome.UNKNOWN, Outcome.NOT_RUN, Outcome.SKIPPED})


def outcome_word(outcome: Outcome) -> Word:
    """Return how one host's outcome is shown; the text is the outcome's own word."""
    text = outcome.value.replace("_", " ")
    if outcome in FINE:
        return Word(icon="passing", tone="passing", text=text)
    if outcome in _AT_RISK:
        return Word(icon="warning", tone="warning", text=text)
    if outcome in _NOT_KNOWN:
        return Word(icon="unknown", tone="unknown", text=text)
    return Word(icon="failing", tone="failing", text=text)
