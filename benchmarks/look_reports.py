"""Entries as agents make them: looks at environments in which every deployment's health became another."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import requests

from benchmarks import event_feeds
from benchmarks.event_servers import TIMEOUT_SECONDS, Server
from mgmt_ansible.control_plane.access import Access
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.outcomes import HostOutcome, Identity, Observation, Outcome
from mgmt_ansible.domain.reports import ResultReport
from mgmt_ansible.wire import agent_v1

ENVIRONMENTS = 80
DEPLOYMENTS = 60
LOOKS = 4
"""Of an environment: more changes of a health in half an hour would be flapping, which is told once."""
AGENTS = 2
"""That send at once, each the looks of its own environments in their order."""
_AGENT = "bench"


class Ingest:
    """Places and looks of their own, made before the server runs; an agent's token for them."""

    def __init__(self, store: Store, folder: Path, package_id: str) -> None:
        registry = event_feeds.registry_of(store, folder)
        names = (f"ingest{number:03d}" for number in range(ENVIRONMENTS))
        self._environment_ids = tuple(event_feeds.make_environment(registry, name) for name in names)
        with store.write() as tx:
            for environment_id in self._environment_ids:
                for deployment_id in _deployment_ids(environment_id):
                    event_feeds.add_deployment(tx, deployment_id, environment_id, package_id)
        self._looks = {}
        for environment_id in self._environment_ids:
            with store.write() as tx:
                self._looks[environment_id] = event_feeds.add_looks(tx, environment_id, LOOKS, agent=_AGENT)
        made = Access(store).create_token(name=_AGENT, kind="agent", environment_ids=self._environment_ids)
        self._token = made.token

    def per_second(self, server: Server) -> float:
        """Send all reports, as fast as they are taken; return entries a second."""
        shares = [list(self._bodies(self._environment_ids[number::AGENTS])) for number in range(AGENTS)]
        before, began = _newest(server), time.monotonic()
        with ThreadPoolExecutor(AGENTS) as pool:
            list(pool.map(partial(self._send, server.url), shares))
        seconds = time.monotonic() - began
        made, reports = _newest(server) - before, sum(len(share) for share in shares)
        print(f"  ingest: {made} entries of {reports} reports from {AGENTS} agents in {seconds:.1f} s", flush=True)
        return made / seconds

    def _send(self, url: str, bodies: Sequence[bytes]) -> None:
        session = requests.Session()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        for body in bodies:
            answer = session.post(f"{url}/agent/v1/reports", data=body, headers=headers, timeout=TIMEOUT_SECONDS)
            if not answer.ok:
                raise SystemExit(f"reports: {answer.status_code} {answer.text[:300]}")

    def _bodies(self, environment_ids: Sequence[str]) -> Iterator[bytes]:
        for number in range(LOOKS):
            for environment_id in environment_ids:
                report = _report(self._looks[environment_id][number], environment_id, fine=bool(number % 2))
                yield agent_v1.to_json(agent_v1.REPORT_BATCH, agent_v1.ReportBatch(reports=(report,)))


def _deployment_ids(environment_id: str) -> Iterator[str]:
    return (f"{environment_id}-{number:03d}" for number in range(DEPLOYMENTS))


def _report(action_id: str, environment_id: str, *, fine: bool) -> ResultReport:
    observations = {one: _observation(one, fine=fine) for one in _deployment_ids(environment_id)}
    host = HostOutcome(host=f"{environment_id}.example.net", outcome=Outcome.OK, observations=observations)
    return ResultReport(
        id=f"report-{action_id}",
        action_id=action_id,
        attempt=1,
        status=ActionStatus.SUCCEEDED,
        outcome=Outcome.OK,
        hosts=(host,),
        finished_at=datetime.now(UTC),
    )


def _observation(deployment_id: str, *, fine: bool) -> Observation:
    identity = Identity(
        digest="0" * 64, generation=1, slot="a", port=8000, pid=4711, start_time=99, url="http://127.0.0.1:8000/infer"
    )
    return Observation(
        deployment_id=deployment_id,
        outcome=Outcome.OK if fine else Outcome.FAILED,
        state="running" if fine else "stopped",
        fence_generation=1,
        identity=identity if fine else None,
        message="" if fine else "the model server does not answer on port 8000: connection refused",
    )


def _newest(server: Server) -> int:
    answer = server.session().ask("GET", "/api/v2/deploymentEvents/", params={"limit": 1})[1]
    return int(json.loads(answer.text)["data"][0]["sequence"])
