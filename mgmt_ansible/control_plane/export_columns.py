"""Columns: what a line of each list has as a file, of which kind, in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from operator import attrgetter
from typing import Generic, TypeVar

from mgmt_ansible.wire import api_v2

T = TypeVar("T", bound=api_v2.WireModel)


class Kind(Enum):
    """Of a column; any cell of it may be empty."""

    TEXT = auto()
    NUMBER = auto()
    SECONDS = auto()
    TIME = auto()
    JSON = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Generic[T]):
    """How a list is a table.

    Attributes:
        name: Of its files, without their ending; of a sheet with blanks.
        columns: Name -> kind, in their order.
        cells: Of a line, in the same order: None, texts, numbers, aware times, and what JSON can say.
    """

    name: str
    columns: Mapping[str, Kind]
    cells: Callable[[T], Sequence[object]]


_OF_EVENTS = {
    "sequence": Kind.NUMBER,
    "timestamp": Kind.TIME,
    "type": Kind.TEXT,
    "health": Kind.TEXT,
    "title": Kind.TEXT,
    "message": Kind.TEXT,
    "prediction_environment_id": Kind.TEXT,
    "deployment_id": Kind.TEXT,
    "generation": Kind.NUMBER,
    "host": Kind.TEXT,
    "actor": Kind.TEXT,
    "action_id": Kind.TEXT,
    "run_id": Kind.TEXT,
    "id": Kind.TEXT,
    "received_at": Kind.TIME,
    "data": Kind.JSON,
}

_OF_DEPLOYMENTS = {
    "label": (Kind.TEXT, "label"),
    "id": (Kind.TEXT, "id"),
    "health": (Kind.TEXT, "service_health.status"),
    "health_message": (Kind.TEXT, "service_health.message"),
    "health_since": (Kind.TIME, "service_health.start_date"),
    "state": (Kind.TEXT, "state"),
    "package": (Kind.TEXT, "model_package.name"),
    "version": (Kind.TEXT, "model_package.version"),
    "digest": (Kind.TEXT, "model_package.digest"),
    "generation": (Kind.NUMBER, "generation"),
    "environment": (Kind.TEXT, "prediction_environment.name"),
    "prediction_environment_id": (Kind.TEXT, "prediction_environment.id"),
    "importance": (Kind.TEXT, "importance"),
    "owner": (Kind.TEXT, "owners.preview"),
    "description": (Kind.TEXT, "description"),
    "prediction_url": (Kind.TEXT, "prediction_url"),
    "created_at": (Kind.TIME, "created_at"),
    "updated_at": (Kind.TIME, "updated_at"),
}
"""Name -> kind, and where it is in the API's object."""

_DEPLOYMENT_CELLS = attrgetter(*(path for _, path in _OF_DEPLOYMENTS.values()))

_OF_RUNS = {
    "sequence": Kind.NUMBER,
    "started_at": Kind.TIME,
    "ended_at": Kind.TIME,
    "seconds": Kind.SECONDS,
    "playbook": Kind.TEXT,
    "status": Kind.TEXT,
    "message": Kind.TEXT,
    "prediction_environment_id": Kind.TEXT,
    "deployment_id": Kind.TEXT,
    "hosts": Kind.NUMBER,
    "outcomes": Kind.JSON,
    "action_id": Kind.TEXT,
    "attempt": Kind.NUMBER,
    "wave": Kind.NUMBER,
    "ansible_version": Kind.TEXT,
    "log_lines": Kind.NUMBER,
    "id": Kind.TEXT,
}


def _of_deployment(deployment: api_v2.Deployment) -> Sequence[object]:
    cells = dict(zip(_OF_DEPLOYMENTS, _DEPLOYMENT_CELLS(deployment), strict=True))
    return list({**cells, "owner": next((one.username for one in deployment.owners.preview), None)}.values())


def _of_run(run: api_v2.Run) -> Sequence[object]:
    seconds = None if run.ended_at is None else (run.ended_at - run.started_at).total_seconds()
    told = {"seconds": seconds, "hosts": sum(run.outcomes.values())}
    return [told[name] if name in told else getattr(run, name) for name in _OF_RUNS]


EVENTS: Table[api_v2.DeploymentEvent] = Table(
    name="deployment-events", columns=_OF_EVENTS, cells=attrgetter(*_OF_EVENTS)
)
DEPLOYMENTS: Table[api_v2.Deployment] = Table(
    name="deployments",
    columns={name: kind for name, (kind, _) in _OF_DEPLOYMENTS.items()},
    cells=_of_deployment,
)
RUNS: Table[api_v2.Run] = Table(name="runs", columns=_OF_RUNS, cells=_of_run)
