"""As-of: what deployments were at a time, and what differs between two times."""

from __future__ import annotations

from datetime import datetime

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.wire import history as shapes


class History:
    """Reads the history of deployments."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def deployments_at(self, moment: datetime) -> shapes.DeploymentsThen:
        """Return what deployments were at an aware time.

        Raises:
            InvalidRequestError: The history does not go back so far, or the time is still to come.
        """
        with self._store.read() as tx:
            _check(tx, "asOf", moment)
            found = tx.history.at(moment)
            return shapes.DeploymentsThen(as_of=moment, since=tx.history.begin(), count=len(found), data=list(found))

    def differences(self, before: datetime, after: datetime) -> shapes.DeploymentDifferences:
        """Return which deployments are not what they were.

        Raises:
            InvalidRequestError: The history does not go back so far, or a time is still to come.
        """
        with self._store.read() as tx:
            _check(tx, "from", before)
            _check(tx, "to", after)
            then, later = ({one.id: one for one in tx.history.at(moment)} for moment in (before, after))
            since = tx.history.begin()
        pairs = ((then.get(deployment_id), later.get(deployment_id)) for deployment_id in sorted({*then, *later}))
        found = [difference for one, other in pairs if (difference := _difference(one, other)) is not None]
        return shapes.DeploymentDifferences(from_time=before, to_time=after, since=since, count=len(found), data=found)


def _check(tx: Transaction, name: str, moment: datetime) -> None:
    since = tx.history.begin()
    if moment < since:
        raise errors.InvalidRequestError(f"{name}: the history of deployments begins at {since.isoformat()}")
    if moment > tx.now:
        raise errors.InvalidRequestError(f"{name}: {moment.isoformat()} is still to come")


def _difference(
    before: shapes.DeploymentThen | None, after: shapes.DeploymentThen | None
) -> shapes.DeploymentDifference | None:
    one, other = (then.model_dump(mode="json", by_alias=True) if then else {} for then in (before, after))
    fields = [] if before is None or after is None else [name for name in one if one[name] != other[name]]
    fields = [name for name in fields if name != "fromAt"]
    if before is not None and after is not None and not fields:
        return None
    kind = shapes.Difference.ADDED if before is None else shapes.Difference.REMOVED
    kind = shapes.Difference.CHANGED if fields else kind
    deployment_id = before.id if before else after.id if after else ""
    return shapes.DeploymentDifference(id=deployment_id, difference=kind, before=before, after=after, fields=fields)
