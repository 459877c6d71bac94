"""`/metrics`: what the database knows, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mgmt_ansible.control_plane.services import Services


class _StoreCollector(Collector):
    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        yield self._actions()
        yield self._events()
        yield self._agents()
        yield self._notifications()

    def _actions(self) -> Metric:
        metric = GaugeMetricFamily("mgmt_ansible_actions", "Actions by type and status.", labels=("type", "status"))
        for (action_type, status), count in sorted(self._services.actions.counts().items()):
            metric.add_metric((action_type, status), count)
        return metric

    def _events(self) -> Metric:
        metric = CounterMetricFamily("mgmt_ansible_deployment_events", "Deployment events by type.", labels=("type",))
        for event_type, count in sorted(self._services.deployment_events.counts().items()):
            metric.add_metric((event_type,), count)
        return metric

    def _agents(self) -> Metric:
        metric = GaugeMetricFamily(
            "mgmt_ansible_agent_last_seen_timestamp_seconds", "When an agent last spoke.", labels=("agent",)
        )
        for agent in self._services.agents.list_agents(limit=500).data:
            metric.add_metric((agent.name,), agent.last_seen_at.timestamp())
        return metric

    def _notifications(self) -> Metric:
        metric = GaugeMetricFamily(
            "mgmt_ansible_notifications", "Notifications in the log by status.", labels=("status",)
        )
        for status, count in sorted(self._services.notifications.log.counts().items()):
            metric.add_metric((status,), count)
        return metric


def render_metrics(services: Services) -> bytes:
    """Return the metrics as text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_StoreCollector(services))
    return generate_latest(registry)
