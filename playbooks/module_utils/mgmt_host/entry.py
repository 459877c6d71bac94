"""The doors: two for the roles' modules, and the command line of the program that stays on the host."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Callable, Sequence

from . import programs, results
from .actions import operations
from .content import environments, images, packages, runtime_rows, runtimes, serving
from .failures import HostError
from .inputs import Inputs
from .journal import Journal
from .layout import Layout
from .machine import durable_files, payloads
from .observing import observe, proofs
from .running import boot, engines, supervisor, unit_hooks
from .servers import forwarding, model_server, starting
from .switching import relay


def run_deployment(parameters: dict[str, Any], check: bool = False) -> dict[str, Any]:
    """Perform an action; return the result of the host contract."""
    with payloads.held(sweeping=False):
        try:
            return operations.perform(Inputs.from_parameters(parameters, check))
        except HostError as error:
            return dict(results.blank(), **results.failure(error))


def run_package(parameters: dict[str, Any], check: bool = False) -> dict[str, Any]:
    """See to a package and the Python environment that its server needs, if any.

    Args:
        parameters: `digest, archive_sha256, archive_bytes, runtime, runtime_row, base_dir, pip_arguments`; `archive` and `wheelhouse`
            are paths on this host once they have come, `wheelhouse_offered` tells that there is one; `deployment_id` and
            `generation` say for whom, so that a failure tells whether the old model serves.
        check: Change nothing.

    Returns:
        `changed`, `needs` (of `archive`, `wheelhouse`: what must be sent before the work can go on), `steps`, `notes`;
        or a failure as the host contract has it.
    """
    journal = Journal(None, (0, 0))
    layout = Layout.at(str(parameters.get("base_dir") or ""))
    try:
        with payloads.held(sweeping=not check):
            needs = _see_to_package(layout, parameters, check, journal)
    except HostError as error:
        return _refusal(layout, parameters, error, journal)
    except OSError as error:
        return _refusal(layout, parameters, operations.from_os_error(error, layout.base_dir), journal)
    changed = journal.changed or (check and bool(needs))
    return {"changed": changed, "needs": needs, "steps": journal.steps, "notes": journal.notes}


def main(arguments: list[str]) -> int:
    """Run the program that stays on the host: a verb and its arguments, such as `serve SLOT` or `boot BASE_DIR`."""
    verbs: dict[str, Callable[..., int]] = {
        "supervise": supervisor.detach,
        "serve": model_server.serve,
        "run": starting.run,
        "forward": forwarding.serve,
        "relay": relay.serve,
        "boot": boot.start_all,
        "unit-begins": unit_hooks.begin,
        "unit-runs": unit_hooks.run,
        "unit-ended": unit_hooks.end,
    }
    return verbs[arguments[0]](*arguments[1:])


def _see_to_package(layout: Layout, parameters: dict[str, Any], check: bool, journal: Journal) -> list[str]:
    digest, runtime = str(parameters["digest"]), _runtime(parameters)
    engine = engines.choose(str(parameters.get("container_engine") or "auto")) if runtime.in_container else None
    with ExitStack() if check else packages.damage_explains(layout, digest):
        missing = _missing(layout, runtime, digest, engine)
    if check or not missing:
        return missing
    layout.make()
    needs = _needs(layout, parameters, missing)
    if needs:
        return needs
    if "archive" in missing:
        with journal.step("package"):
            packages.install(layout, str(parameters["archive"]), str(parameters["archive_sha256"]), digest)
            journal.effect("package installed")
    later = _missing(layout, runtime, digest, engine)
    if engine is not None and "image" in later:
        with journal.step("image"):
            images.bring(layout, digest, serving.read(layout.package(digest), runtime), engine)
            journal.effect("image brought")
    if "environment" in later:
        with journal.step("environment"):
            _build(layout, serving.list_requirements(layout, runtime, digest), parameters, journal)
    programs.install(layout)
    return []


def _runtime(parameters: dict[str, Any]) -> runtimes.Runtime:
    return runtime_rows.find(str(parameters["runtime"]), parameters.get("runtime_row"))


def _missing(layout: Layout, runtime: runtimes.Runtime, digest: str, engine: engines.Engine | None) -> list[str]:
    """Return what is not there of `archive`, `environment` and `image`.

    A package that has not come may want an environment of its own; its image cannot be known yet.
    """
    if engine is not None:
        present = packages.is_present(layout, digest)
        return _missing_image(layout, runtime, digest, engine) if present else ["archive", "image"]
    if packages.is_present(layout, digest):
        requirements = serving.list_requirements(layout, runtime, digest)
        return [] if not requirements or environments.find(layout, requirements) else ["environment"]
    own = runtime.requirements_beside or "requirements" in runtime.says
    wanted = own or (runtime.requirements and not environments.find(layout, runtime.requirements))
    return ["archive", *(["environment"] if wanted else [])]


def _missing_image(layout: Layout, runtime: runtimes.Runtime, digest: str, engine: engines.Engine) -> list[str]:
    serving.read(layout.package(digest), runtime)
    if not images.is_present(layout, digest, engine):
        return ["image"]
    images.keep(layout, digest)
    return []


def _needs(layout: Layout, parameters: dict[str, Any], missing: list[str]) -> list[str]:
    needs = []
    if "archive" in missing and not parameters.get("archive"):
        packages.require_room(layout, int(parameters.get("archive_bytes") or 0))
        needs.append("archive")
    if "environment" in missing and parameters.get("wheelhouse_offered") and not parameters.get("wheelhouse"):
        needs.append("wheelhouse")
    return needs


def _build(layout: Layout, requirements: Sequence[str], parameters: dict[str, Any], journal: Journal) -> None:
    archive = parameters.get("wheelhouse")
    arguments = [str(argument) for argument in parameters.get("pip_arguments") or []]
    with ExitStack() as stack:
        wheels = stack.enter_context(durable_files.draft(layout.path("environments"))) if archive else None
        if archive and wheels:
            packages.extract(str(archive), wheels)
        if environments.build(layout, requirements, arguments, wheels):
            journal.effect("environment built")
            journal.note("environment_built")


def _refusal(layout: Layout, parameters: dict[str, Any], error: HostError, journal: Journal) -> dict[str, Any]:
    deployment_id, generation = str(parameters.get("deployment_id") or ""), int(parameters.get("generation") or 0)
    said = observe.serving_besides(layout, deployment_id, generation)
    refused = dict(results.blank(), steps=journal.steps, **results.failure(error), **said)
    return dict(refused, evidence=proofs.with_room(refused["evidence"], layout.base_dir))
