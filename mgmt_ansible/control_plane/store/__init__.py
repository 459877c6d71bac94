"""The store: SQLAlchemy Core and Alembic live here and nowhere else; out come wire models and domain values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from mgmt_ansible.control_plane.current_request import current_request, current_scope
from mgmt_ansible.control_plane.store import copies, migrating, scoping
from mgmt_ansible.control_plane.store.access import AccessRows
from mgmt_ansible.control_plane.store.actions import ActionRows
from mgmt_ansible.control_plane.store.agents import AgentRows
from mgmt_ansible.control_plane.store.audit import AuditRows
from mgmt_ansible.control_plane.store.database import Database
from mgmt_ansible.control_plane.store.deliveries import DeliveryRows
from mgmt_ansible.control_plane.store.deployment_events import DeploymentEventRows
from mgmt_ansible.control_plane.store.deployment_hosts import DeploymentHostRows
from mgmt_ansible.control_plane.store.deployments import DeploymentRows
from mgmt_ansible.control_plane.store.environments import EnvironmentRows
from mgmt_ansible.control_plane.store.history import HistoryRows
from mgmt_ansible.control_plane.store.hooks import HookRows
from mgmt_ansible.control_plane.store.host_checks import HostCheckRows
from mgmt_ansible.control_plane.store.invitations import InvitationRows
from mgmt_ansible.control_plane.store.key_values import KeyValueRows
from mgmt_ansible.control_plane.store.monitoring import MonitoringRows
from mgmt_ansible.control_plane.store.notifications import NotificationRows
from mgmt_ansible.control_plane.store.orphans import OrphanRows
from mgmt_ansible.control_plane.store.packages import PackageRows
from mgmt_ansible.control_plane.store.pruning import PruningRows
from mgmt_ansible.control_plane.store.registered_models import RegisteredModelRows
from mgmt_ansible.control_plane.store.responses import ResponseRows
from mgmt_ansible.control_plane.store.retention import RetentionRows
from mgmt_ansible.control_plane.store.run_logs import RunLogRows
from mgmt_ansible.control_plane.store.runs import RunRows
from mgmt_ansible.control_plane.store.saved_views import SavedViewRows
from mgmt_ansible.control_plane.store.tags import TagRows
from mgmt_ansible.control_plane.store.users import UserRows


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """What one transaction can touch; `now` is the aware UTC time at which it began."""

    now: datetime
    environments: EnvironmentRows
    hooks: HookRows
    tags: TagRows
    key_values: KeyValueRows
    monitoring: MonitoringRows
    responses: ResponseRows
    packages: PackageRows
    registered_models: RegisteredModelRows
    deployments: DeploymentRows
    deployment_hosts: DeploymentHostRows
    actions: ActionRows
    deployment_events: DeploymentEventRows
    runs: RunRows
    run_logs: RunLogRows
    agents: AgentRows
    access: AccessRows
    invitations: InvitationRows
    host_checks: HostCheckRows
    orphans: OrphanRows
    users: UserRows
    saved_views: SavedViewRows
    audit: AuditRows
    history: HistoryRows
    retention: RetentionRows
    pruning: PruningRows
    notifications: NotificationRows
    deliveries: DeliveryRows


class Store:
    """Opens transactions on one database.

    Args:
        url: `sqlite:///PATH` or `postgresql://...`.
        clock: Tells the aware UTC time; None takes the database's.
    """

    def __init__(self, url: str, *, clock: Callable[[], datetime] | None = None) -> None:
        self._database = Database(url, clock=clock)
        scoping.install(self._database.engine)

    @property
    def path(self) -> Path | None:
        """Of SQLite's file; None for PostgreSQL."""
        return self._database.path

    @property
    def full(self) -> str:
        """Why the last write failed, when it was for lack of room; else empty."""
        return self._database.full

    def check(self, *, thorough: bool = False) -> None:
        """Look whether the database is whole, also its indexes when that is asked for; StoreError when it is damaged."""
        self._database.check(thorough=thorough)

    def copy_out(self, target: Path, progress: copies.Progress) -> copies.DatabaseCopy:
        """See `copies.copy_out`."""
        return copies.copy_out(self._database, target, progress)

    def check_copy(self, source: Path, kind: str, revision: str) -> None:
        """See `copies.check_copy`."""
        copies.check_copy(self._database, source, kind, revision)

    def copy_in(self, source: Path) -> None:
        """See `copies.copy_in`."""
        copies.copy_in(self._database, source)

    def step_back(self, to: str) -> None:
        """See `migrating.step_back`."""
        migrating.step_back(self._database, to=to)

    def step_forward(self, to: str) -> None:
        """See `migrating.migrate`."""
        migrating.migrate(self._database, to=to)

    def revision(self) -> str:
        """Return the revision of the schema that is there; empty without one."""
        return migrating.revision_of(self._database)

    def is_empty(self) -> bool:
        """Tell whether there is nothing that a restore would remove."""
        return copies.is_empty(self._database)

    def in_use(self) -> bool:
        """Tell whether others are connected to a PostgreSQL database; of SQLite nobody can tell."""
        return copies.in_use(self._database)

    def prepare(self) -> None:
        """Check the database and bring it to the present schema.

        Raises:
            StoreError: Damaged, from a newer version, or not reachable.
        """
        self._database.check()
        migrating.migrate(self._database)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a transaction that excludes every other writer; an exception undoes it.

        A change that a person's request makes has its entry in the audit in the same transaction: what the block noted,
        else one that names the request.

        Raises:
            StoreUnavailableError: Locked for 5 s, unreachable, or out of disk.
            ConflictError: A constraint refused.
        """
        with self._database.write() as connection, _scoped(connection):
            tx = self._transaction(connection)
            yield tx
            tx.history.remember(tx.deployments.touched)
            noted = tx.audit.finish()
        request = current_request()
        if request is not None and noted:
            request.noted = True

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction for reading."""
        with self._database.read() as connection, _scoped(connection):
            yield self._transaction(connection)

    def checkpoint(self) -> float:
        """Bring SQLite's write-ahead log into the file now: else a writer who comes later does it with its commit.

        Returns:
            How many seconds other writers were kept out.
        """
        return self._database.checkpoint()

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def _transaction(self, connection: sa.Connection) -> Transaction:
        now = self._database.now(connection)
        return Transaction(
            now=now,
            environments=EnvironmentRows(connection),
            hooks=HookRows(connection),
            tags=TagRows(connection),
            key_values=KeyValueRows(connection),
            monitoring=MonitoringRows(connection),
            responses=ResponseRows(connection),
            packages=PackageRows(connection),
            registered_models=RegisteredModelRows(connection),
            deployments=DeploymentRows(connection),
            deployment_hosts=DeploymentHostRows(connection),
            actions=ActionRows(connection),
            deployment_events=DeploymentEventRows(connection),
            runs=RunRows(connection),
            run_logs=RunLogRows(connection),
            agents=AgentRows(connection),
            access=AccessRows(connection),
            invitations=InvitationRows(connection),
            host_checks=HostCheckRows(connection),
            orphans=OrphanRows(connection),
            users=UserRows(connection),
            saved_views=SavedViewRows(connection),
            audit=AuditRows(connection, now),
            history=HistoryRows(connection, now),
            retention=RetentionRows(connection),
            pruning=PruningRows(connection),
            notifications=NotificationRows(connection, now),
            deliveries=DeliveryRows(connection),
        )


@contextmanager
def _scoped(connection: sa.Connection) -> Iterator[None]:
    """Let a connection read what the request at hand may see."""
    connection.info[scoping.OPTION] = current_scope()
    try:
        yield
    finally:
        connection.info.pop(scoping.OPTION, None)
