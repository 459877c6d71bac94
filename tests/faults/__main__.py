"""`scripts/faults`: plays every fault at every step of a replace on every kind of host; the last line counts."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from tests.faults import cells, writing
from tests.faults.cells import Cell
from tests.faults.injuring import INJURIES, Injury
from tests.faults.managed import ManagedHost
from tests.kills.barriers import NotReachedError
from tests.testbed import beds, plans
from tests.testbed.commands import BedError

HOSTS = {
    "systemd": "s1:systemd:disk=400M",
    "docker": "d1:docker:disk=4G",
    "podman": "m1:podman:disk=4G",
    "plain": "p1:plain:disk=400M",
}


def main() -> int:
    """Run the command line; 1 when a cell is bad or was not played."""
    asked = _arguments()
    done: list[Cell] = []
    missed = 0
    for kind in asked.kinds:
        known = list(_recorded(asked.record, kind).values())
        played, lost = (known, 0) if asked.report else _play_kind(kind, asked)
        done += played
        missed += lost
    bad = sum(cell.verdict == "BAD" for cell in done) + missed
    if asked.write:
        writing.write(Path(asked.write), done)
    say(f"faults: {len(done) + missed} cells, {bad} bad")
    return 1 if bad else 0


def say(text: str) -> None:
    """Tell a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=sorted(HOSTS), default=sorted(HOSTS), help="kinds of hosts")
    parser.add_argument("--traffic", default="auto", help="traffic kind, as the agent's configuration has it")
    parser.add_argument("--only", default="*", help="pattern of STEP/FAULT, such as '*switch*/kill-agent'")
    parser.add_argument("--record", help="file that gets a JSON line a cell, and whose cells are not played again")
    parser.add_argument("--report", action="store_true", help="play nothing: count and write what is recorded")
    parser.add_argument("--write", help="page to write, such as docs/reference/faults.md")
    return parser.parse_args()


def _play_kind(kind: str, asked: argparse.Namespace) -> tuple[list[Cell], int]:
    bed_id = f"faults{kind}"
    plan = plans.Plan(
        id=bed_id,
        state=plans.default_state(bed_id),
        cache=plans.default_cache(),
        hosts=plans.parse_hosts((HOSTS[kind],)),
    )
    bed = beds.up(plan, beds.stopwatch(beds.tell_stderr))
    try:
        with tempfile.TemporaryDirectory(prefix="mgmt-ansible-faults-") as folder:
            return _play_all(ManagedHost(bed.of_kind(kind), Path(folder), asked.traffic), asked)
    finally:
        beds.down(plan.id, plan.state, beds.tell_stderr)


def _play_all(managed: ManagedHost, asked: argparse.Namespace) -> tuple[list[Cell], int]:
    cells.stand(managed)
    steps = cells.trace(managed)
    traffic = managed.read("state.json").get("traffic", "none")
    say(f"{managed.host.kind}: traffic {traffic}, {len(steps)} steps: {', '.join(steps)}")
    known = _known(asked.record, managed.host.kind)
    done, missed = [], 0
    for step in steps:
        for injury in INJURIES:
            if (injury.of_proxy and traffic == "none") or not fnmatch(f"{step}/{injury.name}", asked.only):
                continue
            cell = known.get((step, injury.name)) or _play(managed, step, injury)
            missed += cell is None
            if cell is not None:
                done.append(cell)
                _keep(asked.record, cell, known)
    return done, missed


def _play(managed: ManagedHost, step: str, injury: Injury) -> Cell | None:
    name = f"{managed.host.kind} {step} {injury.name}"
    try:
        cell = cells.play(managed, step, injury)
    except (BedError, NotReachedError) as error:
        say(f"{name}: NOT PLAYED: {error}")
        return None
    said = f"{' then '.join(cell.outcomes)}: {cell.verdict}, {cell.seconds} s"
    say(f"{name}: {said} {cell.fault_text} ({cell.message[:160]})")
    return cell


def _known(record: str | None, kind: str) -> dict[tuple[str, str], Cell]:
    """Return the recorded cells that need not be played again."""
    return {name: cell for name, cell in _recorded(record, kind).items() if cell.verdict != "BAD"}


def _recorded(record: str | None, kind: str) -> dict[tuple[str, str], Cell]:
    if record is None or not Path(record).exists():
        return {}
    lines: Sequence[dict[str, object]] = [json.loads(line) for line in Path(record).read_text().splitlines()]
    found = {}
    for line in lines:
        line.pop("verdict")
        if line["kind"] == kind:
            cell = Cell(**{**line, "outcomes": tuple(line["outcomes"])})  # type: ignore[arg-type]
            found[cell.step, cell.fault] = cell
    return found


def _keep(record: str | None, cell: Cell, known: dict[tuple[str, str], Cell]) -> None:
    if record is not None and (cell.step, cell.fault) not in known:
        with Path(record).open("a") as stream:
            stream.write(json.dumps(cell.to_json()) + "\n")


if __name__ == "__main__":
    sys.exit(main())
