"""Words of runs: the icon, tone and word of each status, and what kind of line a line of a log is."""

from __future__ import annotations

from mgmt_ansible.control_plane.pages.words import ACTIONS, Word
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.outcomes import Outcome
from mgmt_ansible.domain.run_logs import tells_failure
from mgmt_ansible.domain.runs import RunStatus

RUN_STATUSES = {
    RunStatus.PENDING: Word(icon="busy", tone="busy", text="Waiting"),
    RunStatus.RUNNING: Word(icon="busy", tone="busy", text="Running"),
    RunStatus.SUCCESSFUL: Word(icon="passing", tone="passing", text="Successful"),
    RunStatus.FAILED: Word(icon="failing", tone="failing", text="Failed"),
    RunStatus.CANCELED: Word(icon="stopped", tone="info", text="Canceled"),
    RunStatus.TIMEOUT: Word(icon="failing", tone="failing", text="Timed out"),
}

_ORDER = (
    Outcome.DEGRADED,
    Outcome.FAILED,
    Outcome.UNREACHABLE,
    Outcome.ROLLED_BACK,
    Outcome.UNKNOWN,
    Outcome.SUPERSEDED,
    Outcome.NOT_RUN,
    Outcome.SKIPPED,
    Outcome.CHANGED,
    Outcome.OK,
)
"""What needs somebody first."""


def playbook_word(playbook: str) -> str:
    """Return what a playbook does, for people."""
    return ACTIONS[ActionType(playbook)] if playbook in set(ActionType) else playbook.replace("_", " ")


def in_order(outcomes: dict[str, int]) -> list[tuple[Outcome, int]]:
    """Return the numbers of hosts by outcome, what needs somebody first."""
    return [(outcome, outcomes[outcome]) for outcome in _ORDER if outcomes.get(outcome)]


def urgency(outcome: Outcome) -> int:
    """Return a number that is smaller the sooner somebody should look."""
    return _ORDER.index(outcome)


def line_tone(text: str) -> str:
    """Return the tone of a line of a log; empty for one without."""
    if tells_failure(text):
        return "failing"
    for start, tone in (("changed: [", "warning"), ("ok: [", "passing"), ("TASK [", "head"), ("PLAY ", "head")):
        if text.startswith(start):
            return tone
    return ""
