"""Clients that write as fast as they are answered, until nobody answers: people, an agent, somebody who uploads."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests

from mgmt_ansible.identifiers import make_id
from tests.crashes.ledger import Ledger

NO_ANSWER = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to write and as whom.

    Attributes:
        token: Of a person.
        agent_token: Of an agent that serves `environment_id`.
    """

    url: str
    token: str
    agent_token: str
    environment_id: str
    package_id: str


class Client:
    """One connection; a refusal is an error of the test, no answer ends it."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"

    def post(self, path: str, body: object = None, *, data: bytes | None = None) -> requests.Response:
        answer = self._session.post(f"{self._url}{path}", json=body, data=data, timeout=30)
        if answer.status_code >= requests.codes.bad_request:
            raise AssertionError(f"POST {path}: {answer.status_code} {answer.text[:300]}")
        return answer


def archive(number: str) -> bytes:
    """Return a model package that no other is like."""
    made = io.BytesIO()
    manifest = json.dumps({"schema": 1, "runtime": "onnx", "model": "model.onnx"}).encode()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in (("model-package.json", manifest), ("model.onnx", number.encode() * 2000)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


def launch(target: Target, ledger: Ledger) -> Iterator[None]:
    """Create and launch, and cancel every fourth."""
    client = Client(target.url, target.token)
    for number in itertools.count():
        body = {
            "modelPackageId": target.package_id,
            "label": "x",
            "predictionEnvironmentId": target.environment_id,
            "deploymentId": make_id(),
        }
        accepted = client.post("/api/v2/deployments/fromModelPackage/", body).json()
        ledger.note("deployment", accepted["id"])
        for kind in ("action", "started"):
            ledger.note(kind, accepted["actionId"])
        yield
        if number % 4 == 0:
            cancel(client, accepted["actionId"], ledger)
            yield


def cancel(client: Client, action_id: str, ledger: Ledger) -> None:
    """Cancel; an action that has ended meanwhile refuses."""
    try:
        client.post(f"/api/v2/actions/{action_id}/cancel/")
    except AssertionError as refused:
        if ": 409 " not in str(refused):
            raise
    else:
        ledger.note("canceled", action_id)


def work(target: Target, ledger: Ledger) -> Iterator[None]:
    """Claim, and report a run and a result."""
    client = Client(target.url, target.agent_token)
    asked = {"instance_id": make_id(), "environment_ids": [target.environment_id], "wait_seconds": 1}
    while True:
        answer = client.post("/agent/v1/claims", asked)
        if answer.status_code == requests.codes.ok:
            claim = answer.json()
            ledger.note("claim", f"{claim['spec']['id']} {claim['attempt']}")
            yield
            reports = reports_of(claim)
            client.post("/agent/v1/reports", {"reports": reports})
            for report in reports:
                ledger.note("report", report["id"])
            ledger.note("run", reports[0]["outcome"]["run_id"])
            ledger.note("result", f"{claim['spec']['id']} succeeded")
        yield


def reports_of(claim: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a run and a result, as an agent would."""
    now = datetime.now(UTC).isoformat()
    common = {"action_id": claim["spec"]["id"], "attempt": claim["attempt"]}
    run = {"run_id": make_id(), "status": "successful", "started_at": now, "ended_at": now}
    host = {"host": "h1", "outcome": "changed"}
    return [
        {"kind": "run", "id": make_id(), "wave": 0, "playbook": "x", "request_hash": "0", "outcome": run, **common},
        {
            "kind": "result",
            "id": make_id(),
            "status": "succeeded",
            "outcome": "changed",
            "health": "passing",
            "hosts": [host],
            "finished_at": now,
            **common,
        },
    ]


def upload(target: Target, ledger: Ledger) -> Iterator[None]:
    """Add packages, and an environment beside each."""
    client = Client(target.url, target.token)
    while True:
        name = make_id()
        content = archive(name)
        package = client.post(f"/api/v2/modelPackages/?name={name}&version=1", data=content).json()
        ledger.note("package", package["id"])
        ledger.note("archive", hashlib.sha256(content).hexdigest())
        yield
        environment = client.post("/api/v2/predictionEnvironments/", {"name": name}).json()
        ledger.note("environment", environment["id"])
        yield


WORKS: tuple[Callable[[Target, Ledger], Iterator[None]], ...] = (launch, launch, work, work, upload)


class Crowd:
    """All of them at once, a thread each."""

    def __init__(self, target: Target, ledger: Ledger) -> None:
        self.faults: list[BaseException] = []
        self._threads = [threading.Thread(target=self._go, args=(one(target, ledger),)) for one in WORKS]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _go(self, work: Iterator[None]) -> None:
        try:
            for _ in work:
                pass
        except NO_ANSWER:
            return
        except Exception as fault:  # noqa: BLE001 - the round tells it
            self.faults.append(fault)
