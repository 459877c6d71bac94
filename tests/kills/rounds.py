"""One round: arm, ask, wait until somebody stands at the step, kill, let a supervisor restart, wait for the end."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mgmt_ansible.domain.actions import FINAL
from mgmt_ansible.quickstart import processes
from tests.kills import process_tables
from tests.kills.agent import REPORTS
from tests.kills.barriers import AGENT as AGENT_PLACE
from tests.kills.barriers import HOST as HOST_PLACE
from tests.kills.barriers import Barrier
from tests.kills.plans import AGENT, LATE, PACKAGE_STEPS, SUPERSEDED, Round
from tests.kills.sites import wait_for
from tests.kills.standing import Standing, finished_hosts, require_unrecorded, standing

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from mgmt_ansible.wire.api_v2 import Action
    from tests.kills.deployments import Deployments
    from tests.kills.sites import KillSite

REACH_SECONDS = 300.0
END_SECONDS = 600.0
"""From the kill to the end of the action, at most, on a machine with much else to do; the last lines tell the longest."""
_LONGEST_MOMENT_SECONDS = 6.0


@dataclass(frozen=True)
class Ended:
    """How a round went.

    Attributes:
        deployment_id: Of the round.
        action: The one that counts, as the control plane shows it at the end.
        seconds: From the kill to its end.
        reached: Where it was, and that the effect was not written down.
        killed: Who was.
        before: Host -> how it stood at the kill, where everything was done by then.
    """

    deployment_id: str
    action: Action
    seconds: float
    reached: str
    killed: str
    before: Mapping[str, Standing]


class TooLateError(Exception):
    """The action had ended before the random moment came: nothing was killed, the round is to be played again."""


class Stage:
    """Plays rounds on a site."""

    def __init__(self, site: KillSite, deployments: Deployments, moments: random.Random) -> None:
        self._site = site
        self._deployments = deployments
        self._moments = moments
        self.longest_moment_seconds = _LONGEST_MOMENT_SECONDS

    def play(self, one: Round, deployment_id: str) -> Ended:
        """Play a round on a deployment to the end of its action; whatever happens, an agent runs afterwards.

        Raises:
            NotReachedError: Nobody came to the step.
            TooLateError: The random moment was after the end.
            QuickstartError: The action did not end in time.
        """
        barriers = self._arm(one, deployment_id)
        try:
            return self._play(one, deployment_id, barriers)
        finally:
            for barrier in barriers:
                barrier.release()
            self._only_agent()
            for barrier in barriers:
                barrier.clear()

    def _play(self, one: Round, deployment_id: str, barriers: list[Barrier]) -> Ended:
        package = self._site.salted("1", f"{time.monotonic_ns()}") if one.step in PACKAGE_STEPS else None
        action_id = self._deployments.ask(one.action, deployment_id, one.hosts, package=package)
        for step in _report_steps(one):
            barriers.append(Barrier.arm(self._site.barriers, AGENT_PLACE, step, action_id=action_id))
        reached, facts = self._wait_moment(barriers, deployment_id, action_id)
        hosts = finished_hosts(one.step, facts, self._deployments.wanted[deployment_id].hosts)
        before = {host: standing(self._site, host, deployment_id) for host in hosts}
        kill_at = time.monotonic()
        killed = self._kill(one, facts, action_id)
        action_id = self._go_on(one, deployment_id, barriers, action_id)
        action = self._wait_end(action_id)
        seconds = time.monotonic() - kill_at
        if one.variant in LATE:
            action = self._wait_end(self._deployments.ask(LATE[one.variant], deployment_id))
        for barrier in barriers:
            barrier.release()
        if facts.get("base_dir"):
            self._wait_gone(int(facts["pid"]))
        return Ended(deployment_id, action, seconds, reached, killed, before)

    def _arm(self, one: Round, deployment_id: str) -> list[Barrier]:
        folder = self._site.barriers
        if one.step == "random":
            return []
        if one.step == "heartbeat":
            held = Barrier.arm(folder, deployment_id, "step:gate")
            return [Barrier.arm(folder, AGENT_PLACE, one.step), held]
        if one.step in PACKAGE_STEPS:
            return [Barrier.arm(folder, HOST_PLACE, one.step)]
        if ":" in one.step or one.step == "begin":
            last = self._site.base_dir(f"h{one.hosts}")
            return [Barrier.arm(folder, deployment_id, one.step, base_dir=str(last))]
        return [] if one.step in REPORTS else [Barrier.arm(folder, AGENT_PLACE, one.step)]

    def _wait_moment(self, barriers: list[Barrier], deployment_id: str, action_id: str) -> tuple[str, dict[str, Any]]:
        if not barriers:
            seconds = self._moments.uniform(0, self.longest_moment_seconds)
            time.sleep(seconds)
            return f"random moment, {seconds:.2f} s after the request", {}
        facts = barriers[0].wait(REACH_SECONDS)
        if not facts.get("base_dir"):
            return f"reached by pid {facts['pid']}, {self._not_told(facts, action_id)}", facts
        folder = self._site.folder.root / facts["base_dir"] / "deployments" / deployment_id
        said = require_unrecorded(folder, barriers[0].name.removeprefix(f"{deployment_id}-"), facts)
        pair, host = f"{facts['generation']}/{facts['attempt']}", folder.parent.parent.name
        return f"reached by pid {facts['pid']}, pair {pair} on {host}, {said}", facts

    def _not_told(self, facts: dict[str, Any], action_id: str) -> str:
        """Tell that the control plane has no result yet, unless the step is the one after that.

        Raises:
            AssertionError: It has.
        """
        status = self._site.client.actions.get_action(action_id).status
        if status in FINAL and not facts.get("told"):
            raise AssertionError(f"the control plane has the result already: {status}")
        return f"the control plane says {status}"

    def _kill(self, one: Round, facts: dict[str, Any], action_id: str) -> str:
        pid = int(facts["pid"]) if facts and one.victim != AGENT else 0
        if one.victim != AGENT and not facts:
            pid = self._find_module(action_id)
        status = self._site.client.actions.get_action(action_id).status
        if not facts and status in FINAL:
            raise TooLateError(f"the action was {status} already")
        if one.victim == AGENT:
            return f"agent {self._site.agent.kill()} while {status}"
        os.kill(pid, signal.SIGKILL)
        return f"module {pid} while {status}"

    def _find_module(self, action_id: str) -> int:
        """Wait for a module and return its pid: under sshd, a Python without arguments, as pipelining starts it.

        Raises:
            TooLateError: The action ended before there was one.
        """
        while self._site.client.actions.get_action(action_id).status not in FINAL:
            table = process_tables.list_processes(self._site.folder.root)
            below = process_tables.descendants(self._site.host_pid, table)
            found = [entry for entry in table if entry.pid in below and entry.name.startswith("python")]
            if modules := [entry.pid for entry in found if len(entry.arguments) == 1]:
                return modules[-1]
            time.sleep(0.02)
        raise TooLateError("no module came before the action's end")

    def _go_on(self, one: Round, deployment_id: str, barriers: list[Barrier], action_id: str) -> str:
        """Let the world go on after the kill; returns the id of the action that counts."""
        if one.variant in SUPERSEDED:
            action_id = self._deployments.ask(SUPERSEDED[one.variant], deployment_id)
        if one.variant == "goes-on" or len(barriers) > 1:
            for barrier in barriers:
                barrier.release()
        if one.victim == AGENT:
            self._restart(one)
        return action_id

    def _restart(self, one: Round) -> None:
        site = self._site
        if one.variant == "second-agent":
            site.other.start()
        elif one.variant == "new-version":
            site.agent.release = site.other.release
            site.agent.start()
        else:
            site.agent.start()

    def _wait_end(self, action_id: str) -> Action:
        actions = self._site.client.actions
        wait_for(lambda: actions.get_action(action_id).status in FINAL, f"action {action_id}", seconds=END_SECONDS)
        return actions.get_action(action_id)

    def _wait_gone(self, pid: int) -> None:
        mark = processes.mark_process(pid)
        if mark is not None:
            processes.wait_gone(mark, seconds=END_SECONDS)

    def _only_agent(self) -> None:
        """Return to the first agent of the first release."""
        site = self._site
        if site.other.running:
            site.other.stop()
        if not site.agent.running or site.agent.release != site.first_release:
            site.agent.stop()
            site.agent.release = site.first_release
            site.agent.start()


def _report_steps(one: Round) -> tuple[str, ...]:
    """Return the steps to arm for a report; what is spooled must not be sent before the kill."""
    if one.step not in REPORTS:
        return ()
    return (one.step, "result-sending") if one.step == "result-spooled" else (one.step,)
