"""Options of notifying, as the composition root gives them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.control_plane.notifying.apprise_channels import MAIL, SCHEMES, checked_url
from mgmt_ansible.control_plane.notifying.delivering import Patience
from mgmt_ansible.control_plane.notifying.sending import Outside
from mgmt_ansible.settings.control_plane import ControlPlaneSettings

OUTSIDE = Outside(timeout_seconds=5.0, networks=(), schemes=SCHEMES)
PATIENCE = Patience(tries=100, retry_seconds=30.0, longest_wait_seconds=300.0, places=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyingOptions:
    """How notifications are made.

    Attributes:
        key_file: Opens channels' secrets; made when the first channel is.
        log_days: How long ended deliveries stay in the log.
        poll_seconds: How often the feed, and what is due, are looked at.
    """

    key_file: Path = Path("notifications.key")
    outside: Outside = field(default=OUTSIDE)
    patience: Patience = field(default=PATIENCE)
    log_days: int = 90
    poll_seconds: float = 1.0


def notifying_options(settings: ControlPlaneSettings) -> NotifyingOptions:
    """Return how notifications are made by the settings; ConfigError for what they cannot know themselves."""
    given = settings.notifications
    unknown = sorted(set(given.schemes) - set(SCHEMES))
    if unknown:
        raise errors.ConfigError(f"notifications/schemes: {unknown[0]} is none of {', '.join(SCHEMES)}")
    mail_url = given.mail_url.get_secret_value()
    if mail_url:
        try:
            checked_url(mail_url, MAIL)
        except errors.InvalidRequestError as exc:
            raise errors.ConfigError(f"notifications/mail_url: {str(exc).removeprefix('appriseUrl: ')}") from exc
    outside = Outside(
        timeout_seconds=given.timeout_seconds,
        networks=tuple(str(network) for network in given.allowed_networks),
        schemes=given.schemes or SCHEMES,
        public_url=given.public_url.rstrip("/"),
        mail_url=mail_url,
    )
    patience = Patience(
        tries=given.tries,
        retry_seconds=given.retry_seconds,
        longest_wait_seconds=given.longest_wait_seconds,
        places=given.places,
    )
    key_file = settings.notifications_key_file
    return NotifyingOptions(key_file=key_file, outside=outside, patience=patience, log_days=given.log_days)
