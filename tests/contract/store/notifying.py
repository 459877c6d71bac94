"""Channels, policies and entries for tests of notifications, put straight into a site's database."""

from __future__ import annotations

from dataclasses import dataclass, field

from mgmt_ansible.control_plane.entries import append_event
from mgmt_ansible.control_plane.notifying.dispatching import Dispatcher
from mgmt_ansible.domain.deployment_events import health_event_type
from mgmt_ansible.domain.event_groups import EventGroup
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.notifications import ScopeType
from mgmt_ansible.wire import notifications as shapes
from tests.contract.store.sites import Site


@dataclass(slots=True)
class Desk:
    """One who decides what is told, and reads what came of it."""

    site: Site
    dispatcher: Dispatcher = field(init=False)

    def __post_init__(self) -> None:
        self.dispatcher = Dispatcher(self.site.store, log_days=90)

    def channel(self, channel_id: str = "c") -> str:
        at = self.site.clock()
        values = {
            "id": channel_id,
            "name": f"Name of {channel_id}",
            "type": shapes.ChannelType.WEBHOOK.value,
            "scope": ScopeType.EVERYTHING.value,
            "scope_id": "all",
            "shown": {},
            "sealed": "",
            "created_by": "ann",
            "created_at": at,
            "updated_at": at,
        }
        with self.site.store.write() as tx:
            tx.notifications.insert_channel(values)
        return channel_id

    def policy(self, policy_id: str = "p", channel_id: str = "c", **fields: object) -> str:
        at = self.site.clock()
        with self.site.store.write() as tx:
            values = {
                "event_group": EventGroup.PROBLEMS.value,
                "event_type": None,
                "scope": ScopeType.EVERYTHING.value,
                "scope_id": "all",
                "maximal_frequency": None,
                "active": True,
                "after_sequence": tx.deployment_events.newest_sequence(),
                "created_by": "ann",
                "created_at": at,
                "updated_at": at,
                **fields,
            }
            tx.notifications.insert_policy({"id": policy_id, "name": policy_id, "channel_id": channel_id, **values})
        return policy_id

    def mute(self, **fields: object) -> None:
        values = {"policy_id": None, "deployment_id": None, "until": None, **fields}
        with self.site.store.write() as tx:
            tx.notifications.insert_mute({"id": "m", "reason": "", "created_by": "ann", "created_at": tx.now, **values})

    def happens(self, health: Health = Health.FAILING, deployment_id: str = "d1", count: int = 1) -> None:
        """Append entries of a health to the feed."""
        with self.site.store.write() as tx:
            for _ in range(count):
                append_event(
                    tx,
                    type=health_event_type(health),
                    environment_id=self.site.environment.id,
                    deployment_id=deployment_id,
                    health=health,
                    title=f"Health is {health}",
                    message="1 of 2 hosts serve",
                )

    def dispatch(self) -> None:
        while self.dispatcher.dispatch():
            pass

    def log(self, **asked: object) -> list[shapes.NotificationLog]:
        """Return deliveries, oldest first."""
        names = ("channel_id", "policy_id", "deployment_id", "status")
        with self.site.store.read() as tx:
            found = tx.deliveries.list(**{**dict.fromkeys(names), **asked}, limit=500, offset=0)
        return found.data[::-1]

    def told(self) -> list[tuple[str, str, int]]:
        """Return (health or `recovered`, status, how many it counts), oldest first."""
        return [("recovered" if one.recovered else one.health.value, one.status, one.held_count) for one in self.log()]
