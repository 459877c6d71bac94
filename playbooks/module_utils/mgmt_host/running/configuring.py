"""What shall run in a slot, as a value: `slot.json`."""

from __future__ import annotations

import os
import sys
from typing import Any

from .. import programs
from ..content import environments, needs, runtime_rows, runtimes, serving
from ..failures import HostError
from ..inputs import Inputs, Package
from ..journal import Journal
from ..machine import processes
from ..switching import haproxy, traffic_kinds
from . import carriers, supervision
from .carrying import Place


def configure(
    inputs: Inputs, package: Package, journal: Journal, place: Place, port: int, *, stable_port: int = 0
) -> dict[str, Any]:
    """Return what shall run in a slot.

    Args:
        inputs: Name the release.
        package: What it serves.
        journal: Told what choosing a carrier changed.
        place: The slot.
        port: On which it listens.
        stable_port: Of the proxy before it, so that it listens on loopback only; 0: there is none.

    Raises:
        HostError: The package's manifest is wrong, or what its runtime or its carrier needs is not there.
    """
    program_dir = programs.install(inputs.layout)
    runtime = runtime_rows.find(package.runtime, inputs.runtime_row)
    address = haproxy.SLOT_ADDRESS if stable_port else inputs.bind_address
    facts = _facts(inputs, place, address, port)
    served, environment = serving.resolve(inputs.layout, runtime, package.digest, facts)
    package_dir = inputs.layout.package(package.digest)
    named = served.container["engine"] if served.container else None
    of_processes = supervision.choose(inputs.supervision, inputs.layout, journal) if stable_port or not named else ""
    carrier = carriers.require(named or of_processes)
    # of a shared container its needs are the container's, not those of the forwarder before it
    asked = {} if served.shared else serving.find_needs(inputs.layout, runtime, package.digest)
    resources = asked.get("resources", {})
    secrets = needs.find_secrets(asked.get("secrets", []), inputs.secret_files)
    if set(resources) - carrier.enforces():
        journal.note("limits_not_enforced")
    folder = carrier.folder_of(place)
    shut_in = folder != place.folder
    return {
        "schema": 1,
        "carrier": carrier.name,
        **_asked(inputs, package),
        "package_dir": package_dir,
        "served": served.to_json(),
        "port": port,
        "bind_address": address,
        "program_dir": program_dir,
        "command": _command(inputs, runtime, program_dir, folder, shut_in),
        "environment": {
            **_environment(environment, folder, shut_in),
            **dict(runtime.environment),
            **needs.device_variables(resources),
            **asked.get("variables", {}),
            **{name + needs.FILE_SUFFIX: carrier.secret_path(place, name, secrets[name]) for name in secrets},
            processes.SLOT_VARIABLE: place.folder,
        },
        "resources": resources,
        "secrets": secrets,
        "reads": [package_dir, program_dir, *_environment_folder(inputs, runtime, environment)],
        **(_behind(inputs, stable_port, of_processes) if stable_port else {}),
    }


def _facts(inputs: Inputs, place: Place, address: str, port: int) -> dict[str, str]:
    """Return what a start command may ask for in braces."""
    return {
        "address": address,
        "deployment_id": inputs.deployment_id,
        "generation": str(inputs.generation),
        "port": str(port),
        "slot": place.name,
    }


def _asked(inputs: Inputs, package: Package) -> dict[str, Any]:
    """Return what a slot repeats of the action that asked for it."""
    return {
        "deployment_id": inputs.deployment_id,
        "label": inputs.label,
        "generation": inputs.generation,
        "attempt": inputs.pair[1],
        "digest": package.digest,
        "package": package.described,
        "boot_start": inputs.boot_start,
        "stop_timeout_seconds": inputs.stop_timeout_seconds,
    }


def _behind(inputs: Inputs, stable_port: int, carrier: str) -> dict[str, Any]:
    """Return what a slot says of the proxy before it; that is a process also where the model is a container."""
    kind = traffic_kinds.choose(inputs).kind
    if kind == traffic_kinds.SYSTEMD_SOCKET and carrier == carriers.PROCESS.name:
        message = (
            "traffic systemd_socket needs units of systemd: set supervision to systemd, which then says what is missing"
        )
        raise HostError("dependency", message)
    return {
        "traffic": kind,
        "stable_port": stable_port,
        "stable_address": inputs.bind_address,
        "proxy_carrier": carrier,
    }


def _command(inputs: Inputs, runtime: runtimes.Runtime, program_dir: str, folder: str, shut_in: bool) -> list[str]:
    if not runtime.ours:
        return [sys.executable, "-I", "-S", program_dir, "run", folder]
    python = environments.require(inputs.layout, runtime.requirements)
    compiled = ["-X", "pycache_prefix=" + _compiled(folder)] if shut_in else []
    return [python, "-I", *compiled, program_dir, "serve", folder]


def _environment_folder(inputs: Inputs, runtime: runtimes.Runtime, environment: str) -> list[str]:
    python = environments.require(inputs.layout, runtime.requirements) if runtime.ours else ""
    programs_folder = os.path.dirname(python) if python else environment
    return [os.path.dirname(programs_folder)] if programs_folder else []


def _environment(programs_folder: str, folder: str, shut_in: bool) -> dict[str, str]:
    path = os.environ.get("PATH", os.defpath)
    return {
        "PATH": os.pathsep.join([programs_folder, path]) if programs_folder else path,
        "HOME": folder if shut_in else os.path.expanduser("~"),
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # the package is read-only; an environment's code is compiled once for all who may write it
        "PYTHONPYCACHEPREFIX": _compiled(folder if shut_in else os.path.dirname(programs_folder) or folder),
        "PYTHONUNBUFFERED": "1",  # the log tells what came before an end
    }


def _compiled(folder: str) -> str:
    return os.path.join(folder, "pycache")
