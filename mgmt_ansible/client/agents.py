"""Agents, through `/api/v2`."""

from __future__ import annotations

from collections.abc import Iterator

from mgmt_ansible.client.transport import Transport
from mgmt_ansible.wire.api_v2 import Agent


class Agents:
    """Verbs on agents."""

    def __init__(self, transport: Transport) -> None:
        """Speak through a transport."""
        self._transport = transport

    def list_agents(self) -> Iterator[Agent]:
        """Yield every agent as it last announced itself."""
        return self._transport.pages(Agent, "agents/")
