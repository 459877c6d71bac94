"""Images of packages that are served in containers: brought once, known by their id, removed when no release needs them.

`images/<package digest>.json` says which image a package is served by on this host. A tag that names another image
tomorrow changes nothing here: what was resolved once stays, for a relaunch and a rollback too.
"""

from __future__ import annotations

import os
import time
from typing import Any

from ..failures import HostError, evidence
from ..layout import Layout
from ..machine import durable_files
from ..running import engines
from ..running.engines import Engine
from . import image_archives, releases

_KEPT_SECONDS = 3600.0
"""Nobody needs an image yet between its coming and its release; a run takes less."""


def is_present(layout: Layout, digest: str, engine: Engine) -> bool:
    """Tell whether the image of a package is there, for that engine.

    Raises:
        HostError: The engine does not answer.
    """
    record = _read(layout, digest)
    return record is not None and record["engine"] == engine.name and engine.find_image(record["image_id"]) != ""


def require(layout: Layout, digest: str) -> dict[str, Any]:
    """Return `{engine, image_id, name, ours}` of a package's image.

    Raises:
        HostError: `dependency`: it is not there.
    """
    record = _read(layout, digest)
    if record is None or not engines.require(record["engine"]).find_image(record["image_id"]):
        raise HostError("dependency", "the package's image is not on this host; run role package")
    return record


def bring(layout: Layout, digest: str, serve: dict[str, Any], engine: Engine) -> None:
    """Load or pull the image of a package, and write down which one it is.

    Args:
        layout: Where.
        digest: Of the package, which is on the host.
        serve: What it says; checked.
        engine: Which shall have it.

    Raises:
        HostError: `artifact`: the tar is no image, or a tag names another image than before; `dependency`, `disk`: the engine
            refused.
    """
    os.makedirs(layout.path("images"), mode=0o700, exist_ok=True)
    with durable_files.locked(layout.path("images.lock")):
        found = _load(layout, digest, serve, engine) if "image_tar" in serve else _find(layout, digest, serve, engine)
        durable_files.write_json(_path(layout, digest), dict(found, engine=engine.name))


def keep(layout: Layout, digest: str) -> None:
    """Say that a run is about to need the image of a package, so that no other one removes it now."""
    if os.path.exists(_path(layout, digest)):
        os.utime(_path(layout, digest))


def prune(layout: Layout) -> list[str]:
    """Remove the images that we brought and that no release of any deployment needs; return their names.

    An image that the engine does not let go stays until the next time.
    """
    if not os.path.isdir(layout.path("images")):
        return []
    with durable_files.locked(layout.path("images.lock")):
        records = {name[: -len(".json")]: _read(layout, name[: -len(".json")]) for name in _names(layout)}
        needed = _needed(layout)
        idle = [digest for digest in records if digest not in needed and _is_old(layout, digest)]
        return [name for digest in idle for name in [_remove(layout, digest, records)] if name]


def _load(layout: Layout, digest: str, serve: dict[str, Any], engine: Engine) -> dict[str, Any]:
    name = "mgmt-ansible/carried:{}".format(digest[:32])
    carried = image_archives.read(os.path.join(layout.package(digest), serve["image_tar"]))
    engine.load(carried.writer(name))
    image_id = engine.find_image(name)
    if not image_id:
        raise HostError("dependency", "{} loaded the package's image and does not have it".format(engine.name))
    return {"image_id": image_id, "name": name, "ours": True}


def _find(layout: Layout, digest: str, serve: dict[str, Any], engine: Engine) -> dict[str, Any]:
    name, before = str(serve["image"]), _read(layout, digest)
    image_id = engine.find_image(name)
    known = [_read(layout, one[: -len(".json")]) for one in _names(layout)]
    ours = not image_id or any(one["ours"] for one in known if one is not None and one["image_id"] == image_id)
    if not image_id:
        engine.do("pull", "--quiet", name, seconds=engines.PULL_SECONDS)
        image_id = engine.find_image(name)
    if before is not None and before["engine"] == engine.name and before["image_id"] != image_id and "@" not in name:
        proof = evidence("image", "{} was {}, is {}".format(name, before["image_id"], image_id))
        message = (
            "the tag of the package's image names another image than before; register a package that names its digest"
        )
        raise HostError("artifact", message, [proof])
    return {"image_id": image_id, "name": name, "ours": ours}


def _needed(layout: Layout) -> set[str]:
    owns = [layout.deployment(deployment_id) for deployment_id in layout.deployment_ids()]
    folders = [own.release(generation) for own in owns for generation in releases.list_generations(own)]
    values = [durable_files.read_json(os.path.join(folder, "release.json")) or {} for folder in folders]
    return {str(value.get("digest")) for value in values}


def _is_old(layout: Layout, digest: str) -> bool:
    return time.time() - os.stat(_path(layout, digest)).st_mtime > _KEPT_SECONDS


def _remove(layout: Layout, digest: str, records: dict[str, dict[str, Any] | None]) -> str:
    record = records.pop(digest)
    shared = record is not None and any(
        other is not None and other["image_id"] == record["image_id"] for other in records.values()
    )
    removed = record is not None and record["ours"] and not shared
    if record is not None and removed and not _remove_image(record):
        return ""
    os.unlink(_path(layout, digest))
    return str(record["name"]) if record is not None and removed else ""


def _remove_image(record: dict[str, Any]) -> bool:
    try:
        engine = engines.require(record["engine"])
        found = engine.find_image(record["name"])
        target = (
            record["name"] if found == record["image_id"] else record["image_id"]
        )  # the tag may be another's by now
        return engine.try_to("rmi", target).code == 0 or not engine.find_image(record["image_id"])
    except HostError:
        return False


def _names(layout: Layout) -> list[str]:
    return sorted(name for name in os.listdir(layout.path("images")) if name.endswith(".json"))


def _path(layout: Layout, digest: str) -> str:
    return layout.path("images", digest + ".json")


def _read(layout: Layout, digest: str) -> dict[str, Any] | None:
    record = durable_files.read_json(_path(layout, digest))
    return record if record is not None and {"engine", "image_id", "name", "ours"} <= record.keys() else None
