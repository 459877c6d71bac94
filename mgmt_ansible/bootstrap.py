"""The composition root: the only place that picks adapters, plugins and services and wires them together."""

from __future__ import annotations

import gc
import os
import secrets
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mgmt_ansible import __version__, errors
from mgmt_ansible.domain.actions import ActionSpec
from mgmt_ansible.domain.preflight import HostReport
from mgmt_ansible.domain.runs import RunRequest
from mgmt_ansible.ports import ControlPlane, Inventory, PackageCache, Plugin, ReportSpool
from mgmt_ansible.settings.agent import AgentSettings
from mgmt_ansible.settings.control_plane import ControlPlaneSettings

if TYPE_CHECKING:
    from mgmt_ansible.adapters.control_plane import HttpControlPlane
    from mgmt_ansible.adapters.package_caches import FilePackageCache
    from mgmt_ansible.agent.loops import Agent
    from mgmt_ansible.execution.installations import Installation
    from mgmt_ansible.execution.inventories import AnsibleInventory
    from mgmt_ansible.execution.preflight_environments import EnvironmentPreflight
    from mgmt_ansible.execution.runs import RunExecutor

_LOOK_SECONDS = 10.0
"""For each host, when the agent looks by itself."""

_LAST_REPORTS_SECONDS = 5.0
"""How long the agent waits at its end for the control plane to take the last reports."""


def run_control_plane(settings: ControlPlaneSettings) -> None:
    """Serve the control plane until SIGINT or SIGTERM; blocks.

    Raises:
        ConfigError: The data directory or the address cannot be used.
        StoreError: The database cannot be opened, migrated or trusted.
    """
    from mgmt_ansible import archives
    from mgmt_ansible.control_plane import data_folder, serving
    from mgmt_ansible.control_plane.access import SessionLimits
    from mgmt_ansible.control_plane.api import create_app
    from mgmt_ansible.control_plane.notifying.options import notifying_options
    from mgmt_ansible.control_plane.services import build_services
    from mgmt_ansible.control_plane.store import Store
    from mgmt_ansible.settings import logs

    logs.configure(settings.log_format, secrets=settings.secrets)
    data_folder.make_private(settings.data)
    store = Store(settings.database_url)
    try:
        store.prepare()
        files = data_folder.open_package_files(settings.data, max_bytes=settings.max_package_bytes)
        limits = SessionLimits(
            idle=timedelta(hours=settings.session_idle_hours), life=timedelta(hours=settings.session_hours)
        )
        services = build_services(
            store, files, archives.read_package, session_limits=limits, notifying=notifying_options(settings)
        )
        data_folder.write_first_token(settings.data, services.access)
        services.audit.tell_head()
        with services.storage.checked(), services.retention.applied_daily(), services.notifications.running():
            app = create_app(services, writes_per_second=settings.writes_per_second)
            gc.collect()
            gc.freeze()  # what is loaded stays: to go through it for cycles would hold up every request for 0.1 s now and then
            serving.serve(app, services.wakeups, settings)
    finally:
        store.close()


def run_agent(settings: AgentSettings, stop: threading.Event) -> None:
    """Claim and perform actions until `stop` is set and what is under way has ended; blocks.

    Call it from any thread; signals are the caller's affair. What the control plane could not be told waits in the spool.

    Raises:
        AccessError: The control plane does not know the token.
        ConfigError: The control plane's URL cannot be asked, or another agent lives in `data_dir`.
        RunnerUnavailableError: Ansible is not there.
        StoreError: The report spool cannot be opened.
    """
    from mgmt_ansible.adapters.agent_homes import agent_home
    from mgmt_ansible.execution import left_behind
    from mgmt_ansible.settings import logs

    logs.configure(settings.log_format, secrets=_secrets_of(settings))
    with agent_home(settings.data_dir) as agent_id:
        left_behind.clear_left_behind()
        left_behind.end_connections(agent_id)
        try:
            _run_at_home(settings, stop, agent_id)
        finally:
            left_behind.end_connections(agent_id)


def _run_at_home(settings: AgentSettings, stop: threading.Event, agent_id: str) -> None:
    from mgmt_ansible.adapters.report_spools import SqliteReportSpool
    from mgmt_ansible.adapters.worker_pools import ThreadWorkers
    from mgmt_ansible.plugins.ansible import AnsiblePlugin

    instance_id = secrets.token_hex(12)
    control_plane, cache = _make_agent_side(settings, instance_id, agent_id)
    executor, inventory = _make_execution(settings, cache, agent_id)
    workers = ThreadWorkers(executor.execute, size=settings.workers)
    spool = SqliteReportSpool(settings.data_dir / "reports.sqlite3", control_plane.send)
    plugin = AnsiblePlugin(bindings=settings.bindings, inventory=inventory, workers=workers)
    agent = _make_agent(
        settings,
        stop,
        instance_id=instance_id,
        agent_id=agent_id,
        control_plane=control_plane,
        cache=cache,
        inventory=inventory,
        plugin=plugin,
        spool=spool,
    )
    spool.start()
    try:
        agent.run()
        spool.flush(timeout_seconds=_LAST_REPORTS_SECONDS)
    finally:
        workers.close()
        spool.close()


def export_run(
    settings: AgentSettings,
    *,
    spec: ActionSpec,
    run_id: str,
    attempt: int,
    hosts: tuple[str, ...],
    request_hash: str,
    directory: Path,
    base_dir: str | None = None,
) -> RunRequest:
    """Write a recorded run to a new folder that `sh DIR/run.sh` runs by hand.

    Args:
        settings: Of the agent that ran it.
        spec: The recorded action.
        run_id: Of the recorded run.
        attempt: Of the claim that ran it.
        hosts: Its hosts, in the run's order.
        request_hash: As recorded; what is rendered now must have the same.
        directory: Must not exist, or be empty.
        base_dir: Another base directory on the hosts; then hashes are not compared and the hosts choose the port.

    Returns:
        The request as it was rendered now.

    Raises:
        ConflictError: The agent's settings have changed since, or the folder is not empty.
        NotFoundError: The settings do not serve the environment.
        ArchiveError: The package's archive is not what the digests say.
        ControlPlaneUnavailableError: The archive is not in the cache and cannot be downloaded.
    """
    from mgmt_ansible.execution.exports import RecordedRun, RunExporter

    _, cache = _make_agent_side(settings, secrets.token_hex(12))
    if spec.deployment is not None and spec.deployment.package is not None:
        cache.fetch(spec.deployment.package)
    exporter = RunExporter(
        bindings=settings.bindings,
        installation=_installation(settings),
        content_path=settings.content_path,
        archive_path=cache.path,
    )
    recorded = RecordedRun(run_id=run_id, spec=spec, attempt=attempt, hosts=hosts, request_hash=request_hash)
    return exporter.export(recorded, directory, base_dir=base_dir)


def open_preflight(settings: AgentSettings, environment_id: str) -> EnvironmentPreflight:
    """Return the preflight of one environment, for where the agent's configuration is.

    Raises:
        NotFoundError: The settings do not serve the environment.
    """
    from mgmt_ansible.execution.preflight_environments import EnvironmentPreflight

    if environment_id not in settings.bindings:
        raise errors.NotFoundError(f"environment {environment_id} is not in the agent's configuration")
    return EnvironmentPreflight(settings.bindings[environment_id], _installation(settings), dict(os.environ))


def look_at_hosts(settings: AgentSettings, environment_id: str) -> tuple[HostReport, ...]:
    """Look at all hosts of an environment as a run would find them; changes nothing."""
    size = largest_package_bytes(settings)
    return open_preflight(settings, environment_id).check((), package_bytes=size, seconds=_LOOK_SECONDS)


def report_checks(settings: AgentSettings, environment_id: str, hosts: tuple[HostReport, ...]) -> None:
    """Tell the control plane what a look at hosts found.

    Raises:
        ControlPlaneUnavailableError: Nobody answers there.
        ForbiddenError: The agent's token does not name the environment.
    """
    from mgmt_ansible.agent.snapshots import preflight_reports

    control_plane, _ = _make_agent_side(settings, secrets.token_hex(12))
    for report in preflight_reports(environment_id, hosts, datetime.now(UTC)):
        control_plane.send([report])


def largest_package_bytes(settings: AgentSettings) -> int:
    """Return the size of the largest archive in the agent's cache; 0 when there is none."""
    folder = settings.data_dir / "packages"
    sizes = (path.stat().st_size for path in folder.iterdir() if path.is_file()) if folder.is_dir() else ()
    return max(sizes, default=0)


def _secrets_of(settings: AgentSettings) -> tuple[str, ...]:
    from mgmt_ansible.execution.known_secrets import file_secrets

    return (settings.token, *(secret for binding in settings.bindings.values() for secret in file_secrets(binding)))


def _installation(settings: AgentSettings) -> Installation:
    from mgmt_ansible.execution.installations import Installation

    return Installation(bin_dir=settings.bin_dir, inherited=dict(os.environ))


def _make_agent_side(
    settings: AgentSettings, instance_id: str, agent_id: str = ""
) -> tuple[HttpControlPlane, FilePackageCache]:
    from mgmt_ansible.adapters.control_plane import HttpControlPlane
    from mgmt_ansible.adapters.package_caches import FilePackageCache

    control_plane = HttpControlPlane(
        url=settings.control_plane_url,
        token=settings.token,
        ca_file=settings.ca_file,
        instance_id=instance_id,
        agent_id=agent_id,
    )
    return control_plane, FilePackageCache(settings.data_dir / "packages", control_plane)


def _make_execution(
    settings: AgentSettings, cache: FilePackageCache, agent_id: str
) -> tuple[RunExecutor, AnsibleInventory]:
    from mgmt_ansible.execution.inventories import AnsibleInventory
    from mgmt_ansible.execution.runs import RunExecutor

    inherited, installation = dict(os.environ), _installation(settings)
    installation.executable("ansible-playbook")
    inventory = AnsibleInventory(bindings=settings.bindings, installation=installation, inherited=inherited)
    executor = RunExecutor(
        bindings=settings.bindings,
        installation=installation,
        content_path=settings.content_path,
        archive_path=cache.path,
        inherited=inherited,
        agent_id=agent_id,
    )
    return executor, inventory


def _make_agent(
    settings: AgentSettings,
    stop: threading.Event,
    *,
    instance_id: str,
    agent_id: str,
    control_plane: ControlPlane,
    cache: PackageCache,
    inventory: Inventory,
    plugin: Plugin,
    spool: ReportSpool,
) -> Agent:
    from mgmt_ansible.adapters.clocks import SystemClock
    from mgmt_ansible.agent.loops import Agent
    from mgmt_ansible.agent.performing import Performer
    from mgmt_ansible.agent.reporting import Reporter
    from mgmt_ansible.agent.shutdowns import Shutdown
    from mgmt_ansible.agent.snapshots import Snapshots
    from mgmt_ansible.domain.reports import AgentHello

    clock = SystemClock(stop)
    environment_ids = tuple(settings.bindings)
    reporter = Reporter(spool=spool, clock=clock)
    return Agent(
        hello=AgentHello(
            instance_id=instance_id, agent_id=agent_id, version=__version__, environment_ids=environment_ids
        ),
        control_plane=control_plane,
        performer=Performer(plugin=plugin, cache=cache, reporter=reporter, clock=clock),
        reporter=reporter,
        snapshots=Snapshots(
            environment_ids=environment_ids,
            inventory=inventory,
            spool=spool,
            clock=clock,
            preflight=lambda environment_id: look_at_hosts(settings, environment_id),
            preflight_seconds=settings.preflight_seconds,
        ),
        shutdown=Shutdown(stop, clock, grace_seconds=settings.grace_seconds),
        clock=clock,
        workers=settings.workers,
    )
