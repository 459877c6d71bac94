"""What is confirmed by a typed word first, on a page as at the command line: ending or replacing what serves, where a slip would hurt.

A rollback is not among them, as it is the way out; nor is a relaunch, after which the same model serves.
"""

from __future__ import annotations

import re

from mgmt_ansible.domain.actions import ActionType

_ENDS_OR_REPLACES = frozenset({ActionType.DEPLOYMENT_STOP, ActionType.DEPLOYMENT_REPLACE_MODEL})
_IMPORTANCES = frozenset({"HIGH", "CRITICAL"})
_PRODUCTION = re.compile(r"\bprod(uction)?\b", re.IGNORECASE)


def is_important(*, importance: str, environment_name: str) -> bool:
    """Tell whether a slip would hurt: of high or critical importance, or `prod` or `production` is a word of the environment's name."""
    return importance in _IMPORTANCES or _PRODUCTION.search(environment_name.replace("_", " ")) is not None


def word_to_type(action_type: ActionType, *, deployment_id: str, importance: str, environment_name: str) -> str:
    """Return what has to be typed before an action is asked for, the deployment's id; empty for nothing."""
    asked = action_type in _ENDS_OR_REPLACES and is_important(importance=importance, environment_name=environment_name)
    return deployment_id if asked else ""
