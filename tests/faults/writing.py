"""The page: rows are steps, columns are faults, a table for each kind of host."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.faults.cells import Cell
from tests.faults.injuring import INJURIES
from tests.faults.managed import DEPLOYMENT
from tests.kills.barriers import HOST

_HEAD = """\
# Faults of a replacement

Written by `scripts/faults`: a replace is held at each of its steps on a real host, a fault is made there, and what answers on the
stable address afterwards is compared with the outcome and with the host's record. `new` and `old` say which model answers, as the
outcome claims and as `state.json` has it; `degraded` says that the outcome says so: nobody answers. `n/a`: the fault means nothing
there. An empty place was not played.

| fault | what is done |
|---|---|
"""


def write(path: Path, cells: Sequence[Cell]) -> None:
    """Write the page of these cells."""
    lines = [_HEAD + "".join(f"| {one.name} | {one.does} |\n" for one in INJURIES)]
    for kind in dict.fromkeys(cell.kind for cell in cells):
        lines.append(_table(kind, [cell for cell in cells if cell.kind == kind]))
    path.write_text("\n".join(lines))


def _table(kind: str, cells: Sequence[Cell]) -> str:
    found = {(cell.step, cell.fault): cell.verdict for cell in cells}
    names, played = [one.name for one in INJURIES], {cell.fault for cell in cells}
    rows = [f"## {kind}\n", "| step | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for step in dict.fromkeys(cell.step for cell in cells):
        verdicts = [found.get((step, name), "" if name in played else "n/a") for name in names]
        rows.append(f"| `{_shown(step)}` | " + " | ".join(verdicts) + " |")
    return "\n".join(rows) + "\n"


def _shown(step: str) -> str:
    return step.removeprefix(f"{DEPLOYMENT}-").removeprefix(f"{HOST}-")
