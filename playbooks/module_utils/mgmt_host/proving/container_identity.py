"""Prove which package a slot's container serves.

What a server of another says of itself proves nothing, and its process listens in a network of its own. So its container is
looked at: image, labels and port mapping, as the engine has them, are those of this start, nobody but the engine listens
there, and the package's files are those of its digest.
"""

from __future__ import annotations

from typing import Any

from ..failures import HostError, evidence
from ..machine import http_probe, ports
from ..running import container_carrier, container_commands, engines, slots
from . import drift, identity

_FORWARDERS = ("docker-proxy", "conmon", "rootlessport", "rootlesskit", "slirp4netns", "pasta")
"""Programs by which engines hold a published port; with some settings they hold none, and the kernel forwards alone."""


def prove(slot: slots.Slot, remember: bool) -> dict[str, Any]:
    """Check that the slot's container is the one that was started for it, and that nobody else listens on its port.

    Args:
        slot: Started.
        remember: See `identity.of_another`.

    Returns:
        `container_id` and `image_id`.

    Raises:
        HostError: `wrong_model`.
    """
    config = slot.config
    wanted = config["served"]["container"]
    found = engines.require(wanted["engine"]).inspect(container_commands.name_of(slot.folder))
    if found is None:
        raise HostError("not_ready", "the container is gone", slot.log_evidence())
    image_id = "sha256:" + str(found["Image"]).rpartition(":")[2]
    labels = (found.get("Config") or {}).get("Labels") or {}
    said = {key: labels.get(key) for key in container_commands.labels_of(slot.folder, config)}
    inner, address, port = container_commands.publishing_of(config)
    published = [
        (one.get("HostIp") or address, int(one["HostPort"]))
        for one in found["NetworkSettings"]["Ports"].get(inner) or []
    ]
    proof = {"image": image_id, "labels": said, "published": published}
    expected = {
        "image": wanted["image_id"],
        "labels": container_commands.labels_of(slot.folder, config),
        "published": [(address, port)],
    }
    if proof != expected or not container_carrier.is_of(found, config):
        message = "the slot's container is not the one that was started for generation {generation}".format(**config)
        shown = [evidence("container", "{} instead of {}".format(proof, expected))]
        raise HostError("wrong_model", message, shown, drift=drift.FOREIGN_PROCESS)
    if not all(name.startswith(_FORWARDERS) for name in ports.names(http_probe.local_address(address), port)):
        raise drift.of_listener(slot)
    identity.refuse_tampered(slot, remember)
    return {"container_id": str(found["Id"]), "image_id": image_id}
