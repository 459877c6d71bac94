"""Logs of runs: numbered lines, kept compressed, a report a row; what was lost leaves a gap in the numbers."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import sqlalchemy as sa

from mgmt_ansible.control_plane.store.agent_tables import RUN_LOGS
from mgmt_ansible.control_plane.store.any_of import any_of
from mgmt_ansible.control_plane.store.schema import RUNS
from mgmt_ansible.domain.run_logs import LARGEST_NUMBER, LogLine, numbered


class RunLogRows:
    """Logs in one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def append(self, run_id: str, first: int, lines: Sequence[str], *, most_characters: int) -> None:
        """Add lines after those that are there; what is there already, or is too much for one run, is left out.

        Args:
            run_id: Of a run that is known.
            first: Number of the first line.
            lines: Without line feeds.
            most_characters: Of the whole log; lines beyond leave a gap.
        """
        query = sa.select(RUNS.c.log_lines, RUNS.c.log_characters).where(RUNS.c.id == run_id)
        run = self._connection.execute(query).one()
        fresh = [line for line in numbered(first, lines) if run.log_lines < line.number <= LARGEST_NUMBER]
        if not fresh:
            return
        characters = run.log_characters + sum(len(line.text) + 1 for line in fresh)
        kept = characters <= most_characters
        if kept:
            body = zlib.compress("\n".join(line.text for line in fresh).encode())
            values = {"run_id": run_id, "first_line": fresh[0].number, "lines": len(fresh), "body": body}
            self._connection.execute(RUN_LOGS.insert().values(values))
        self._connection.execute(
            RUNS.update()
            .where(RUNS.c.id == run_id)
            .values(log_lines=fresh[-1].number, log_characters=characters if kept else run.log_characters)
        )

    def read(self, run_id: str, *, first: int, limit: int) -> tuple[LogLine, ...]:
        """Return at most so many lines from a number on."""
        found: list[LogLine] = []
        for line in self._lines(run_id, first):
            found.append(line)
            if len(found) == limit:
                break
        return tuple(found)

    def first_of_last(self, run_id: str, count: int) -> int:
        """Return the number from which at least so many lines follow to the end; 1 when there are fewer."""
        query = sa.select(RUN_LOGS.c.first_line, RUN_LOGS.c.lines).where(RUN_LOGS.c.run_id == run_id)
        for row in self._connection.execute(query.order_by(RUN_LOGS.c.first_line.desc())):
            if row.lines >= count:
                return int(row.first_line + row.lines - count)
            count -= row.lines
        return 1

    def find(self, run_id: str, fits: Callable[[str], bool], *, first: int) -> int | None:
        """Return the number of the first line from a number on that fits."""
        return next((line.number for line in self._lines(run_id, first) if fits(line.text)), None)

    def remove(self, run_ids: Iterable[str]) -> None:
        """Remove the logs of runs."""
        self._connection.execute(RUN_LOGS.delete().where(any_of(RUN_LOGS.c.run_id, list(run_ids))))

    def _lines(self, run_id: str, first: int) -> Iterator[LogLine]:
        query = RUN_LOGS.select().where(RUN_LOGS.c.run_id == run_id, RUN_LOGS.c.first_line + RUN_LOGS.c.lines > first)
        for row in self._connection.execute(query.order_by(RUN_LOGS.c.first_line)):
            for line in numbered(row.first_line, zlib.decompress(row.body).decode().split("\n")):
                if line.number >= first:
                    yield line
