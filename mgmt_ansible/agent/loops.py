"""The agent's loop: say hello, then claim and perform with several workers until asked to stop."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass

import structlog

from mgmt_ansible import errors
from mgmt_ansible.agent.held_claims import HeldClaim
from mgmt_ansible.agent.performing import Performer
from mgmt_ansible.agent.reporting import Reporter
from mgmt_ansible.agent.shutdowns import Ongoing, Shutdown
from mgmt_ansible.agent.snapshots import Snapshots
from mgmt_ansible.domain.actions import Claim
from mgmt_ansible.domain.reports import AgentHello
from mgmt_ansible.ports import Clock, ControlPlane

CLAIM_WAIT_SECONDS = 25.0
"""How long one question for an action may wait at the control plane."""

_FIRST_BACK_OFF_SECONDS = 1.0
_LONGEST_BACK_OFF_SECONDS = 20.0
"""Reports that wait for the control plane's return are delivered as soon as a question is answered."""

_FIRST_REPORTS_SECONDS = 10.0
"""How long the agent waits, at its start and before each claim, until the control plane has what the spool holds."""

_NO_ROOM_SECONDS = 5.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """The loop and its threads.

    Attributes:
        hello: What the control plane is told at start; also names the environments to claim for.
        control_plane: Where actions come from.
        performer: Does them.
        reporter: Delivers what is known of them.
        snapshots: Tell about hosts.
        shutdown: Says when to stop.
        clock: Tells and spends time.
        workers: Actions at once.
    """

    hello: AgentHello
    control_plane: ControlPlane
    performer: Performer
    reporter: Reporter
    snapshots: Snapshots
    shutdown: Shutdown
    clock: Clock
    workers: int = 4

    def run(self) -> None:
        """Work until asked to stop and everything under way has ended; blocks.

        A worker that waits for an action at that moment is left behind: what it is still given is given back, or expires
        and is offered again.

        Raises:
            AccessError: The control plane does not know the token.
            ConfigError: The control plane's URL cannot be asked.
        """
        self.reporter.spool.flush(timeout_seconds=_FIRST_REPORTS_SECONDS)
        self._greet()
        ongoing = Ongoing()
        threads = [
            threading.Thread(target=self._work, args=(ongoing,), name=f"action-{number}", daemon=True)
            for number in range(self.workers)
        ]
        looking = threading.Thread(target=self.snapshots.run, args=(self.shutdown,), name="snapshots", daemon=True)
        for thread in (looking, *threads):
            thread.start()
        self.shutdown.wait()
        ongoing.wait_until_none()
        _log.info("agent_stopped", instance_id=self.hello.instance_id)

    def _greet(self) -> None:
        """Announce the agent, as long as it takes; only a token or settings that are not valid end it."""
        back_off = _FIRST_BACK_OFF_SECONDS
        while not self.shutdown.asked:
            try:
                self.control_plane.hello(self.hello)
            except (errors.AccessError, errors.ConfigError):
                raise
            except errors.MgmtAnsibleError as exc:
                _log.warning("control_plane_away", code=exc.code, error=str(exc), next_try_seconds=back_off)
                self.clock.sleep(back_off)
                back_off = min(back_off * 2, _LONGEST_BACK_OFF_SECONDS)
            else:
                self.reporter.spool.hurry()
                _log.info("agent_started", instance_id=self.hello.instance_id, environments=self.hello.environment_ids)
                return

    def _work(self, ongoing: Ongoing) -> None:
        back_off = _FIRST_BACK_OFF_SECONDS
        while not self.shutdown.asked:
            try:
                self._wait_for_room()
                self._deliver_first()
                claim = self.control_plane.claim(self.hello.environment_ids, wait_seconds=CLAIM_WAIT_SECONDS)
                if back_off > _FIRST_BACK_OFF_SECONDS:
                    self.reporter.spool.hurry()
                back_off = _FIRST_BACK_OFF_SECONDS
                if claim is not None:
                    self._handle(claim, ongoing)
            except errors.MgmtAnsibleError as exc:
                _log.warning("claim_failed", code=exc.code, error=str(exc), next_try_seconds=back_off)
                self.clock.sleep(back_off * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
                back_off = min(back_off * 2, _LONGEST_BACK_OFF_SECONDS)
            except Exception:  # noqa: BLE001 - the worker loop's own edge: it goes on
                _log.exception("worker_crashed")
                self.clock.sleep(back_off)

    def _wait_for_room(self) -> None:
        """Claim nothing while results could not be stored: what cannot be told had better not be done."""
        while not (self.reporter.ready or self.shutdown.asked):
            _log.error("no_room_for_results", hint="free the disk of data_dir", next_look_seconds=_NO_ROOM_SECONDS)
            self.clock.sleep(_NO_ROOM_SECONDS)

    def _deliver_first(self) -> None:
        """Tell what is known before asking for more: an action whose result waits here would be handed out again.

        Raises:
            ControlPlaneUnavailableError: It is still away.
        """
        if not self.reporter.spool.flush(timeout_seconds=_FIRST_REPORTS_SECONDS):
            self.control_plane.hello(self.hello)
            self.reporter.spool.flush(timeout_seconds=_FIRST_REPORTS_SECONDS)

    def _handle(self, claim: Claim, ongoing: Ongoing) -> None:
        with ongoing:
            held = HeldClaim(claim, self.control_plane, self.shutdown, self.clock, returned=self.reporter.spool.hurry)
            if self.shutdown.asked:
                held.release()
                return
            with held:
                self._perform(held)

    def _perform(self, held: HeldClaim) -> None:
        try:
            self.performer.perform(held)
        except Exception as exc:
            self.performer.report_crash(held, exc)
            raise
