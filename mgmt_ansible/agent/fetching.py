"""The package of an action: fetched until it is there, the action's time is over, or the claim should end."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from mgmt_ansible import errors
from mgmt_ansible.agent.held_claims import HeldClaim
from mgmt_ansible.domain.actions import NEEDS_PACKAGE
from mgmt_ansible.domain.model_packages import ModelPackage
from mgmt_ansible.domain.redaction import redact
from mgmt_ansible.ports import CancelSignal, Clock, PackageCache

_BACK_OFF_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
_LOOK_SECONDS = 1.0
_MESSAGE_LIMIT = 1_000


class FetchTimeoutError(Exception):
    """The action's time was over before its package was there."""


class FetchSignal:
    """The cancel signal of a fetch: also ends it at the action's deadline, and at once when the agent shall stop."""

    def __init__(self, held: HeldClaim, clock: Clock, *, deadline: float) -> None:
        """Take the claim and the monotonic second at which its time is over."""
        self._held = held
        self._clock = clock
        self._deadline = deadline

    def reason(self) -> str | None:
        """Return None to go on, else `canceled`, `claim_lost`, `shutdown` or `timeout`."""
        reason = self._held.reason()
        if reason is not None:
            return reason
        if self._held.shutdown_asked:
            return "shutdown"
        return "timeout" if self._clock.monotonic() >= self._deadline else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Fetches what actions need.

    Attributes:
        cache: Has the packages.
        clock: Tells when the action's time is over.
    """

    cache: PackageCache
    clock: Clock

    def fetch(self, held: HeldClaim, *, deadline: float) -> bool:
        """Fetch the action's package, trying again while the control plane is away.

        Args:
            held: The claim.
            deadline: Monotonic seconds, at which the action's time is over.

        Returns:
            Whether the action has what it needs; False when the claim, or the agent, should end first.

        Raises:
            ArchiveError: What came is not what the digests say.
            FetchTimeoutError: The action's time is over.
        """
        spec = held.claim.spec
        package = spec.deployment.package if spec.deployment is not None else None
        if package is None or spec.work not in NEEDS_PACKAGE:
            return True
        return self._fetched(package, FetchSignal(held, self.clock, deadline=deadline))

    def _fetched(self, package: ModelPackage, signal: CancelSignal) -> bool:
        said = "its octets came too slowly"
        for attempt in count():
            try:
                if self.cache.fetch(package, signal) is not None:
                    return True
            except errors.ControlPlaneUnavailableError as exc:
                said = redact(str(exc), limit=_MESSAGE_LIMIT)
                self._pause(signal, _BACK_OFF_SECONDS[min(attempt, len(_BACK_OFF_SECONDS) - 1)])
            reason = signal.reason()
            if reason == "timeout":
                raise FetchTimeoutError(f"the model package could not be fetched in the action's time: {said}")
            if reason is not None:
                return False
        return False

    def _pause(self, signal: CancelSignal, seconds: float) -> None:
        until = self.clock.monotonic() + seconds
        while signal.reason() is None and (left := until - self.clock.monotonic()) > 0:
            self.clock.sleep(min(_LOOK_SECONDS, left))
