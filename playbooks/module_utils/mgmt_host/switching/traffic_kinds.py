"""Traffic kinds: what holds the stable port of a deployment.

| kind | the stable port is held by | while a model is replaced |
|---|---|---|
| `haproxy` | a proxy of the deployment's own, see `haproxy` | both models run; the old one stops when it has nothing left to answer |
| `systemd_socket` | systemd, for a relay of the deployment's own, see `relay` | the same; connections that clients do not use are closed |
| `none` | the live slot's own server | nobody answers from the old one's end to the new one's start |

A slot behind a proxy says so in `slot.json`: `traffic`, `stable_port` and `stable_address`; its own `port` is private.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from ..failures import HostError, evidence
from ..inputs import Inputs
from ..machine import ports
from ..running import systemd_manager
from . import haproxy

HAPROXY, SYSTEMD_SOCKET, NONE, AUTO = "haproxy", "systemd_socket", "none", "auto"
SETTINGS = (AUTO, HAPROXY, SYSTEMD_SOCKET, NONE)


@dataclass(frozen=True)
class Choice:
    """A traffic kind, and why it is that one.

    Attributes:
        kind: `HAPROXY`, `SYSTEMD_SOCKET` or `NONE`.
        reason: Part of a sentence.
    """

    kind: str
    reason: str


def choose(inputs: Inputs) -> Choice:
    """Return how traffic shall reach the deployment's models.

    Raises:
        HostError: `dependency`: HAProxy or systemd is asked for and not there, or the port is not for this account;
            `playbook_error`: nobody knows such a kind.
    """
    ports.require_allowed(inputs.port or ports.FIRST)
    wanted, found = inputs.traffic, haproxy.find_program() is not None
    if wanted not in SETTINGS:
        message = "traffic must be one of {}, not {!r}".format(", ".join(SETTINGS), wanted)
        raise HostError("playbook_error", message)
    if wanted == HAPROXY and not found:
        message = "HAProxy is not on this host: install the package haproxy, or set traffic to none"
        raise HostError("dependency", message, [evidence("path", os.environ.get("PATH", os.defpath))])
    if wanted == SYSTEMD_SOCKET and not systemd_manager.is_here():
        raise HostError(
            "dependency", "traffic systemd_socket needs systemd as process 1 of this host; use haproxy or none"
        )
    if wanted == AUTO:
        return Choice(HAPROXY, "HAProxy is on this host") if found else Choice(NONE, "HAProxy is not on this host")
    return Choice(wanted, "the agent's configuration says so")


def kind_of(config: dict[str, Any]) -> str:
    """Return how traffic reaches what a `slot.json` describes; one of before there were kinds has none."""
    return str(config.get("traffic") or NONE)


def is_proxied(config: dict[str, Any]) -> bool:
    """Tell whether a proxy stands before what a `slot.json` describes: HAProxy or a relay."""
    return kind_of(config) != NONE
