"""What is true after a round, read from the hosts: processes, sockets, open files, predictions, effects logs.

The control plane is only the accused: what it says is compared with what the hosts show.
"""

from __future__ import annotations

import fcntl
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from mgmt_ansible import errors
from mgmt_ansible.quickstart import kernel_proofs, samples
from tests.kills import process_tables
from tests.kills.effects import find_doubled, read_effects
from tests.kills.standing import Standing, standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mgmt_ansible.wire.api_v2 import Action, ModelPackage
    from tests.kills.process_tables import Process
    from tests.kills.sites import KillSite

LOST, DOUBLED, STRAYS, WRONG = "lost", "doubled", "strays", "wrong"
KINDS = (LOST, DOUBLED, STRAYS, WRONG)
SETTLE_SECONDS = 120.0
_CLOSE = 1e-4
_IN_MEMORY = Path("/dev/shm")
_MUXES = 1
"""OpenSSH's kept connections: one for the one sshd, whoever's `ssh` opened it."""


@dataclass(frozen=True)
class Wanted:
    """What was accepted last for one deployment.

    Attributes:
        deployment_id: Which one.
        hosts: Names of its hosts.
        generation: Of the newest accepted action.
        version: Model version that should serve; None when nothing should.
        package: That version's; None when nothing should serve.
    """

    deployment_id: str
    hosts: tuple[str, ...]
    generation: int
    version: str | None
    package: ModelPackage | None


@dataclass(frozen=True)
class Finding:
    """Something that may not be: one of `KINDS`, and a sentence."""

    kind: str
    text: str


def judge(site: KillSite, wanted: Wanted, action: Action, running: Iterable[Wanted]) -> tuple[Finding, ...]:
    """Return what is wrong once everything had time to settle; empty when all is as it should be.

    Args:
        site: Whose hosts.
        wanted: Of the round's deployment.
        action: The round's, as the control plane shows it.
        running: Of all deployments of the site.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        found = tuple(_findings(site, wanted, action, tuple(running)))
        if not found or time.monotonic() >= deadline:
            return found
        time.sleep(0.2)


def find_done_again(site: KillSite, deployment_id: str, before: Mapping[str, Standing]) -> tuple[Finding, ...]:
    """Return the hosts on which something was done after all had been done: other effects, or another server."""
    later = {host: standing(site, host, deployment_id) for host in before}
    return tuple(
        Finding(DOUBLED, f"{host}: all was done at the kill, {before[host]}, and then more: {after}")
        for host, after in later.items()
        if after != before[host]
    )


def _findings(site: KillSite, wanted: Wanted, action: Action, running: tuple[Wanted, ...]) -> Iterator[Finding]:
    table = process_tables.list_processes(site.folder.root)
    pids = set()
    for host in wanted.hosts:
        base_dir = site.base_dir(host)
        yield from _judge_host(site, host, wanted, table)
        for text in find_doubled(read_effects(base_dir, wanted.deployment_id)):
            yield Finding(DOUBLED, f"{host}: {text}")
        pids |= {one.pid for one in process_tables.servers(base_dir, wanted.deployment_id, table)}
    yield from _judge_plane(site, wanted, action, pids)
    for one in find_strays(site, table, running):
        yield Finding(STRAYS, one.text)
    for path in find_left_folders(site):
        yield Finding(STRAYS, f"{path} was left by a run that is over")


def _judge_host(site: KillSite, host: str, wanted: Wanted, table: tuple[Process, ...]) -> Iterator[Finding]:
    found = process_tables.servers(site.base_dir(host), wanted.deployment_id, table)
    if wanted.version is None:
        if found:
            yield Finding(LOST, f"{host}: the stop is not there: {found[0].text}")
        return
    if not found:
        yield Finding(LOST, f"{host}: nothing serves, version {wanted.version} should")
    for extra in found[1:]:
        yield Finding(DOUBLED, f"{host}: a second server: {extra.text}")
    for server in found[:1]:
        yield from _judge_server(site, host, wanted, server)
        yield from _judge_stable_port(site, host, wanted, server, table)


def _judge_server(site: KillSite, host: str, wanted: Wanted, server: Process) -> Iterator[Finding]:
    listening = process_tables.listening_ports(server.pid)
    if len(listening) != 1:
        yield Finding(LOST, f"{host}: server {server.pid} listens on {listening}")
        return
    try:
        opened = kernel_proofs.digest_of_open_files(server.pid)
        url = f"http://127.0.0.1:{listening[0]}/v2/models/{wanted.deployment_id}"
        answer = samples.ask_model(f"{url}/infer", site.samples)
        told = requests.get(url, timeout=60).json().get("parameters", {})
    except (errors.MgmtAnsibleError, requests.RequestException, OSError) as exc:
        yield Finding(LOST, f"{host}: server {server.pid} does not serve: {exc}")
        return
    if wanted.package is not None and opened != wanted.package.digest:
        yield Finding(WRONG, f"{host}: server {server.pid} holds {opened[:12]} open, not {wanted.package.digest[:12]}")
    if samples.largest_difference(answer, site.samples.probabilities[str(wanted.version)]) > _CLOSE:
        yield Finding(WRONG, f"{host}: the predictions are not those of version {wanted.version}")
    if told.get("generation") != wanted.generation:
        yield Finding(WRONG, f"{host}: generation {told.get('generation')} serves, not {wanted.generation}")


def _judge_stable_port(
    site: KillSite, host: str, wanted: Wanted, server: Process, table: tuple[Process, ...]
) -> Iterator[Finding]:
    """Find out whether clients get to the server: by the one proxy, where the deployment has one."""
    proxies = process_tables.proxies(site.base_dir(host), wanted.deployment_id, table)
    if len(proxies) != (site.traffic == "haproxy"):
        yield Finding(DOUBLED if proxies else LOST, f"{host}: {len(proxies)} proxies run")
    for proxy in proxies[:1]:
        ports = process_tables.listening_ports(proxy.pid)
        url = f"http://127.0.0.1:{ports[0] if ports else 0}/v2/models/{wanted.deployment_id}"
        try:
            told = requests.get(url, timeout=60).json().get("parameters", {}).get("generation")
        except (requests.RequestException, ValueError) as exc:
            told = exc
        if told != wanted.generation:
            yield Finding(LOST, f"{host}: proxy {proxy.pid} on {ports} leads to {told}, not to server {server.pid}")


def _judge_plane(site: KillSite, wanted: Wanted, action: Action, pids: set[int]) -> Iterator[Finding]:
    if action.status != "succeeded":
        yield Finding(WRONG, f"the control plane says {action.status}: {action.message}")
    shown = site.client.deployments.get_deployment(wanted.deployment_id)
    events = site.client.deployments.list_events(wanted.deployment_id)
    ends = [one.type for one in events if one.action_id == action.id and one.type.endswith(("_succeeded", "_failed"))]
    if len(ends) != 1:
        yield Finding(DOUBLED, f"the action has {len(ends)} ends in the feed: {ends}")
    state = "ready" if wanted.version else "stopped"
    if (shown.state, shown.generation) != (state, wanted.generation):
        yield Finding(WRONG, f"the control plane shows {shown.state}, generation {shown.generation}")
    if wanted.version and {one.pid for one in shown.endpoints} != pids:
        yield Finding(WRONG, f"the control plane shows endpoints {[one.pid for one in shown.endpoints]}, not {pids}")


def find_strays(site: KillSite, table: tuple[Process, ...], running: tuple[Wanted, ...]) -> tuple[Process, ...]:
    """Return the site's processes that belong to nobody who should live."""
    known = {one.pid for one in table if one.pid in site.parts}
    for pid in site.parts:
        below = process_tables.descendants(pid, table)
        known |= below if pid != site.host_pid else _sessions(below, table)
    for wanted in running:
        for host in wanted.hosts if wanted.version else ():
            known |= _of_deployment(site.base_dir(host), wanted.deployment_id, table)
    rest = tuple(one for one in table if one.ours and one.pid not in known)
    muxes = tuple(one for one in rest if one.arguments and "[mux]" in one.arguments[-1])
    return tuple(one for one in rest if one not in muxes) + muxes[_MUXES:]


def find_left_folders(site: KillSite) -> tuple[Path, ...]:
    """Return the private folders of the site's runs that no living process holds."""
    parents = {_IN_MEMORY, Path(tempfile.gettempdir())}
    found = (path for parent in parents for path in parent.glob("mgmt-ansible-run-*"))
    return tuple(path for path in found if _is_of(site, path) and not _is_held(path / "lock"))


def _is_of(site: KillSite, path: Path) -> bool:
    try:
        links = [link.readlink() for link in (path / "project" / "roles").iterdir() if link.is_symlink()]
    except OSError:
        return False
    return any(site.folder.root in link.parents for link in links)


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _sessions(below: frozenset[int], table: tuple[Process, ...]) -> set[int]:
    """Return sshd's own processes; what a session runs is not one of them."""
    return {one.pid for one in table if one.pid in below and one.name.startswith("sshd")}


def _of_deployment(base_dir: Path, deployment_id: str, table: tuple[Process, ...]) -> set[int]:
    """Return one server and one proxy with their supervisors; others of the kinds are strays."""
    servers = process_tables.servers(base_dir, deployment_id, table)[:1]
    proxies = process_tables.proxies(base_dir, deployment_id, table)[:1]
    return {pid for one in (*servers, *proxies) for pid in (one.pid, one.parent)}
