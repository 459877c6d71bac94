"""Releases: an installed generation each, so that an operator (and a rollback) finds the last five."""

from __future__ import annotations

import os
from typing import Any

from ..inputs import Inputs, Package
from ..layout import DeploymentLayout, Layout
from ..machine import durable_files

KEPT = 5
_DRAFT = ".draft"


def install(inputs: Inputs, package: Package) -> bool:
    """Write the wanted generation's release, whole or not at all; return whether it was not there."""
    folder = inputs.own.release(inputs.generation)
    if os.path.isdir(folder):
        return False
    try:
        _write(inputs, package, _draft(inputs.own), folder)
    except OSError:
        sweep(inputs.own)
        raise
    durable_files.sync_folder(inputs.own.releases)
    return True


def _write(inputs: Inputs, package: Package, draft: str, folder: str) -> None:
    os.makedirs(draft, mode=0o700)
    os.symlink(os.path.relpath(inputs.layout.package(package.digest), folder), os.path.join(draft, "package"))
    value: dict[str, Any] = {
        "generation": inputs.generation,
        "label": inputs.label,
        "digest": package.digest,
        "runtime": package.runtime,
        "package": package.described,
    }
    durable_files.write_json(os.path.join(draft, "release.json"), value)
    os.rename(draft, folder)


def prune(own: DeploymentLayout) -> None:
    """Remove all but the newest releases."""
    for generation in list_generations(own)[:-KEPT]:
        os.rename(own.release(generation), _draft(own))
        durable_files.remove_tree(os.path.join(own.releases, _DRAFT))


def list_generations(own: DeploymentLayout) -> list[int]:
    """Return the installed generations, oldest first."""
    names = os.listdir(own.releases) if os.path.isdir(own.releases) else []
    return sorted(int(name) for name in names if name.isdigit())


def sweep(own: DeploymentLayout) -> None:
    """Remove what a killed run had half written or half removed."""
    _draft(own)


def _draft(own: DeploymentLayout) -> str:
    path = os.path.join(own.releases, _DRAFT)
    durable_files.remove_tree(path)
    return path


def forget(own: DeploymentLayout, layout: Layout) -> None:
    """Remove everything of a deployment but its tombstone: `lock`, `fence.json` and the effects."""
    if not own.folder.startswith(layout.base_dir):
        raise ValueError(own.folder)
    for path in (own.slots, own.traffic, own.releases):
        durable_files.remove_tree(path)
    if os.path.exists(own.state):
        os.unlink(own.state)
