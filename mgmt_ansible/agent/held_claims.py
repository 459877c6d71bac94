"""A claim in our hands: heartbeats while the work lasts, and the reason why it should end."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from types import TracebackType

import structlog

from mgmt_ansible import errors
from mgmt_ansible.agent.shutdowns import Shutdown
from mgmt_ansible.domain.actions import Claim
from mgmt_ansible.ports import CancelSignal, Clock, ControlPlane

_HALF_LIFE_HEARTBEATS = 1.5
"""A claim lives for three heartbeats (source: the control plane's `CLAIM_LIFE` and `HEARTBEAT_SECONDS`)."""

_SOONER = 5.0
"""A heartbeat that nobody answered is tried again in a fifth of the time: whoever returns shall find the claim alive."""

_log = structlog.get_logger()


class HeldClaim:
    """Keeps a claim alive from `with` to its end; also the cancel signal of the claim's runs."""

    def __init__(
        self,
        claim: Claim,
        control_plane: ControlPlane,
        shutdown: Shutdown,
        clock: Clock,
        *,
        returned: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the claim, fresh from the control plane; the first heartbeat is due after one interval.

        Args:
            claim: Ours.
            control_plane: Hears the heartbeats.
            shutdown: Says when to stop.
            clock: Its monotonic time tells how old the newest answer is.
            returned: Called when the control plane answers again after it did not.
        """
        self.claim = claim
        self._control_plane = control_plane
        self._shutdown = shutdown
        self._clock = clock
        self._returned = returned
        self._ended = threading.Event()
        self._reason: str | None = "canceled" if claim.cancel_requested else None
        self._fresh_at = clock.monotonic()
        self._away = False
        self._thread = threading.Thread(target=self._beat_on, name=f"heartbeat-{claim.spec.id[:8]}", daemon=True)

    def __enter__(self) -> HeldClaim:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def lost(self) -> bool:
        """Whether somebody else holds the action now."""
        return self._reason == "claim_lost"

    @property
    def shutdown_asked(self) -> bool:
        """Whether the agent should begin nothing more; running work still has its grace."""
        return self._shutdown.asked

    def reason(self) -> str | None:
        """Return None to go on, else `canceled`, `claim_lost` or `shutdown`."""
        return self._reason or ("shutdown" if self._shutdown.grace_is_over else None)

    def ensure(self, *, now: bool = False) -> None:
        """Make sure, before a phase, that the claim is still ours as far as one can know.

        A process that was frozen does not know that time went by: an answer older than half the claim's life is
        asked for again. With the control plane away the work goes on, as the hosts' fences decide.

        Args:
            now: Ask however new the last answer is.

        Raises:
            ClaimLostError: Somebody else holds the action.
        """
        age = self._clock.monotonic() - self._fresh_at
        if now or age > _HALF_LIFE_HEARTBEATS * self.claim.heartbeat_seconds:
            self._beat()
        if self.lost:
            raise errors.ClaimLostError(
                f"action {self.claim.spec.id}: attempt {self.claim.attempt} is not ours any more"
            )

    def release(self) -> None:
        """Give the claim back; when nobody hears it, it expires by itself."""
        self._ended.set()
        try:
            self._control_plane.release(self.claim.spec.id, self.claim.attempt)
        except errors.MgmtAnsibleError as exc:
            _log.warning("claim_not_released", action_id=self.claim.spec.id, code=exc.code, error=str(exc))
        else:
            _log.info("claim_released", action_id=self.claim.spec.id, attempt=self.claim.attempt)

    def _beat_on(self) -> None:
        seconds = self.claim.heartbeat_seconds
        while not self.lost and not self._ended.wait(seconds):
            self._beat()
            seconds = self.claim.heartbeat_seconds
            if self._away:
                seconds *= random.uniform(0.5, 1.0) / _SOONER  # noqa: S311 - jitter, not a secret

    def _beat(self) -> None:
        asked_at = self._clock.monotonic()
        try:
            answer = self._control_plane.heartbeat(self.claim.spec.id, self.claim.attempt)
        except (errors.ClaimLostError, errors.NotFoundError) as exc:
            self._lose(exc)
        except errors.MgmtAnsibleError as exc:
            self._away = True
            _log.warning("heartbeat_failed", action_id=self.claim.spec.id, code=exc.code, error=str(exc))
        else:
            self._fresh_at = asked_at
            self._take(cancel_requested=answer.cancel_requested)

    def _lose(self, exc: errors.MgmtAnsibleError) -> None:
        if not (self.lost or self._ended.is_set()):
            _log.warning("claim_lost", action_id=self.claim.spec.id, attempt=self.claim.attempt, error=str(exc))
        self._reason = "claim_lost"

    def _take(self, *, cancel_requested: bool) -> None:
        if self._away:
            self._away = False
            self._returned()
        if cancel_requested and self._reason is None:
            self._reason = "canceled"
            _log.info("cancel_requested", action_id=self.claim.spec.id)


class LookSignal:
    """The cancel signal of looks: a canceled action is still asked what it came to."""

    def __init__(self, held: HeldClaim) -> None:
        """Take the claim."""
        self._held = held

    def reason(self) -> str | None:
        """Return None to go on, else `claim_lost` or `shutdown`."""
        reason = self._held.reason()
        return None if reason == "canceled" else reason


_conforms: tuple[type[CancelSignal], ...] = (HeldClaim, LookSignal)
