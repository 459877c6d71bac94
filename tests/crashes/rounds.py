"""Rounds: a real `mgmt-ansible serve`, a crowd that writes, `kill -9` at a random moment, a restart, and a look."""

from __future__ import annotations

import argparse
import json
import random
import secrets
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from tests.crashes.clients import Client, Crowd, Target, archive
from tests.crashes.ledger import Ledger, damage

PROGRAM = Path(sysconfig.get_path("scripts")) / "mgmt-ansible"
START_SECONDS = 120
LONGEST_ROUND_SECONDS = 30.0
MOST_WRITES = 120
LATER_SECONDS = 0.05
"""A kill comes after so many acknowledged writes, and a moment later, so that it meets every part of a commit."""
KILLED_WHILE_STARTING = 0.1
"""Of the rounds: those in which the server is killed before it answers."""


class Server:
    """One life of the control plane."""

    def __init__(self, data: Path) -> None:
        self._address = data / "control-plane.json"
        self._address.unlink(missing_ok=True)
        with (data.parent / "serve.log").open("ab") as log:
            command = [PROGRAM, "serve", "--data", data, "--port", "0"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def url(self) -> str:
        """Return where it answers, as soon as it does."""
        deadline = time.monotonic() + START_SECONDS
        while not self._address.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server did not start ({self._process.returncode}): see serve.log")
            time.sleep(0.02)
        return str(json.loads(self._address.read_text())["url"])

    def kill(self) -> None:
        """Kill it as a crash would."""
        self._process.kill()
        self._process.wait()


@dataclass(slots=True, kw_only=True)
class Tally:
    """What the rounds found."""

    rounds: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    def line(self) -> str:
        return (
            f"crashes: {self.rounds} rounds, {self.acknowledged} acknowledged, lost {len(self.lost)}, "
            f"damaged {len(self.damaged)}"
        )


def crash(folder: Path, *, rounds: int, seed: int) -> Tally:
    """Do so many rounds on one data folder; every round is judged by all that was ever acknowledged."""
    campaign = _Campaign(folder / "data", random.Random(seed))
    try:
        campaign.prepare()
        for _ in range(rounds):
            campaign.round()
            _say(campaign.tally.line(), file=sys.stderr)
            if campaign.tally.lost or campaign.tally.damaged:
                break
    finally:
        campaign.server.kill()
    return campaign.tally


class _Campaign:
    """The rounds on one data folder."""

    def __init__(self, data: Path, chance: random.Random) -> None:
        self._data = data
        self._chance = chance
        self._ledger = Ledger()
        self._checked: set[str] = set()
        self._target: Target | None = None
        self.tally = Tally()
        self.server = Server(data)

    def prepare(self) -> None:
        """Make what clients write about."""
        self._target = _prepare(self.server.url(), self._data)

    def round(self) -> None:
        """Write, kill, start again, look."""
        assert self._target is not None
        crowd = Crowd(replace(self._target, url=self.server.url()), self._ledger)
        crowd.start()
        self._wait_for_writes(self._chance.randint(0, MOST_WRITES))
        time.sleep(self._chance.uniform(0, LATER_SECONDS))
        self.server.kill()
        crowd.join()
        if crowd.faults:
            raise AssertionError(f"a client was refused: {crowd.faults}")
        self._restart()
        self._judge()

    def _wait_for_writes(self, count: int) -> None:
        """Wait until so many more were acknowledged, at most 30 s."""
        wanted = self._ledger.count() + count
        deadline = time.monotonic() + LONGEST_ROUND_SECONDS
        while self._ledger.count() < wanted and time.monotonic() < deadline:
            time.sleep(0.005)

    def _restart(self) -> None:
        self.server = Server(self._data)
        if self._chance.random() < KILLED_WHILE_STARTING:
            time.sleep(self._chance.uniform(0, 2))
            self.server.kill()
            self.server = Server(self._data)
        self.server.url()

    def _judge(self) -> None:
        self.tally.rounds += 1
        self.tally.acknowledged = self._ledger.count()
        self.tally.lost = self._ledger.lost(self._data)
        self.tally.damaged += damage(self._data) + self._ledger.broken_archives(self._data, checked=self._checked)


def _prepare(url: str, data: Path) -> Target:
    client = Client(url, (data / "admin.token").read_text().strip())
    environment = client.post("/api/v2/predictionEnvironments/", {"name": "crashes", "statusIntervalSeconds": 0}).json()
    package = client.post("/api/v2/modelPackages/?name=first&version=1", data=archive("first")).json()
    body = {"name": "agent", "kind": "agent", "predictionEnvironmentIds": [environment["id"]]}
    return Target(
        url=url,
        token=(data / "admin.token").read_text().strip(),
        agent_token=client.post("/api/v2/accessTokens/", body).json()["token"],
        environment_id=environment["id"],
        package_id=package["id"],
    )


def _say(line: str, *, file: IO[str] | None = None) -> None:
    print(line, file=file, flush=True)


def main() -> int:
    """Run the rounds that the command line asks for; 1 when anything was lost or damaged."""
    parser = argparse.ArgumentParser(prog="scripts/crashes", description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None, help="repeats the moments of the kills")
    arguments = parser.parse_args()
    seed = secrets.randbelow(2**32) if arguments.seed is None else arguments.seed
    _say(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="crashes-") as folder:
        tally = crash(Path(folder), rounds=arguments.rounds, seed=seed)
    for line in [*tally.lost, *tally.damaged][:20]:
        _say(line)
    _say(tally.line())
    return 1 if tally.lost or tally.damaged else 0
