"""What monitors report: entries for the feed, words on a deployment's health, and counts of predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mgmt_ansible import errors
from mgmt_ansible.control_plane.entries import append_event
from mgmt_ansible.control_plane.responses import keep_requests
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.control_plane.store.deployment_shapes import first_day
from mgmt_ansible.control_plane.wakeups import Wakeups
from mgmt_ansible.domain.monitors import OUR_PREFIX, feed_type, health_of_event, judgement_of
from mgmt_ansible.domain.redaction import clean_text, redact, without_secrets
from mgmt_ansible.wire import monitoring as shapes

_MESSAGE_CHARACTERS = 16_384


class Monitoring:
    """Takes reports of monitors; NotFoundError for unknown deployments and environments."""

    def __init__(self, store: Store, wakeups: Wakeups) -> None:
        self._store = store
        self._wakeups = wakeups

    def report(self, body: shapes.RemoteEventIn, *, monitor: str) -> None:
        """Take an event into the feed; one that judges a health is the monitor's newest word on it.

        Args:
            body: What happened.
            monitor: Who says so: the token's name.

        Raises:
            InvalidRequestError: The type is one of ours, or it is about nothing.
        """
        if body.event_type.startswith(OUR_PREFIX):
            raise errors.InvalidRequestError(f"eventType: {OUR_PREFIX}* is told by the control plane only")
        with self._store.write() as tx:
            environment_id = _environment_of(tx, body)
            _append(tx, body, environment_id, monitor)
            if body.deployment_id is not None:
                _judge(tx, body, body.deployment_id, monitor)
        self._wakeups.notify()

    def list_words(self, deployment_id: str) -> tuple[shapes.MonitorWord, ...]:
        """Return what each monitor said last of each health of a deployment."""
        with self._store.read() as tx:
            tx.deployments.record(deployment_id)
            return tx.monitoring.words(deployment_id)

    def forget(self, deployment_id: str, monitor: str) -> None:
        """Forget what a monitor said, for one that is not there any more; NotFoundError when it said nothing."""
        with self._store.write() as tx:
            tx.deployments.record(deployment_id)
            if not tx.monitoring.forget(deployment_id, monitor):
                raise errors.NotFoundError(f"monitor {monitor} said nothing of deployment {deployment_id}")
            tx.monitoring.show((deployment_id,), at=tx.now)
        self._wakeups.notify()

    def count_requests(self, deployment_id: str, body: shapes.PredictionRequestsIn) -> shapes.Message:
        """Count requests and the predictions that they made."""
        rows = body.data
        added = {
            "rows": len(rows),
            "predictions": sum(row.num_predictions or 0 for row in rows),
            "user_errors": sum(bool(row.user_error) for row in rows),
            "server_errors": sum(bool(row.system_error) for row in rows),
            "execution_milliseconds": sum(row.execution_time or 0.0 for row in rows),
        }
        return self._count(deployment_id, "predictionRequests", added, measured=rows)

    def count_rows(self, deployment_id: str, kind: str, rows: Sequence[object]) -> shapes.Message:
        """Count rows of which nothing is kept: inputs, statistics, actuals."""
        return self._count(deployment_id, kind, {"rows": len(rows)})

    def usage(self, deployment_id: str) -> list[shapes.UsageCount]:
        """Return what was counted in the last days, oldest first."""
        with self._store.read() as tx:
            tx.deployments.record(deployment_id)
            since = first_day(tx.now)
            return tx.monitoring.usage([deployment_id], since=since).get(deployment_id, [])

    def _count(
        self,
        deployment_id: str,
        kind: str,
        added: Mapping[str, float],
        *,
        measured: Sequence[shapes.PredictionRequest] = (),
    ) -> shapes.Message:
        with self._store.write() as tx:
            tx.deployments.record(deployment_id)
            tx.monitoring.count(deployment_id, tx.now.date().isoformat(), kind, added, at=tx.now)
            keep_requests(tx, deployment_id, measured)
        return shapes.Message(message=f"{added['rows']} row(s) counted; their contents are not kept")


def _environment_of(tx: Transaction, body: shapes.RemoteEventIn) -> str:
    if body.deployment_id is not None:
        environment_id = tx.deployments.record(body.deployment_id).environment_id
        if body.prediction_environment_id not in (None, environment_id):
            raise errors.InvalidRequestError("predictionEnvironmentId: the deployment is in another; leave it out")
        return environment_id
    if body.prediction_environment_id is None:
        raise errors.InvalidRequestError(
            "deploymentId: name a deployment or, as predictionEnvironmentId, an environment"
        )
    return tx.environments.record(body.prediction_environment_id).id


def _append(tx: Transaction, body: shapes.RemoteEventIn, environment_id: str, monitor: str) -> None:
    told = body.model_dump(
        mode="json",
        by_alias=True,
        exclude_none=True,
        include={"data", "prediction_request_data", "spooler_channel_data", "moderation_data", "org_id"},
    )
    event_type = feed_type(body.event_type)
    append_event(
        tx,
        type=event_type,
        environment_id=environment_id,
        deployment_id=body.deployment_id,
        health=health_of_event(event_type, body.status_type),
        occurred_at=body.timestamp,
        title=clean_text(body.title) or event_type,
        message=clean_text(body.message, limit=_MESSAGE_CHARACTERS),
        actor=f"monitor:{monitor}",
        data={name: without_secrets(value) for name, value in told.items()},
    )


def _judge(tx: Transaction, body: shapes.RemoteEventIn, deployment_id: str, monitor: str) -> None:
    judgement = judgement_of(feed_type(body.event_type))
    if judgement is None:
        return
    aspect, health = judgement
    deployment = tx.deployments.record(deployment_id)
    tx.monitoring.say(
        deployment_id,
        monitor,
        aspect,
        {
            "health": health.value,
            "message": redact(clean_text(body.message or body.title)),
            "event_type": feed_type(body.event_type),
            "generation": deployment.generation,
            "said_at": body.timestamp,
            "received_at": tx.now,
        },
    )
    tx.monitoring.show((deployment_id,), at=tx.now)
