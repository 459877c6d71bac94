"""A claim in our hands: heartbeats while the work lasts, and the reason why it should end."""

from __future__ import annotations

import threading
from types import TracebackType

import structlog

from mgmt_ansible import errors
from mgmt_ansible.agent.shutdowns import Shutdown
from mgmt_ansible.domain.actions import Claim
from mgmt_ansible.ports import CancelSignal, ControlPlane

_log = structlog.get_logger()


class HeldClaim:
    """Keeps a claim alive from `with` to its end; also the cancel signal of the claim's runs."""

    def __init__(self, claim: Claim, control_plane: ControlPlane, shutdown: Shutdown) -> None:
        """Take the claim; the first heartbeat is due after one interval."""
        self.claim = claim
        self._control_plane = control_plane
        self._shutdown = shutdown
        self._ended = threading.Event()
        self._reason: str | None = None
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{claim.spec.id[:8]}", daemon=True)

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

    def _beat(self) -> None:
        while self._reason != "claim_lost" and not self._ended.wait(self.claim.heartbeat_seconds):
            try:
                answer = self._control_plane.heartbeat(self.claim.spec.id, self.claim.attempt)
            except (errors.ClaimLostError, errors.NotFoundError) as exc:
                self._reason = "claim_lost"
                _log.warning("claim_lost", action_id=self.claim.spec.id, attempt=self.claim.attempt, error=str(exc))
            except errors.MgmtAnsibleError as exc:
                _log.warning("heartbeat_failed", action_id=self.claim.spec.id, code=exc.code, error=str(exc))
            else:
                self._take(cancel_requested=answer.cancel_requested)

    def _take(self, *, cancel_requested: bool) -> None:
        if cancel_requested and self._reason is None:
            self._reason = "canceled"
            _log.info("cancel_requested", action_id=self.claim.spec.id)


_conforms: type[CancelSignal] = HeldClaim
