"""The lines of a log as items of a list; made here and not in a template, which takes a third of a second for 2,000."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup, escape

from mgmt_ansible.control_plane.pages.run_words import line_tone
from mgmt_ansible.wire import api_v2


def line_items(log: api_v2.RunLog, *, goes_on: bool) -> Markup:
    """Return the items; what was lost on the way is said where it is missing, and at the end when nothing more comes."""
    return Markup("\n").join(_items(log, goes_on=goes_on))


def _items(log: api_v2.RunLog, *, goes_on: bool) -> Iterator[Markup]:
    following = log.lines[0].number if log.lines else 1
    for line in log.lines:
        if line.number > following:
            yield _gap(line.number - following)
        yield _item(line.number, line.text)
        following = line.number + 1
    ended = log.lines and not goes_on and not log.next_line
    if ended and log.log_lines >= following:
        yield _gap(log.log_lines - following + 1, "; the end is below")


def _item(number: int, text: str) -> Markup:
    tone = line_tone(text)
    styled = f' class="line-{tone}"' if tone else ""
    return Markup(  # noqa: S704 - a number, a word of ours, and an escaped text
        f'<li id="L{number}"{styled}><a href="#L{number}" tabindex="-1">{number}</a><span>{escape(text)}</span></li>'
    )


def _gap(count: int, more: str = "") -> Markup:
    return Markup(f'<li class="gap">{count} line{"" if count == 1 else "s"} lost{more}</li>')  # noqa: S704 - same
