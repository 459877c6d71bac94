"""`host check` and `host trust`: where the agent's configuration is, as its runs would find the hosts."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mgmt_ansible import bootstrap, errors
from mgmt_ansible.cli import options, output, references, text
from mgmt_ansible.cli.output import Cell, Output
from mgmt_ansible.domain.preflight import Check, CheckStatus, HostReport
from mgmt_ansible.settings.agent import AgentSettings, load_agent_settings
from mgmt_ansible.settings.client import default_up_folder

if TYPE_CHECKING:
    from mgmt_ansible.execution.host_keys import HostKey
    from mgmt_ansible.execution.host_trust import ShownKeys

_ID = re.compile(r"[0-9a-f]{24}")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = re.compile(r"(\d{1,12})\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_COLUMNS = ("HOST", "CHECK", "STATUS", "CAUSE", "MESSAGE", "NEXT")
_SIGNS = {CheckStatus.OK: "●", CheckStatus.WARNING: "▲", CheckStatus.FAILED: "✖", CheckStatus.SKIPPED: "-"}


def load_settings(context: typer.Context, agent_config: Path | None, data: Path | None) -> AgentSettings:
    """Return the agent's settings: of the named file, else of the folder of `up`.

    Raises:
        ConfigError: No file is known, or it cannot be used.
    """
    folder = data or options.choices_of(context).data or default_up_folder()
    path = agent_config or folder / "agent.yaml"
    if agent_config is None and not path.exists():
        raise errors.ConfigError("agent-config: name the agent's configuration file with --agent-config FILE")
    return load_agent_settings(path)


def environment_ids(
    context: typer.Context, settings: AgentSettings, environment: str | None, data: Path | None
) -> tuple[str, ...]:
    """Return the ids of one environment, by id or name, or of all that the agent serves.

    Raises:
        NotFoundError: The agent does not serve it.
        ConfigError: It is a name, and no control plane is known that could tell its id.
    """
    if environment is None:
        return tuple(settings.bindings)
    if _ID.fullmatch(environment):
        return (environment,)
    with options.connected(context, False, data) as session:
        return (references.find_environment(session.client, environment).id,)


def read_size(words: str | None) -> int | None:
    """Return a size such as `300M` in bytes; None for None.

    Raises:
        InvalidRequestError: It is none.
    """
    if words is None:
        return None
    found = _SIZE.fullmatch(words.strip())
    if found is None:
        raise errors.InvalidRequestError(f"package-size: {words!r} is no size such as 300M or 2G")
    return int(found[1]) * _UNITS[found[2].lower()]


def check(
    settings: AgentSettings,
    environments: tuple[str, ...],
    hosts: tuple[str, ...],
    *,
    package_bytes: int | None,
    seconds: float,
    show_all: bool,
    report: bool,
    out: Output,
) -> bool:
    """Look at hosts and print what was found; False when a run would fail on one of them."""
    wanted = bootstrap.largest_package_bytes(settings) if package_bytes is None else package_bytes
    reports: list[HostReport] = []
    for environment in environments:
        found = bootstrap.open_preflight(settings, environment).check(
            hosts, package_bytes=wanted, seconds=seconds, tell=_Progress(out)
        )
        if report:
            bootstrap.report_checks(settings, environment, found)
        reports.extend(found)
    if not reports:
        raise errors.NotFoundError("the environment's pattern matches no host: a run would fail with `no_hosts`")
    if out.json:
        output.print_json([_as_json(one) for one in reports])
    else:
        output.print_table(_COLUMNS, [row for one in reports for row in _rows(one, show_all)])
        _print_evidence(reports)
    return not any(one.failed for one in reports)


class _Progress:
    """Tells on a terminal how many hosts are done."""

    def __init__(self, out: Output) -> None:
        self._is_wanted = sys.stderr.isatty() and not out.json
        self._done = 0

    def __call__(self, report: HostReport, total: int) -> None:
        self._done += 1
        if self._is_wanted:
            end = "\n" if self._done == total else ""
            print(f"\r\x1b[Klooked at {self._done} of {total}: {text.clean(report.host)}", end=end, file=sys.stderr)


def _rows(report: HostReport, show_all: bool) -> Iterator[tuple[Cell, ...]]:
    """Yield a row a finding; what was skipped for one reason is one row, and what is ok is counted, unless all is wanted."""
    fine = sum(check.status is CheckStatus.OK for check in report.checks)
    if not show_all and fine:
        yield report.host, f"{fine} checks", _word(CheckStatus.OK), None, "", ""
    shown = [check for check in report.checks if show_all or check.status is not CheckStatus.OK]
    for _, found in groupby(shown, key=lambda check: (check.status, check.message)):
        yield report.host, *_cells(list(found))


def _cells(found: list[Check]) -> tuple[Cell, ...]:
    first, last = found[0], found[-1]
    names = first.name.value if len(found) == 1 else f"{first.name.value} ... {last.name.value}"
    return names, _word(first.status), first.cause, first.message, first.next_command


def _word(status: CheckStatus) -> str:
    return f"{_SIGNS[status]} {status.value}"


def _print_evidence(reports: Iterable[HostReport]) -> None:
    for report in reports:
        for found in report.checks:
            for evidence in found.evidence:
                print(f"\n{text.clean(report.host)} {found.name.value}:")
                print("\n".join(f"    {line}" for line in text.clean_lines(evidence.text).splitlines()))


def _as_json(report: HostReport) -> dict[str, object]:
    return {
        "predictionEnvironmentId": report.environment_id,
        "host": report.host,
        "failed": report.failed,
        "seconds": report.seconds,
        "checks": [
            {
                "name": found.name.value,
                "status": found.status.value,
                "cause": found.cause.value if found.cause else None,
                "message": found.message,
                "evidence": [{"kind": one.kind, "text": one.text} for one in found.evidence],
                "nextCommand": found.next_command,
            }
            for found in report.checks
        ],
    }


def trust(settings: AgentSettings, environment: str, host: str, fingerprints: tuple[str, ...], out: Output) -> None:
    """Show a host's keys, and add those that a person, or a fingerprint, approves.

    Raises:
        ConflictError: Another key is known, or none has the fingerprint.
        InvalidRequestError: Nobody is there to ask.
        ExecutionError: The host shows no key.
    """
    preflight = bootstrap.open_preflight(settings, environment)
    ssh = preflight.ssh_options(host)
    shown = preflight.look_at_keys(host, ssh)
    if shown.known:
        _say_known(shown, out)
        return
    approved = _matching(shown, fingerprints) if fingerprints else _asked(shown, out)
    from mgmt_ansible.execution.host_trust import add_keys

    add_keys(shown, ssh, approved)
    words = ", ".join(key.fingerprint for key in approved)
    out.say(f"added to {shown.path}: {words}", _trusted(shown, approved, added=True))


def _say_known(shown: ShownKeys, out: Output) -> None:
    places = ", ".join(dict.fromkeys(line.place for line in shown.known))
    keys = tuple(line.key for line in shown.known)
    out.say(f"{shown.host} is trusted already: {places}", _trusted(shown, keys, added=False))


def _trusted(shown: ShownKeys, keys: tuple[HostKey, ...], *, added: bool) -> dict[str, object]:
    fingerprints = list(dict.fromkeys(key.fingerprint for key in keys))
    return {"host": shown.host, "fingerprints": fingerprints, "file": str(shown.path), "added": added}


def _matching(shown: ShownKeys, fingerprints: tuple[str, ...]) -> tuple[HostKey, ...]:
    found = tuple(key for key in shown.keys if key.fingerprint in fingerprints)
    if not found:
        words = ", ".join(f"{key.kind} {key.fingerprint}" for key in shown.keys)
        raise errors.ConflictError(f"{shown.host} shows no key with that fingerprint, but {words}: nothing was added")
    return found


def _asked(shown: ShownKeys, out: Output) -> tuple[HostKey, ...]:
    if out.json or not sys.stdin.isatty():
        raise errors.InvalidRequestError(
            "fingerprint: nobody is there to ask; give --fingerprint SHA256:..., as `ssh-keygen -l -f "
            "/etc/ssh/ssh_host_ed25519_key.pub` prints it on the host's own console"
        )
    key = shown.keys[0]  # one key at a time: what nobody compared must not be trusted along with it
    output.print_table(("HOST", "KEY", "FINGERPRINT"), [(shown.host, key.kind, key.fingerprint)])
    print("Compare with what the host's own console says: ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub")
    if not typer.confirm(f"Is this {text.clean(shown.host)}?"):
        raise typer.Exit(1)
    return (key,)
