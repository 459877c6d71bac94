"""The real agent, stopped at its named steps: `python -m tests.kills.agent BARRIERS VERSION ARGUMENTS...`.

Named functions are wrapped before the command line takes over; a name that is gone ends the start, so that no round can
pass because its step is never reached.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

import mgmt_ansible
from tests.kills.barriers import AGENT
from tests.kills.reaching import reach

Facts = Mapping[str, object]


def _none(arguments: tuple[Any, ...], answer: object) -> Facts | None:
    return {}


def _claimed(arguments: tuple[Any, ...], answer: object) -> Facts | None:
    return None if answer is None else {}


def _playbook(arguments: tuple[Any, ...], answer: object) -> Facts | None:
    return {"playbook": arguments[1].playbook}


def _kind(arguments: tuple[Any, ...], answer: object) -> Facts | None:
    return {"kind": arguments[1].kind}


def _has_result(arguments: tuple[Any, ...], answer: object) -> Facts | None:
    ids = [report.action_id for report in arguments[1] if report.kind == "result"]
    return {"action_id": ids[-1]} if ids else None


def _told(arguments: tuple[Any, ...], answer: object) -> Facts | None:
    facts = _has_result(arguments, answer)
    return None if facts is None else {**facts, "told": True}


def _deployment_event(arguments: tuple[Any, ...], answer: object) -> Facts | None:
    data = arguments[1].get("event_data") or {}
    ended = arguments[1].get("event") in ("runner_on_ok", "runner_on_failed")
    ours = ended and data.get("task_action", "").endswith("mgmt_deployment")
    return {"host": data["host"]} if ours else None


@dataclass(frozen=True)
class Step:
    """A named step of the agent.

    Attributes:
        name: What is armed.
        owner: `module:Class`, or a module.
        function: Its function.
        after: Stop when it has returned, not before it is called.
        facts: Facts of a call, or None when this call is not the step.
    """

    name: str
    owner: str
    function: str
    after: bool = False
    facts: Callable[[tuple[Any, ...], object], Facts | None] = _none


_PLANE = "mgmt_ansible.adapters.control_plane:HttpControlPlane"
_SPOOL = "mgmt_ansible.adapters.report_spools:SqliteReportSpool"
_PLUGIN = "mgmt_ansible.plugins.ansible:AnsiblePlugin"
_RECORDER = "mgmt_ansible.execution.recorders:EventRecorder"

STEPS = (
    Step("claimed", _PLANE, "claim", after=True, facts=_claimed),
    Step("plan", _PLUGIN, "plan"),
    Step("fetch", "mgmt_ansible.adapters.package_caches:FilePackageCache", "fetch"),
    Step("perform", _PLUGIN, "perform"),
    Step("execute", "mgmt_ansible.execution.runs:RunExecutor", "execute", facts=_playbook),
    Step("first-event", _RECORDER, "take"),
    Step("result-event", _RECORDER, "take", facts=_deployment_event),
    Step("parsed", "mgmt_ansible.execution.runs", "parse_run", after=True),
    Step("run-report", _SPOOL, "put", facts=lambda arguments, _: _of_kind(arguments, "run")),
    Step("result-report", _SPOOL, "put", facts=lambda arguments, _: _of_kind(arguments, "result")),
    Step("result-spooled", _SPOOL, "put", after=True, facts=lambda arguments, _: _of_kind(arguments, "result")),
    Step("result-sending", _PLANE, "send", facts=_has_result),
    Step("result-sent", _PLANE, "send", after=True, facts=_told),
    Step("heartbeat", _PLANE, "heartbeat"),
)
"""In the order of one action, but for the heartbeat."""

REPORTS = ("run-report", "result-report", "result-spooled", "result-sending", "result-sent")
"""Steps that know their action, so that what an earlier round left in the spool is not taken for this one's."""


def _of_kind(arguments: tuple[Any, ...], kind: str) -> Facts | None:
    return {"action_id": arguments[1].action_id} if arguments[1].kind == kind else None


def wrap(step: Step, barriers: str) -> None:
    """Put a barrier around a step's function.

    Raises:
        AttributeError: There is no such function any more.
    """
    module, _, name = step.owner.partition(":")
    owner = importlib.import_module(module)
    owner = getattr(owner, name) if name else owner
    plain = getattr(owner, step.function)

    @wraps(plain)
    def barred(*arguments: Any, **named: Any) -> Any:
        if not step.after:
            _stop(step, barriers, arguments, None)
        answer = plain(*arguments, **named)
        if step.after:
            _stop(step, barriers, arguments, answer)
        return answer

    setattr(owner, step.function, barred)


def _stop(step: Step, barriers: str, arguments: tuple[Any, ...], answer: object) -> None:
    facts = step.facts(arguments, answer)
    if facts is not None:
        reach(barriers, AGENT, step.name, dict(facts))


def main() -> None:
    """Wrap everything, then be the agent."""
    barriers, version, *arguments = sys.argv[1:]
    if version:
        mgmt_ansible.__version__ = version
    for step in STEPS:
        wrap(step, barriers)
    sys.argv = ["mgmt-ansible", *arguments]
    os.environ["KILLS_AGENT"] = barriers
    importlib.import_module("mgmt_ansible.cli").main()


if __name__ == "__main__":
    main()
