"""The raw shape of ansible-runner's events; nothing of it goes further than this folder.

Source: ansible-runner 2.4, `display_callback/callback/awx_display.py`; measured with ansible-core 2.19.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from mgmt_ansible.domain.outcomes import RESULT_MODULE

PACKAGE_MODULE = "mgmt_package"
"""The other module of ours: only its failures are read."""


class EventData(TypedDict, total=False):
    """What is known of one event; keys depend on its kind."""

    host: str
    task: str
    task_action: str
    resolved_action: str
    ignore_errors: bool
    res: Mapping[str, object]
    failures: Mapping[str, int]
    dark: Mapping[str, int]


class RunnerEvent(TypedDict, total=False):
    """One event: `event` names its kind, `stdout` is what Ansible printed with it."""

    event: str
    created: str
    stdout: str
    event_data: EventData


_KEPT_KEYS = frozenset(EventData.__annotations__)
_TEXTS = frozenset({"host", "task", "task_action", "resolved_action"})
_MAPPINGS = frozenset({"res", "failures", "dark"})


def read_runner_event(raw: Mapping[str, object]) -> RunnerEvent:
    """Return an event with only the keys that parsing reads, each of its own type; whatever is malformed is left out."""
    data = raw.get("event_data")
    kept = EventData()
    if isinstance(data, Mapping):
        for key in _KEPT_KEYS & data.keys():
            _keep(kept, key, data[key])
    return RunnerEvent(
        event=_text(raw.get("event")),
        created=_text(raw.get("created")),
        stdout=_text(raw.get("stdout")),
        event_data=kept,
    )


def _keep(kept: EventData, key: str, value: object) -> None:
    fits = (
        (key in _TEXTS and isinstance(value, str))
        or (key in _MAPPINGS and isinstance(value, Mapping))
        or (key == "ignore_errors" and isinstance(value, bool))
    )
    if fits:
        kept[key] = value  # type: ignore[literal-required]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def module_of(data: EventData) -> str:
    """Return the short name of the task's module; empty when the event tells none."""
    name = data.get("resolved_action") or data.get("task_action") or ""
    return name.rpartition(".")[2]


def is_result(data: EventData) -> bool:
    """Tell whether the task's own result is the host's outcome."""
    return module_of(data) == RESULT_MODULE
