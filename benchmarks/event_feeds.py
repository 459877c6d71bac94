"""A large feed as a fleet makes it: entries, deployments and looks, from a seed.

Entries go through the store's own code, words included, but without a request each.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mgmt_ansible.control_plane.package_files import PackageFiles
from mgmt_ansible.control_plane.registry import Registry
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.control_plane.store.environments import EnvironmentFilters
from mgmt_ansible.control_plane.store.packages import EVERY_PACKAGE
from mgmt_ansible.control_plane.wakeups import Wakeups
from mgmt_ansible.domain.actions import ActionSpec, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health
from mgmt_ansible.wire import api_v2
from tests.contract.store.sites import ScriptedContents

ENVIRONMENTS = 20
DEPLOYMENTS = 1_000
HOSTS = 400
ACTORS = 40
OLD_SHARE = 0.2
"""Of the entries: older than retention keeps."""
KEPT_DAYS = 90
RARE = "quokka"
"""A word of a few entries."""
EVERYWHERE = "prediction"
"""A word of all entries."""

_KINDS = (
    ("model_deployments.management_agent_service_health_green", Health.PASSING, "Health is passing, was warning", 30),
    ("model_deployments.management_agent_service_health_yellow", Health.WARNING, "Health is warning, was passing", 12),
    ("model_deployments.management_agent_service_health_red", Health.FAILING, "Health is failing, was passing", 8),
    ("model_deployments.deployment_launch_started", Health.INFO, "Launch started", 10),
    ("model_deployments.deployment_launch_succeeded", Health.PASSING, "Launch succeeded", 9),
    ("model_deployments.deployment_launch_failed", Health.FAILING, "Launch failed", 1),
    ("model_deployments.model_replacement_started", Health.INFO, "Model replacement started", 8),
    ("model_deployments.model_replacement_succeeded", Health.PASSING, "Model replacement succeeded", 8),
    ("model_deployments.deployment_shutdown_succeeded", Health.INFO, "Shutdown succeeded", 5),
    ("monitoring.spooler_channel_red", Health.FAILING, "Spooler channel is red", 5),
    ("prediction_request.rate_red", Health.WARNING, "Request rate is low", 3),
    ("mgmt_ansible.result_ignored", Health.WARNING, "A late result was ignored", 1),
)
_MESSAGES = (
    "all hosts answer the prediction route",
    "No space left on device: [Errno 28] while writing the prediction log",
    "the gate of the prediction server did not open within 60 s",
    "connection to the host was refused on port 22; prediction goes on elsewhere",
    "prediction latency is above the limit of 250 ms for the last 5 minutes",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the entries speak of."""

    environment_ids: tuple[str, ...]
    package_id: str
    deployment_ids: tuple[str, ...]
    hosts: tuple[str, ...]
    actors: tuple[str, ...]


def registry_of(store: Store, folder: Path) -> Registry:
    """Return the service that makes environments and packages."""
    files = PackageFiles(folder / "packages", max_bytes=1_000)
    files.prepare()
    return Registry(store, Wakeups(), files, ScriptedContents)


def make_places(store: Store, folder: Path) -> Names:
    """Make environments, one package and deployments of it, all of them passing."""
    registry = registry_of(store, folder)
    environment_ids = tuple(make_environment(registry, f"environment{number:02d}") for number in range(ENVIRONMENTS))
    archive = registry.receive_archive()
    archive.write(b"model")
    package, _ = registry.add_package(name="model", version="1", archive=archive.finish())
    archive.discard()
    names = _names(environment_ids, package.id)
    with store.write() as tx:
        for place, deployment_id in enumerate(names.deployment_ids):
            add_deployment(tx, deployment_id, environment_ids[place % ENVIRONMENTS], package.id)
    return names


def places_in(store: Store) -> Names:
    """Return what `make_places` made in a database."""
    with store.read() as tx:
        places = tx.environments.list(EnvironmentFilters(search="environment"), limit=ENVIRONMENTS, offset=0).data
        package = tx.packages.list(EVERY_PACKAGE, limit=1, offset=0).data[0]
    return _names(tuple(place.id for place in places), package.id)


def _names(environment_ids: tuple[str, ...], package_id: str) -> Names:
    return Names(
        environment_ids=environment_ids,
        package_id=package_id,
        deployment_ids=tuple(f"deployment{number:04d}" for number in range(DEPLOYMENTS)),
        hosts=tuple(f"model-{number:03d}.example.net" for number in range(HOSTS)),
        actors=tuple(f"person{number:02d}@example.net" for number in range(ACTORS)),
    )


def make_environment(registry: Registry, name: str) -> str:
    """Make an environment that no agent is asked to look at; return its id."""
    body = api_v2.PredictionEnvironmentIn(name=name, status_interval_seconds=0)
    return registry.create_environment(body).id


def entries(names: Names, count: int, *, now: datetime, seed: int = 4) -> Iterator[dict[str, object]]:
    """Yield the columns of entries, oldest first; a fifth of them is older than retention keeps."""
    chance = random.Random(seed)  # noqa: S311 - a fixed feed, no secret
    old = int(count * OLD_SHARE)
    rare = set(chance.sample(range(count), min(count, 7)))
    for number in range(count):
        days = KEPT_DAYS + 1 + 60 * (1 - number / old) if number < old else KEPT_DAYS * 0.98 * (1 - number / count)
        yield _entry(names, chance, number, at=now - timedelta(days=days), rare=number in rare)


def _entry(names: Names, chance: random.Random, number: int, *, at: datetime, rare: bool) -> dict[str, object]:
    event_type, health, title, _ = chance.choices(_KINDS, weights=[kind[3] for kind in _KINDS])[0]
    place = min(int(chance.expovariate(1 / 150)), DEPLOYMENTS - 1)
    host = names.hosts[(place * 3 + chance.randrange(3)) % HOSTS]
    message = f"{chance.choice(_MESSAGES)}{' ' + RARE if rare else ''}"
    return {
        "id": f"{number:012x}{chance.getrandbits(48):012x}",
        "type": event_type,
        "health": health.value,
        "title": title,
        "message": f"{host}: {message}",
        "occurred_at": at - timedelta(seconds=chance.expovariate(1 / 20)),
        "received_at": at,
        "environment_id": names.environment_ids[place % ENVIRONMENTS],
        "deployment_id": names.deployment_ids[place],
        "action_id": f"{chance.getrandbits(96):024x}",
        "run_id": None,
        "generation": number % 50,
        "host": host if chance.random() < 0.6 else None,  # noqa: PLR2004 - most entries are of one host
        "actor": chance.choice(names.actors),
        "data": {
            "hosts": {host: {"outcome": "changed", "cause": None, "message": message, "url": f"http://{host}:8000/"}},
            "evidence": [{"host": host, "kind": "log_tail", "text": f"worker {number % 97} pid {number} ready in 3 s"}],
            "package": {"name": f"model{place % 60}", "version": str(number % 40), "digest": f"{place:064x}"},
        },
    }


def add_deployment(tx: Transaction, deployment_id: str, environment_id: str, package_id: str) -> None:
    """Add a deployment that runs and is passing, at generation 1."""
    body = api_v2.DeploymentIn(
        model_package_id=package_id, label=f"Label of {deployment_id}", prediction_environment_id=environment_id
    )
    tx.deployments.insert(deployment_id, body, created_at=tx.now, created_by="bench", owner="bench")
    tx.deployments.raise_generation(deployment_id, 1)
    tx.deployments.update(
        deployment_id, state=DeploymentState.READY.value, health=Health.PASSING.value, wanted_running=True, generation=1
    )


def add_looks(tx: Transaction, environment_id: str, count: int, *, agent: str) -> Sequence[str]:
    """Add looks at all deployments of an environment, each in the hands of an agent; return their ids."""
    targets = tuple(record.target for record in tx.deployments.records_of(environment_id))
    ids = [f"look{environment_id}{number:03d}"[-24:] for number in range(count)]
    for action_id in ids:
        spec = ActionSpec(
            id=action_id,
            type=ActionType.ENVIRONMENT_STATUS,
            environment_id=environment_id,
            environment_name=environment_id,
            deployments=targets,
            requested_at=tx.now,
        )
        tx.actions.insert(spec, requested_by="control plane")
        tx.actions.update(
            action_id,
            status="running",
            attempt=1,
            agent=agent,
            started_at=tx.now,
            expires_at=tx.now + timedelta(minutes=1),
        )
    return ids
