"""Kill an action at every point at which it touches the host, and see what the next one makes of it."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from mgmt_host.machine import durable_files, http_probe

ROOT = Path(__file__).resolve().parents[3]
EVERY = "MGMT_ANSIBLE_KILL_EVERY"
"""Environment variable: of how many places one is died at; 1 takes all."""
SUPERVISED = {"none": 2, "haproxy": 4}
"""Processes of a serving deployment: supervisor and server, and those of its proxy."""


class Performer:
    """A process that performs actions in children of its own; also a context manager."""

    def __enter__(self):
        command = [sys.executable, Path(__file__).with_name("kill_points.py")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "playbooks" / "module_utils")}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
        )
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(120)
        self._process.stdout.close()

    def perform(self, parameters, point=0, filler=None):
        """Return what became of an action that dies at a point, or there finds its disk full; 0 lets it live."""
        request = {"parameters": parameters, "point": point, "filler": filler}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def processes_of(host):
    """Return the command lines of all processes that name the host's base directory, but for this one."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(host.base_dir.encode()) for word in words):
            found.append(b" ".join(words).decode())
    return found


def wait_for_processes(host, count, seconds=120.0):
    """Return the processes once there are that many, or what there is after the time: one late may end by itself."""
    deadline = time.monotonic() + seconds
    while len(found := processes_of(host)) != count and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def pairs(host, deployment_id="d1"):
    """Return the (generation, attempt) of all effects, in order."""
    path = host.own(deployment_id).effects
    return [(line["generation"], line["attempt"]) for line in [*read_lines(path + ".1"), *read_lines(path)]]


def read_lines(path):
    """Return the JSON lines of a file."""
    return [json.loads(line) for line in Path(path).read_text().splitlines()] if Path(path).exists() else []


def served_generation(port, deployment_id="d1"):
    """Return the generation that answers on a port, or None."""
    answer = http_probe.ask("127.0.0.1", port, f"/v2/models/{deployment_id}")
    return answer.json()["parameters"]["generation"] if answer else None


def require_honest_look(host, asked):
    """Check that a look at a host whose action died says what answers, and that nobody works."""
    wanted = {
        "id": asked["deployment_id"],
        "generation": asked["generation"],
        "digest": None,
        "attempt": asked["attempt"],
    }
    (seen,) = host.act("deployment_status", asked["generation"], observe=[wanted])["observations"]
    answers = seen["identity"] and served_generation(seen["identity"]["port"])

    assert (seen["identity"] and seen["identity"]["generation"], False) == (answers, seen["working"]), (asked, seen)


def require_serving(host, answer, generation, where, deployment_id="d1"):
    """Check what an action that must serve has left: one model, the right one, and nothing else."""
    result = answer["result"]
    assert result["outcome"] in ("ok", "changed"), (where, result)
    assert generation == served_generation(result["identity"]["port"], deployment_id), where
    state = durable_files.read_json(host.own(deployment_id).state)
    recorded = (state["wanted"], state["live"]["generation"], state["identity"])
    assert ("running", generation, result["identity"]) == recorded, where
    require_alone(host, where, deployment_id)


def require_alone(host, where, deployment_id="d1"):
    """Check that one supervisor and its server run, and the proxy's, and that nothing was left behind."""
    count = SUPERVISED[host.traffic]
    assert count == len(found := wait_for_processes(host, count)), (where, found)
    require_order(host, where, deployment_id)


def require_stopped(host, where, deployment_id="d1"):
    """Check that nothing is left but the tombstone and what a later launch may use."""
    assert [] == wait_for_processes(host, 0), where
    assert not Path(host.own(deployment_id).slots).exists(), where
    require_order(host, where, deployment_id)


def require_order(host, where, deployment_id="d1"):
    """Check that no older pair worked after a newer one, and that no half-made thing lies about."""
    done = pairs(host, deployment_id)
    assert sorted(done) == done, where
    left = [path for path in Path(host.base_dir).rglob("*") if path.name == "spare" or path.name.startswith(".draft")]
    assert [] == left, where


def least(*, whole, sampled):
    """Return more than how many points an action must have: `whole` when each is died at, else `sampled`.

    One whole run of each was counted; a sampled one may end early, where the kill before left little to clean up.
    """
    return whole if _every() == 1 else sampled


def _every():
    return int(os.environ.get(EVERY, "3"))


def sampled():
    """Return the places to break, without an end: every third one, or what `MGMT_ANSIBLE_KILL_EVERY` says.

    Which thirds, the seed of this run of the tests says: three runs see all. Odd steps, as the packages take turns.
    """
    every = _every()
    assert every % 2, f"{EVERY} is odd"
    return itertools.count(random.randint(1, every), every)


def kill_everywhere(performer, ask, finish):
    """Perform an action once for each of its points, killed there, and look at the host after each.

    Args:
        performer: Performs.
        ask: Point -> parameters of the action, on a host made ready for it.
        finish: (parameters, what became of it) -> None; checks, and leaves the host ready for the next.

    Returns:
        How many points there were, at least: fewer when the kill before left little to clean up. The last performance was not
        killed any more.
    """
    for point in sampled():
        asked = ask(point)
        became = performer.perform(asked, point)
        finish(asked, became)
        if not became["killed"]:
            return point - 1
    raise AssertionError
