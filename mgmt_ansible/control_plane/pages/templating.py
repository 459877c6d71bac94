"""Templates: Jinja2 with everything escaped, and what templates may call."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import jinja2
from fastapi import Response
from fastapi.responses import HTMLResponse

from mgmt_ansible.control_plane.pages import words
from mgmt_ansible.control_plane.pages.navigation import PLACES
from mgmt_ansible.control_plane.pages.response_charts import milliseconds, share
from mgmt_ansible.control_plane.pages.static_files import SCRIPTS, StaticFiles
from mgmt_ansible.control_plane.pages.time_ranges import exact_time, field_time
from mgmt_ansible.domain import durations, host_words
from mgmt_ansible.domain.health_strips import HealthStrip
from mgmt_ansible.domain.next_steps import next_step
from mgmt_ansible.domain.roles import Role

FOLDER = Path(__file__).parent / "templates"

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""On every page. Nothing inline runs, nothing comes from elsewhere, nobody frames a page."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Templates:
    """Renders pages."""

    environment: jinja2.Environment

    @classmethod
    def load(cls, static_files: StaticFiles, *, trouble: Callable[[], str] = str) -> Self:
        """Set up the template environment.

        Args:
            static_files: Where pages find their parts.
            trouble: What every page warns of at its top, in a sentence; empty for nothing.
        """
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(
            static=static_files.url,
            scripts=SCRIPTS,
            places=PLACES,
            has_place=lambda path: any(one.path == path for one in PLACES),
            health_words=words.HEALTH,
            state_words=words.STATES,
            action_words=words.ACTIONS,
            action_status_words=words.ACTION_STATUSES,
            outcome_word=words.outcome_word,
            format_words=words.FORMATS,
            next_step=next_step,
            trouble=trouble,
        )
        environment.filters.update(
            relative=relative_time,
            absolute=absolute_time,
            duration=durations.in_words,
            pretty=pretty_json,
            short=short_digest,
            size=size,
            exact_time=exact_time,
            field_time=field_time,
            strip_text=strip_text,
            milliseconds=milliseconds,
            share=share,
            note_words=host_words.note_words,
            evidence_words=host_words.evidence_words,
            drift_words=host_words.drift_words,
        )
        return cls(environment)

    def shown(self, name: str, values: Mapping[str, object]) -> Response:
        """Render a template as a page, with values by name."""
        return HTMLResponse(self._text(name, values), headers=SECURITY_HEADERS)

    def page(self, name: str, *, status_code: int = 200, **values: object) -> Response:
        """Render a template as a page; in it `allowed(ROLE)` tells what the `principal` among the values may do."""
        return HTMLResponse(self._text(name, values), status_code=status_code, headers=SECURITY_HEADERS)

    def _text(self, name: str, values: Mapping[str, object]) -> str:
        held = getattr(values.get("principal"), "role", None)

        def allowed(role: str) -> bool:
            return held is not None and held.covers(Role(role))

        return self.environment.get_template(name).render(now=datetime.now(UTC), allowed=allowed, **values)


def relative_time(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment is (`3 min ago`); times ahead of the clock count as now."""
    seconds = max(0, int((now - moment).total_seconds()))
    if seconds < _MINUTE:
        return "just now" if seconds < 5 else f"{seconds} s ago"  # noqa: PLR2004
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min ago"
    if seconds < _DAY:
        return f"{seconds // _HOUR} h ago"
    days = seconds // _DAY
    return "1 day ago" if days == 1 else f"{days} days ago"


def absolute_time(moment: datetime) -> str:
    """Return a moment in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def size(octets: int) -> str:
    """Return a number of bytes as people read it: `812 B`, `7.8 MiB`."""
    value, unit = float(octets), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:  # noqa: PLR2004
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def strip_text(strip: HealthStrip, name: str) -> str:
    """Return a health strip in words, for who cannot see it, and for who can."""
    time = name.replace("h", " hours").replace("d", " days")
    if not strip.shares:
        return f"Nothing was told of its health in the last {time}."
    shares = ", ".join(
        f"{words.HEALTH[health].text.lower()} {strip.shares[health]:.1%}"
        for health in words.HEALTH
        if health in strip.shares
    )
    spells = f"; it began to fail {strip.spells} time{'' if strip.spells == 1 else 's'}" if strip.spells else ""
    return f"Last {time}: {shares}{spells}."


def pretty_json(value: object) -> str:
    """Return a value as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def short_digest(digest: str) -> str:
    """Return enough of a digest to tell two apart by eye."""
    return digest.removeprefix("sha256:")[:12]
