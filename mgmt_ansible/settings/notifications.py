"""Settings of notifications, a section of the control plane's."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

_Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class NotificationSettings(BaseModel):
    """Whom notifications may reach, and how hard is tried.

    Attributes:
        allowed_networks: Open beside public addresses, such as `10.0.0.0/8` or `::1/128`.
        schemes: Of Apprise's URLs that channels may have; empty allows all that this version knows.
        timeout_seconds: For connecting, and between two octets of an answer; a whole try may take three times as long.
        tries: Of one delivery; then it has failed.
        retry_seconds: The wait after the first try; after the second it is twice as long, and so on.
        longest_wait_seconds: No wait is longer, but for what the other side asks for (an hour at most).
        places: How many channels send at the same time.
        log_days: How long deliveries that have ended stay in the log.
        public_url: Where people reach the pages, for links in messages.
        mail_url: Apprise's URL of the mail server for channels of type `Email`.
        key_file: Opens channels' secrets; None is `<data>/notifications.key`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed_networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    schemes: tuple[Annotated[str, Field(pattern=r"^[a-z0-9]+$")], ...] = ()
    timeout_seconds: _Seconds = 5.0
    tries: Annotated[int, Field(ge=1, le=10_000)] = 100
    retry_seconds: _Seconds = 30.0
    longest_wait_seconds: _Seconds = 300.0
    places: Annotated[int, Field(ge=2, le=64)] = 8
    log_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    public_url: Annotated[str, Field(pattern=r"^(https?://[^\s]+)?$")] = ""
    mail_url: SecretStr = SecretStr("")
    key_file: Path | None = None
