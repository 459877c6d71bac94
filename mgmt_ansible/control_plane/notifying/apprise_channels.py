"""Apprise: which of its services a channel may use, and what of its URLs.

Each scheme names its one module of Apprise, so that nothing else of it is ever loaded: no configuration files, attachments, custom
plugins, templates. Of the query only options that cannot name a file are let through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from mgmt_ansible import errors

MODULES: Mapping[str, tuple[str, str]] = {
    "betterstack": ("betterstack", "NotifyBetterStack"),
    "discord": ("discord", "NotifyDiscord"),
    "gchat": ("google_chat", "NotifyGoogleChat"),
    "goalert": ("goalert", "NotifyGoAlert"),
    "goalerts": ("goalert", "NotifyGoAlert"),
    "gotify": ("gotify", "NotifyGotify"),
    "gotifys": ("gotify", "NotifyGotify"),
    "ilert": ("ilert", "NotifyILert"),
    "incidentio": ("incidentio", "NotifyIncidentIO"),
    "json": ("custom_json", "NotifyJSON"),
    "jsons": ("custom_json", "NotifyJSON"),
    "mailto": ("email", "NotifyEmail"),
    "mailtos": ("email", "NotifyEmail"),
    "matrix": ("matrix", "NotifyMatrix"),
    "matrixs": ("matrix", "NotifyMatrix"),
    "mmost": ("mattermost", "NotifyMattermost"),
    "mmosts": ("mattermost", "NotifyMattermost"),
    "ntfy": ("ntfy", "NotifyNtfy"),
    "ntfys": ("ntfy", "NotifyNtfy"),
    "opsgenie": ("opsgenie", "NotifyOpsgenie"),
    "pagerduty": ("pagerduty", "NotifyPagerDuty"),
    "pagertree": ("pagertree", "NotifyPagerTree"),
    "pover": ("pushover", "NotifyPushover"),
    "rocket": ("rocketchat", "NotifyRocketChat"),
    "rockets": ("rocketchat", "NotifyRocketChat"),
    "signal": ("signal_api", "NotifySignalAPI"),
    "signals": ("signal_api", "NotifySignalAPI"),
    "slack": ("slack", "NotifySlack"),
    "splunk": ("splunk", "NotifySplunk"),
    "squadcast": ("squadcast", "NotifySquadcast"),
    "tgram": ("telegram", "NotifyTelegram"),
    "twilio": ("twilio", "NotifyTwilio"),
    "victorops": ("splunk", "NotifySplunk"),
    "webex": ("webexteams", "NotifyWebexTeams"),
    "workflows": ("workflows", "NotifyWorkflows"),
    "wxteams": ("webexteams", "NotifyWebexTeams"),
    "zulip": ("zulip", "NotifyZulip"),
}
"""Scheme -> module and class in `apprise.plugins`. Source: Apprise 2.2."""

MAIL = frozenset({"mailto", "mailtos"})
SCHEMES = tuple(MODULES)
_OPTIONS = frozenset(
    [
        "action",
        "apikey",
        "batch",
        "bcc",
        "bot",
        "botname",
        "cc",
        "channel",
        "channels",
        "class",
        "component",
        "details",
        "dir",
        "domain",
        "emojis",
        "entity",
        "from",
        "group",
        "mode",
        "name",
        "order",
        "overflow",
        "pass",
        "priority",
        "region",
        "reply",
        "replyto",
        "routing_key",
        "severity",
        "smtp",
        "sound",
        "source",
        "tags",
        "targets",
        "thread",
        "title",
        "to",
        "token",
        "topic",
        "topics",
        "user",
        "username",
        "verify",
        "via",
        "footer",
        "image",
        "avatar",
        "powerautomate",
        "signature",
        "workflow",
        "pa",
        "ver",
        "silent",
        "preview",
    ]
)
SHOWING_HOST = MAIL | {
    "gotify",
    "gotifys",
    "json",
    "jsons",
    "matrix",
    "matrixs",
    "mmost",
    "mmosts",
    "rocket",
    "rockets",
}
"""Schemes whose host is a host; with the others it is a secret already."""


def checked_url(url: str, schemes: Iterable[str]) -> str:
    """Return a URL as it may be given to Apprise.

    Args:
        url: What people entered.
        schemes: Those that the settings allow.

    Raises:
        InvalidRequestError: The message says what is wrong, never the URL.
    """
    allowed = sorted(set(schemes) & set(MODULES))
    if any(character.isspace() or not character.isprintable() or character in '\\<>"' for character in url):
        raise errors.InvalidRequestError("appriseUrl: holds a blank or another character that must be quoted (%20)")
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise errors.InvalidRequestError("appriseUrl: is no URL such as mailtos://user:password@example.org") from exc
    if parts.scheme not in allowed or not parts.netloc:
        raise errors.InvalidRequestError(f"appriseUrl: its scheme must be one of {', '.join(allowed)}")
    if parts.fragment:
        raise errors.InvalidRequestError("appriseUrl: must have no fragment (#)")
    refused = sorted({name for name in map(_name, _options(parts.query)) if name not in _OPTIONS})
    if refused:
        raise errors.InvalidRequestError(f"appriseUrl: the option {refused[0]!r} is not allowed here")
    return url


def with_options(url: str, options: Mapping[str, str]) -> str:
    """Return a URL with options of ours, which win."""
    parts = urlsplit(url)
    kept = [option for option in _options(parts.query) if _name(option) not in options]
    query = "&".join([*kept, urlencode(options, quote_via=quote)])
    return urlunsplit(parts._replace(query=query))


def masked_url(url: str, mask: str) -> str:
    """Return what of a URL anybody may see."""
    parts = urlsplit(url)
    host = f"{parts.hostname}/" if parts.scheme in SHOWING_HOST and parts.hostname else ""
    return f"{parts.scheme}://{host}{mask}"


def _options(query: str) -> list[str]:
    """Return the options as they are written: a `+` in them is one."""
    return [option for option in query.split("&") if option]


def _name(option: str) -> str:
    return unquote(option.partition("=")[0]).lower()
