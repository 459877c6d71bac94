"""A control plane at the transport's seam: a function from request to answer, and what was asked."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable

import requests
from requests.adapters import BaseAdapter

from mgmt_ansible.client import Client

URL = "http://control-plane.test"

Answer = tuple[int, object] | tuple[int, object, dict[str, str]] | Exception
MOMENT = "2026-01-02T03:04:05Z"


class ScriptedAdapter(BaseAdapter):
    """Answers by a function; remembers the requests."""

    def __init__(self, answer: Callable[[requests.PreparedRequest], Answer]) -> None:
        super().__init__()
        self.requests: list[requests.PreparedRequest] = []
        self.bodies: list[bytes] = []
        self._answer = answer

    def send(self, request, **options):
        self.requests.append(request)
        self.bodies.append(_body_of(request))
        given = self._answer(request)
        if isinstance(given, Exception):
            raise given
        status, content, headers = given if len(given) == 3 else (*given, {})
        response = requests.Response()
        response.status_code = status
        response.request = request
        response.url = request.url
        response.headers.update(headers)
        octets = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
        response.raw = io.BytesIO(octets)
        return response

    def close(self):
        """Nothing is open."""


def connect(answer: Callable[[requests.PreparedRequest], Answer]) -> tuple[Client, ScriptedAdapter]:
    """Return a client whose requests go to a function."""
    adapter = ScriptedAdapter(answer)
    session = requests.Session()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return Client(URL, "mga_secret", session=session), adapter


def in_turn(answers: Iterable[Answer]) -> Callable[[requests.PreparedRequest], Answer]:
    """Return a function that gives one answer after the other."""
    waiting = iter(answers)
    return lambda request: next(waiting)


def page(*data: object, following: str | None = None) -> dict[str, object]:
    """Return a list's answer."""
    return {"count": len(data), "totalCount": len(data), "next": following, "previous": None, "data": list(data)}


def health(status: str = "passing") -> dict[str, object]:
    """Return a health as the API says it."""
    return {"status": status, "message": ""}


def environment(**fields: object) -> dict[str, object]:
    """Return an environment as the API says it."""
    return {
        "id": "e" * 24,
        "name": "loopback",
        "platform": "onPremise",
        "description": "",
        "supportedModelFormats": ["externalModel"],
        "isManagedByManagementAgent": True,
        "managedBy": "mgmt-ansible",
        "statusIntervalSeconds": 60.0,
        "health": health(),
        "createdAt": MOMENT,
        **fields,
    }


def package(**fields: object) -> dict[str, object]:
    """Return a package as the API says it."""
    return {
        "id": "a" * 24,
        "name": "wine",
        "version": "1",
        "digest": "d" * 64,
        "archiveSha256": "0" * 64,
        "archiveBytes": 10,
        "runtime": "onnx",
        "modelId": "d" * 64,
        "createdAt": MOMENT,
        **fields,
    }


def deployment(**fields: object) -> dict[str, object]:
    """Return a deployment as the API says it."""
    brief = {key: package()[key] for key in ("id", "name", "version", "digest")}
    place = {key: environment()[key] for key in ("id", "name", "platform", "isManagedByManagementAgent")}
    return {
        "id": "wine",
        "label": "Wine",
        "description": "",
        "status": "active",
        "state": "ready",
        "importance": "LOW",
        "generation": 3,
        "port": None,
        "createdAt": MOMENT,
        "updatedAt": MOMENT,
        "modelPackage": brief,
        "predictionEnvironment": place,
        "serviceHealth": health(),
        **fields,
    }


def action(**fields: object) -> dict[str, object]:
    """Return an action as the API says it."""
    return {
        "id": "c" * 24,
        "type": "deployment_stop",
        "status": "running",
        "predictionEnvironmentId": "e" * 24,
        "deploymentId": "wine",
        "generation": 4,
        "attempt": 1,
        "agent": "first",
        "requestedBy": "admin",
        "requestedAt": MOMENT,
        "startedAt": None,
        "finishedAt": None,
        "cancelRequested": False,
        "outcome": None,
        "cause": None,
        "message": "",
        "progress": "",
        **fields,
    }


def deployment_event(sequence: int, **fields: object) -> dict[str, object]:
    """Return an entry of the feed as the API says it."""
    return {
        "id": f"{sequence:024x}",
        "sequence": sequence,
        "type": "model_deployments.deployment_launch_succeeded",
        "statusType": "success",
        "health": "passing",
        "title": "launched",
        "message": f"message {sequence}",
        "timestamp": MOMENT,
        "receivedAt": MOMENT,
        "predictionEnvironmentId": "e" * 24,
        "deploymentId": "wine",
        "actionId": None,
        "runId": None,
        "generation": 3,
        "host": None,
        "actor": "admin",
        "data": {},
        **fields,
    }


def server_sent(*entries: dict[str, object]) -> bytes:
    """Return entries as an event stream."""
    return b"".join(
        f"id: {one['sequence']}\nevent: deployment_event\ndata: {json.dumps(one)}\n\n".encode() for one in entries
    )


def _body_of(request: requests.PreparedRequest) -> bytes:
    body = request.body
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    chunks = []
    while chunk := body.read(8192):
        chunks.append(chunk)
    return b"".join(chunks)


def retention_policy(**fields: object) -> dict[str, object]:
    """Return a policy as the API says it."""
    return {
        "id": "b" * 24,
        "name": "incidents",
        "keepDays": 365,
        "predictionEnvironmentId": None,
        "labels": [],
        "types": [],
        "categories": [],
        "healths": ["failing"],
        "changedBy": "ann",
        "changedAt": MOMENT,
        **fields,
    }


def legal_hold(**fields: object) -> dict[str, object]:
    """Return a hold as the API says it."""
    return {
        "id": "c" * 24,
        "predictionEnvironmentId": "e" * 24,
        "deploymentId": "wine",
        "reason": "case 7",
        "placedBy": "ann",
        "placedAt": MOMENT,
        **fields,
    }


def retention_report(**fields: object) -> dict[str, object]:
    """Return what retention would remove, or removed, as the API says it."""
    return {
        "pruned": False,
        "complete": True,
        "entries": 5,
        "runs": 2,
        "oldestAt": MOMENT,
        "newestAt": MOMENT,
        "policies": [{"name": "default", "entries": 5, "runs": 2}],
        "protections": [],
        "predictionEnvironments": [{"name": "e" * 24, "entries": 5, "runs": 2}],
        **fields,
    }
