"""The carriers there are, by the word that `slot.json` has."""

from __future__ import annotations

from typing import Any

from ..failures import HostError
from . import container_carrier, process_carrier, systemd_carrier
from .carrying import Carrier

PROCESS = process_carrier.ProcessCarrier()
_ALL: tuple[Carrier, ...] = (
    *(PROCESS, systemd_carrier.OF_SYSTEM, systemd_carrier.OF_USER),
    *(container_carrier.DOCKER, container_carrier.PODMAN),
)
ROWS: dict[str, Carrier] = {carrier.name: carrier for carrier in _ALL}


def of(config: dict[str, Any]) -> Carrier:
    """Return what carries a slot's configuration; a slot of before there were carriers is a `process`.

    Raises:
        HostError: This version knows no such carrier.
    """
    return require(str(config.get("carrier") or PROCESS.name))


def require(name: str) -> Carrier:
    """Return a carrier.

    Raises:
        HostError: This version knows no such carrier.
    """
    if name not in ROWS:
        message = "this version knows no carrier {!r}, as which slot.json names it; use one of {}"
        raise HostError("unknown", message.format(name, ", ".join(ROWS)))
    return ROWS[name]
