"""`/api/v2`: how long a deployment's responses took, and how many failed."""

from __future__ import annotations

from datetime import datetime

from mgmt_ansible.domain.responses import Responses, ResponseSource
from mgmt_ansible.wire.basics import WireModel


class ResponseTimes(WireModel):
    """The responses of one hour that begins at `begin` (UTC); an hour in which nothing was measured is in no list.

    `timed` tells of how many it is known how long they took; the three times are of those, and null when it is 0.
    """

    source: ResponseSource
    begin: datetime
    asked: int
    failed: int
    user_errors: int
    timed: int
    average_milliseconds: float | None
    fastest_milliseconds: float | None
    slowest_milliseconds: float | None

    @property
    def responses(self) -> Responses:
        """The same as a value that can be added."""
        return Responses(
            asked=self.asked,
            failed=self.failed,
            user_errors=self.user_errors,
            timed=self.timed,
            milliseconds=(self.average_milliseconds or 0.0) * self.timed,
            fastest=self.fastest_milliseconds,
            slowest=self.slowest_milliseconds,
        )
