"""Notices: what a notification says. Whatever an entry of the feed holds is data: no markup, no mention, no header of it works."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.notifications import Verdict
from mgmt_ansible.domain.redaction import clean_text

SUBJECT_CHARACTERS = 200
MESSAGE_CHARACTERS = 3_000
_NAME_CHARACTERS = 120
_WIDTHLESS = "\u200b"
_HEALTH_WORDS = {
    Health.PASSING: "PASSING",
    Health.WARNING: "WARNING",
    Health.FAILING: "FAILING",
    Health.UNKNOWN: "UNKNOWN",
    Health.INFO: "INFO",
}
_ANGLES = {ord("<"): "\u2039", ord(">"): "\u203a"}
_MENTION = re.compile(r"@(?=\S)")
_LINK = re.compile(r"\](?=[(\[])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One entry of the feed as a message tells it.

    Attributes:
        id: Of the delivery; the same however often it is tried.
        verdict: `tell` or `recovered`.
        event_id: Of the entry; empty for a test.
        sequence: Of the entry; 0 for a test.
        timestamp: When it happened; aware.
        held: How many entries were held since the last message.
    """

    id: str
    verdict: Verdict
    event_id: str
    sequence: int
    event_type: str
    health: Health
    title: str
    message: str
    timestamp: datetime
    environment_id: str
    environment_name: str = ""
    deployment_id: str | None = None
    deployment_label: str = ""
    host: str | None = None
    actor: str = ""
    held: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A notice in words.

    Attributes:
        subject: One line.
        text: Lines of plain text; no line of an entry can pass for one of ours, as it is indented.
    """

    subject: str
    text: str


def compose(notice: Notice, *, public_url: str = "") -> Message:
    """Put a notice into words.

    Args:
        notice: What to tell.
        public_url: Where people reach the pages, without a slash at its end; empty writes no link.
    """
    word = "RECOVERED" if notice.verdict is Verdict.RECOVERED else _HEALTH_WORDS[notice.health]
    about = one_line(notice.deployment_label or notice.deployment_id or notice.environment_name, _NAME_CHARACTERS)
    subject = one_line(f"[{word}] {about + ': ' if about else ''}{notice.title}", SUBJECT_CHARACTERS)
    return Message(subject=subject, text="\n".join(_lines(notice, public_url)))


def one_line(text: str, limit: int) -> str:
    """Return text as one line: no line end can begin a header or another line."""
    line = " ".join(clean_text(text, limit=10 * limit).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def chat_safe(text: str) -> str:
    """Return text in which chat programs find neither mention, nor link, nor tag.

    `<!channel>`, `<@U1>`, `<url|words>` and HTML need angle brackets, which become quotation marks; `@channel` and `[words](url)` are
    parted by a space without width. Source: Slack's formatting of messages, Mattermost's mentions, Telegram's HTML.
    """
    bare = text.translate(_ANGLES)
    return _LINK.sub("]" + _WIDTHLESS, _MENTION.sub("@" + _WIDTHLESS, bare))


def _lines(notice: Notice, public_url: str) -> list[str]:
    told = clean_text(notice.message, limit=MESSAGE_CHARACTERS).strip()
    lines = [f"  {line}" for line in told.splitlines()]
    if notice.deployment_id:
        label = one_line(notice.deployment_label, _NAME_CHARACTERS)
        lines.append(f"Deployment: {label + ', ' if label else ''}{one_line(notice.deployment_id, 64)}")
    if notice.environment_id:
        lines.append(f"Environment: {one_line(notice.environment_name or notice.environment_id, _NAME_CHARACTERS)}")
    if notice.host:
        lines.append(f"Host: {one_line(notice.host, _NAME_CHARACTERS)}")
    lines.append(f"Type: {one_line(notice.event_type, SUBJECT_CHARACTERS)}")
    lines.append(f"When: {notice.timestamp.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
    if notice.held:
        entries = "entry was" if notice.held == 1 else "entries were"
        lines.append(f"{notice.held} more {entries} held since the last message.")
    if public_url and notice.deployment_id:
        lines.append(f"{public_url}/deployments/{one_line(notice.deployment_id, 64)}")
    return lines
