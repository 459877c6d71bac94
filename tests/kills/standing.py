"""How a host stands at the moment of a kill: what is written down already, and what serves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mgmt_ansible.quickstart import processes
from tests.kills import process_tables
from tests.kills.effects import read_effects

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kills.sites import KillSite

PAST_STATE = ("write:result.1", "write:fence.2")
"""Named steps of the host after which nothing more may change there: all that counts is done."""
PAST_RUN = ("parsed", "run-report", "result-report", "result-spooled", "result-sending", "result-sent")
"""Named steps of the agent after which that holds for all hosts; at `result-event` for the one that reported."""


@dataclass(frozen=True)
class Standing:
    """What must be the same at the end of a round.

    Attributes:
        effects: Number of lines in the effects log.
        servers: (pid, start time) of each model server.
    """

    effects: int
    servers: frozenset[tuple[int, int]]


def standing(site: KillSite, host: str, deployment_id: str) -> Standing:
    """Return how a host stands now."""
    base_dir = site.base_dir(host)
    found = process_tables.servers(base_dir, deployment_id, process_tables.list_processes(site.folder.root))
    marks = frozenset((one.pid, processes.find_start_time(one.pid) or 0) for one in found)
    return Standing(len(read_effects(base_dir, deployment_id)), marks)


def finished_hosts(step: str, facts: dict[str, Any], hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the hosts on which everything was done when somebody stood at a step."""
    if step in PAST_RUN:
        return hosts
    if step in PAST_STATE:
        return tuple(host for host in hosts if facts["base_dir"].endswith(f"/{host}"))
    return tuple(host for host in hosts if step == "result-event" and facts["host"] == host)


def require_unrecorded(folder: Path, step: str, facts: dict[str, Any]) -> str:
    """Check in a deployment's files on the host that the step's effect is not written down yet; tell what was read.

    Raises:
        AssertionError: It is.
    """
    pair = (facts["generation"], facts["attempt"])
    kind, _, name = step.partition(":")
    if kind in ("step", "effect"):
        written = _written(folder, kind, name, facts)
        said = f"no line of {pair[0]}/{pair[1]} for it among {len(read_effects(folder.parent.parent, folder.name))}"
    else:
        written, said = _in_files(folder, name or "fence.1", pair, int(facts["pid"]))
    if written:
        raise AssertionError(f"{step} of {pair} is written down already: {said}")
    return f"not recorded: {said}"


def _written(folder: Path, kind: str, name: str, facts: dict[str, Any]) -> bool:
    pair = (facts["generation"], facts["attempt"])
    ours = [one for one in read_effects(folder.parent.parent, folder.name) if one.pair == pair]
    if kind == "effect":
        return any(one.what == facts["what"] for one in ours)
    return any(one.step == name for one in ours)


def _in_files(folder: Path, name: str, pair: tuple[int, int], pid: int) -> tuple[bool, str]:
    value = _read(folder / f"{name.partition('.')[0]}.json")
    there = (value.get("generation"), value.get("attempt"))
    match name:
        case "fence.1":
            return there == pair, f"fence.json has {there}"
        case "fence.2":
            holder = (value.get("holder") or {}).get("pid")
            return holder != pid, f"fence.json has holder {holder}"
        case "result.1":
            return there == pair, f"result.json has {there}"
        case "state.1":
            live, wanted = (value.get("live") or {}).get("generation"), value.get("wanted")
            return live == pair[0] or wanted == "stopped", f"state.json has live generation {live}, wanted {wanted}"
        case _:
            raise AssertionError(f"nobody knows where {name} is written")


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    value: dict[str, Any] = json.loads(path.read_text())
    return value
