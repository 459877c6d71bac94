"""`scripts/matrix`: every runtime on every kind of host is launched, predicts, is replaced and stopped; the last line counts."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.matrix import hosts
from tests.matrix.models import Model, Runtime
from tests.matrix.rows import ROWS
from tests.testbed import beds, plans
from tests.testbed.agents import Agent
from tests.testbed.commands import BedError
from tests.testbed.wheels import find_or_download

HOSTS = {"systemd": "s1:systemd", "docker": "d1:docker", "podman": "m1:podman", "plain": "p1:plain"}
_TOLERANCE = 1e-4
_FINE = ("ok", "changed")
_ASK = """\
import sys, urllib.request
request = urllib.request.Request(sys.argv[1], sys.stdin.buffer.read(), {"Content-Type": sys.argv[2]})
print(urllib.request.urlopen(request, timeout=60).read().decode())
"""
_HEAD = """\
# Runtimes on kinds of hosts

Written by `scripts/matrix`: on each kind of host each runtime's first model is launched over ssh, must predict as the model itself
does in Python (within 0.0001), is replaced by a second one, which must predict so too on the same address, and is stopped; then
nothing listens there. Seconds are of the whole action, on a machine with two cores and other work: no measure of speed.

"""


@dataclass(frozen=True)
class Cell:
    """How one runtime did on one kind of host.

    Attributes:
        kind: Of the host.
        runtime: Its name.
        said: `ok` with figures, `not applicable: WHY`, or what is wrong.
        bad: Whether something is.
    """

    kind: str
    runtime: str
    said: str
    bad: bool = False


def main() -> int:
    """Run the command line; 1 when a cell is bad."""
    parser = argparse.ArgumentParser(prog="scripts/matrix", description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=list(HOSTS), default=list(HOSTS), help="kinds of hosts")
    names = [row.name for row in ROWS]
    parser.add_argument("--runtimes", nargs="+", choices=names, default=names, help="runtimes")
    parser.add_argument(
        "--record", type=Path, help="file that gets a JSON line a cell, and whose good cells are not played again"
    )
    parser.add_argument("--write", type=Path, help="page to write, such as docs/reference/matrix.md")
    asked = parser.parse_args()
    wanted = [row for row in ROWS if row.name in asked.runtimes]
    record = Record(asked.record)
    cells = [cell for kind in asked.kinds for cell in _play_kind(kind, wanted, record)]
    if asked.write:
        asked.write.write_text(_HEAD + _table(cells))
    bad = sum(cell.bad for cell in cells)
    say(f"matrix: {len(cells)} cells, {bad} bad")
    return 1 if bad else 0


def say(text: str) -> None:
    """Tell a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Record:
    """Cells that were played before, in a file that grows; without one it remembers nothing.

    Args:
        path: Of the file, which may not be there yet.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        cells = [Cell(**json.loads(line)) for line in lines]
        self._good = {(cell.kind, cell.runtime): cell for cell in cells if not cell.bad}

    def find(self, kind: str, runtime: str) -> Cell | None:
        """Return how it did, if it did well."""
        return self._good.get((kind, runtime))

    def keep(self, cell: Cell) -> None:
        """Write it down."""
        if self._path is not None:
            with self._path.open("a") as stream:
                stream.write(json.dumps(asdict(cell)) + "\n")


def _play_kind(kind: str, wanted: list[Runtime], record: Record) -> list[Cell]:
    known = {row.name: record.find(kind, row.name) for row in wanted}
    missing = [row for row in wanted if known[row.name] is None]
    played = {cell.runtime: cell for cell in _play_on_host(kind, missing, record)} if missing else {}
    return [known[row.name] or played[row.name] for row in wanted]


def _play_on_host(kind: str, wanted: list[Runtime], record: Record) -> list[Cell]:
    bed_id = f"matrix{kind}"
    plan = plans.Plan(
        id=bed_id,
        state=plans.default_state(bed_id),
        cache=plans.default_cache(),
        hosts=plans.parse_hosts((HOSTS[kind],)),
    )
    bed = beds.up(plan, beds.stopwatch(beds.tell_stderr))
    cells = []
    try:
        with tempfile.TemporaryDirectory(prefix="mgmt-ansible-matrix-") as folder:
            for row in wanted:
                cells.append(_play(Agent(bed.of_kind(kind)), row, Path(folder)))
                record.keep(cells[-1])
                say(f"{kind} {row.name}: {cells[-1].said}")
    finally:
        beds.down(plan.id, plan.state, beds.tell_stderr)
    return cells


def _play(agent: Agent, row: Runtime, folder: Path) -> Cell:
    kind = agent.host.kind
    if kind in row.not_on:
        return Cell(kind, row.name, f"not applicable: {row.not_on[kind]}")
    try:
        return Cell(kind, row.name, _live(agent, row, folder))
    except (BedError, CellError) as error:
        return Cell(kind, row.name, f"BAD: {error}", bad=True)


class CellError(Exception):
    """What is wrong with a cell."""


def _live(agent: Agent, row: Runtime, folder: Path) -> str:
    """Launch, predict, replace, predict, stop; return figures."""
    hosts.bring(agent.host, row.needs, folder)
    wheels = find_or_download(agent.host, row.requirements) if row.requirements else None
    first, second = (row.make(folder, number) for number in (1, 2))
    binding: dict[str, object] = {"wheelhouse": str(wheels)} if wheels else {}
    deployment_id = f"m-{row.name.replace('_', '-')}"

    def act(action: str, generation: int, model: Model | None) -> tuple[dict[str, Any], float]:
        began = time.monotonic()
        archive = model.archive if model else None
        attempt = agent.begin(action, deployment_id, generation, archive, binding=binding, ready_timeout_seconds=180.0)
        outcome = attempt.outcome()
        if outcome["outcome"] not in _FINE:
            raise CellError(
                f"{action}: {outcome['outcome']}, {outcome['message']} {outcome.get('evidence', '')}"[:1500]
            )
        return outcome, time.monotonic() - began

    launched, launch_seconds = act("deployment_launch", 1, first)
    address = launched["identity"]["url"]
    _compare(agent, address, first)
    replaced, replace_seconds = act("deployment_replace_model", 2, second)
    if replaced["identity"]["url"] != address:
        raise CellError(f"replace moved the address from {address} to {replaced['identity']['url']}")
    _compare(agent, address, second)
    _, stop_seconds = act("deployment_stop", 3, None)
    port = launched["identity"]["port"]
    if left := agent.host.enter("ss", "-ltnH", f"sport = :{port}").stdout:
        raise CellError(f"after the stop somebody listens: {left}")
    gap = replaced["gap_seconds"]
    return (
        f"ok: launch {launch_seconds:.1f} s, replace {replace_seconds:.1f} s (gap {gap} s), stop {stop_seconds:.1f} s"
    )


def _compare(agent: Agent, address: str, model: Model) -> None:
    said = agent.host.ssh(f"python3 -c '{_ASK}' '{address}' '{model.kind}'", stdin=model.question).stdout
    try:
        got = list(model.read(json.loads(said)))
    except (ValueError, KeyError, TypeError) as error:
        raise CellError(f"{address} answers {said[:300]}") from error
    pairs = zip(got, model.expected, strict=False)
    if len(got) != len(model.expected) or any(abs(left - right) > _TOLERANCE for left, right in pairs):
        raise CellError(f"{address} predicts {got[:6]} instead of {list(model.expected)[:6]}")


def _table(cells: list[Cell]) -> str:
    kinds, names = list(dict.fromkeys(cell.kind for cell in cells)), list(dict.fromkeys(cell.runtime for cell in cells))
    said = {(cell.kind, cell.runtime): cell.said for cell in cells}
    rows = ["| runtime | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    rows += [f"| `{name}` | " + " | ".join(said.get((kind, name), "") for kind in kinds) + " |" for name in names]
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())
