"""This very package as a program on the host: it supervises, serves and boots after the module has gone."""

from __future__ import annotations

import hashlib
import importlib
import os

from . import durable_files
from .failures import HostError
from .layout import Layout

MODULES = (
    "__init__",
    "archive_members",
    "boot",
    "boot_units",
    "cancelling",
    "capacity",
    "carriers",
    "carrying",
    "configuring",
    "container_carrier",
    "container_commands",
    "container_identity",
    "container_serving",
    "drift",
    "durable_files",
    "engines",
    "entry",
    "environments",
    "failures",
    "fence",
    "forecasting",
    "forwarding",
    "gates",
    "golden",
    "golden_examples",
    "haproxy",
    "http_probe",
    "identity",
    "image_archives",
    "images",
    "inputs",
    "journal",
    "last_result",
    "launching",
    "layout",
    "leftovers",
    "manifest_rules",
    "model_server",
    "needs",
    "observe",
    "open_inference",
    "operations",
    "orphans",
    "packages",
    "ports",
    "process_carrier",
    "processes",
    "programs",
    "proofs",
    "proxied",
    "receipts",
    "relay",
    "relay_connections",
    "releases",
    "replacing",
    "restoring",
    "results",
    "runtime_rows",
    "runtimes",
    "serving",
    "sharing",
    "slots",
    "smoke",
    "starting",
    "stopping",
    "stopping_first",
    "supervision",
    "supervisor",
    "systemd_carrier",
    "systemd_manager",
    "systemd_units",
    "traffic",
    "unit_hooks",
)
"""All of the package; a test compares it with the folder."""

_MAIN = """\
from __future__ import annotations

import sys

from mgmt_host import entry

sys.exit(entry.main(sys.argv[1:]))
"""


def install(layout: Layout) -> str:
    """Write the package's own sources beside the packages, once a version.

    Returns:
        A folder that an interpreter can be started on: `<base_dir>/programs/<hash>`.

    Raises:
        HostError: The sources cannot be read where this runs.
    """
    sources = {name: _source(name) for name in MODULES}
    total = hashlib.sha256(repr(sorted(sources.items())).encode())
    folder = layout.path("programs", total.hexdigest()[:16])
    if not os.path.isdir(folder):
        _write(folder, sources)
    return folder


def _source(name: str) -> str:
    package = __name__.rpartition(".")[0]
    module = importlib.import_module(package if name == "__init__" else "{}.{}".format(package, name))
    loader = module.__spec__.loader if module.__spec__ else None
    source = loader.get_source(module.__name__) if loader is not None and hasattr(loader, "get_source") else None
    if source is None:
        raise HostError("playbook_error", "the source of {} did not come along".format(name))
    return str(source)


def _write(folder: str, sources: dict[str, str]) -> None:
    with durable_files.draft(os.path.dirname(folder)) as draft:
        os.mkdir(os.path.join(draft, "mgmt_host"))
        for name, source in sources.items():
            durable_files.write_text(os.path.join(draft, "mgmt_host", name + ".py"), source)
        durable_files.write_text(os.path.join(draft, "__main__.py"), _MAIN)
        _open_to_all(draft)
        try:
            os.rename(draft, folder)
        except OSError:
            if not os.path.isdir(folder):
                raise
    durable_files.sync_folder(os.path.dirname(folder))


def _open_to_all(folder: str) -> None:
    """Let servers read it that are not us; the folder above stays ours."""
    for parent, _, names in os.walk(folder):
        os.chmod(parent, 0o755)  # noqa: S103 - our own sources, no secret
        for name in names:
            os.chmod(os.path.join(parent, name), 0o644)
