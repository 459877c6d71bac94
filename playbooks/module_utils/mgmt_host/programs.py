"""This very package as a program on the host: it supervises, serves and boots after the module has gone."""

from __future__ import annotations

import hashlib
import importlib
import os

from .failures import HostError
from .layout import Layout
from .machine import durable_files

MODULES = (
    "__init__",
    "actions.__init__",
    "actions.cancelling",
    "actions.capacity",
    "actions.forecasting",
    "actions.launching",
    "actions.operations",
    "actions.proxied",
    "actions.replacing",
    "actions.restoring",
    "actions.stopping",
    "actions.stopping_first",
    "content.__init__",
    "content.archive_members",
    "content.container_serving",
    "content.environments",
    "content.image_archives",
    "content.images",
    "content.manifest_rules",
    "content.needs",
    "content.packages",
    "content.releases",
    "content.runtime_rows",
    "content.runtimes",
    "content.serving",
    "entry",
    "failures",
    "fence",
    "inputs",
    "journal",
    "last_result",
    "layout",
    "machine.__init__",
    "machine.durable_files",
    "machine.http_probe",
    "machine.http_questions",
    "machine.payloads",
    "machine.ports",
    "machine.processes",
    "observing.__init__",
    "observing.leftovers",
    "observing.observe",
    "observing.orphans",
    "observing.proofs",
    "programs",
    "proving.__init__",
    "proving.container_identity",
    "proving.drift",
    "proving.gates",
    "proving.golden",
    "proving.golden_examples",
    "proving.identity",
    "proving.smoke",
    "results",
    "running.__init__",
    "running.boot",
    "running.boot_units",
    "running.carriers",
    "running.carrying",
    "running.configuring",
    "running.container_carrier",
    "running.container_commands",
    "running.engines",
    "running.process_carrier",
    "running.sharing",
    "running.slots",
    "running.supervision",
    "running.supervisor",
    "running.systemd_carrier",
    "running.systemd_manager",
    "running.systemd_units",
    "running.unit_hooks",
    "servers.__init__",
    "servers.forwarding",
    "servers.model_server",
    "servers.open_inference",
    "servers.starting",
    "switching.__init__",
    "switching.haproxy",
    "switching.receipts",
    "switching.relay",
    "switching.relay_connections",
    "switching.traffic",
    "switching.traffic_kinds",
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
    module = importlib.import_module("{}.{}".format(package, name).replace(".__init__", ""))
    loader = module.__spec__.loader if module.__spec__ else None
    source = loader.get_source(module.__name__) if loader is not None and hasattr(loader, "get_source") else None
    if source is None:
        raise HostError("playbook_error", "the source of {} did not come along".format(name))
    return str(source)


def _write(folder: str, sources: dict[str, str]) -> None:
    with durable_files.draft(os.path.dirname(folder)) as draft:
        for name, source in sources.items():
            path = os.path.join(draft, "mgmt_host", *name.split(".")) + ".py"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            durable_files.write_text(path, source)
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
