"""Printing: tables for people, JSON for programs; on a terminal with colour, elsewhere plain and never cut."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mgmt_ansible import errors
from mgmt_ansible.cli import text
from mgmt_ansible.domain.health import Health

if TYPE_CHECKING:
    from mgmt_ansible.wire.api_v2 import WireModel

_WATCH_SECONDS = 1.0
_CLEAR_SCREEN = "\x1b[H\x1b[2J\x1b[3J"

Cell = str | Health | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a command's answer goes.

    Attributes:
        json: Print JSON instead of tables.
    """

    json: bool = False

    def show_list(self, items: Sequence[WireModel], columns: Sequence[str], row: Callable[..., Sequence[Cell]]) -> None:
        """Print a list: a table with a row an item, or one JSON array."""
        if self.json:
            print_json([as_json(item) for item in items])
        else:
            print_table(columns, [row(item) for item in items])

    def show_one(self, item: WireModel, pairs: Callable[..., Iterable[tuple[str, Cell]]]) -> None:
        """Print one item: a line a field, or one JSON object."""
        if self.json:
            print_json(as_json(item))
        else:
            print_pairs(pairs(item))

    def say(self, message: str, value: object) -> None:
        """Print a sentence for people, or what it says as one JSON object."""
        if self.json:
            print_json(value)
        else:
            print(text.clean(message))

    def watch(self, show: Callable[[], None]) -> None:
        """Show every second until Ctrl-C: in place on a terminal, elsewhere what is not as it was before.

        It asks, as much that lists show is no event: progress, when an agent was last seen, hosts, packages. A control plane
        that is away meanwhile ends nothing: that is said on standard error, and it is asked again.
        """
        before = None
        while True:
            shown = _printed(show) if before is None else _printed_again(show, before)
            if shown != before:
                in_place = sys.stdout.isatty() and not self.json
                sys.stdout.write(f"{_CLEAR_SCREEN}{shown}" if in_place else shown)
                sys.stdout.flush()
            before = shown
            time.sleep(_WATCH_SECONDS)


class _Caught(io.StringIO):
    """What would be printed, as it would look at the place that it is for."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        """Tell whether that place is a terminal."""
        return self._terminal


def _printed(show: Callable[[], None]) -> str:
    with redirect_stdout(_Caught(terminal=sys.stdout.isatty())) as caught:
        show()
    return caught.getvalue()


def _printed_again(show: Callable[[], None], before: str) -> str:
    try:
        return _printed(show)
    except errors.ControlPlaneUnavailableError as exc:
        print(f"{text.clean(str(exc))}: asking again", file=sys.stderr, flush=True)
        return before


def as_json(item: WireModel) -> object:
    """Return a wire value as plain JSON values, with the API's own keys."""
    return item.model_dump(mode="json", by_alias=True)


def print_json(value: object) -> None:
    """Print a value as indented JSON; control characters are escaped."""
    print(json.dumps(value, indent=2, ensure_ascii=True))


def print_json_line(value: object) -> None:
    """Print a value as one line of JSON, at once."""
    print(json.dumps(value, ensure_ascii=True), flush=True)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Print rows under headings; text from outside is cleaned and never read as markup."""
    if sys.stdout.isatty():
        _print_rich_table(columns, rows)
    else:
        _print_plain_table(columns, rows)


def print_pairs(pairs: Iterable[tuple[str, Cell]]) -> None:
    """Print a name and a value a line; a name may hold text from outside too, such as a host's."""
    known = [(word(name), word(value)) for name, value in pairs]
    width = max((len(name) for name, _ in known), default=0)
    for name, value in known:
        print(f"{name:<{width}}  {value}".rstrip())


def word(cell: Cell) -> str:
    """Return a cell as harmless text; `-` for None."""
    if cell is None:
        return "-"
    return text.health_word(cell) if isinstance(cell, Health) else text.clean(str(cell))


def _print_plain_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    words = [list(columns), *([word(cell) for cell in row] for row in rows)]
    widths = [max(len(line[index]) for line in words) for index in range(len(columns))]
    for line in words:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def _print_rich_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            *(Text(word(cell), style=text.HEALTH_STYLES[cell] if isinstance(cell, Health) else "") for cell in row)
        )
    Console().print(table)
