"""What agents tell, checked, redacted and cut to size before a transaction begins: other writers need not wait for that."""

from __future__ import annotations

import math
from dataclasses import replace

from pydantic import TypeAdapter

from mgmt_ansible import errors
from mgmt_ansible.control_plane.entries import cleaned
from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.outcomes import HostOutcome
from mgmt_ansible.domain.preflight import MOST_CHECKED_HOSTS, Check, HostReport
from mgmt_ansible.domain.redaction import clean_text, redact
from mgmt_ansible.domain.reports import (
    HostsReport,
    LogReport,
    PreflightReport,
    ProgressReport,
    Report,
    ResultReport,
    RunReport,
)
from mgmt_ansible.domain.run_logs import LARGEST_NUMBER, LONGEST_LINE

HOSTS: TypeAdapter[tuple[HostOutcome, ...]] = TypeAdapter(tuple[HostOutcome, ...])
_LOG_CHARACTERS = 64_000
_HOST_CHARACTERS = 256
_CHECK_CHARACTERS = 1_000
_EVIDENCE_CHARACTERS = 4_000
_MOST_EVIDENCE = 5
_RUN_ID_CHARACTERS = 64
_PLAYBOOK_CHARACTERS = 256
_LOG_REPORT_LINES = 5_000


def cleaned_report(report: Report) -> Report:
    """Return a report as it may be stored.

    Raises:
        InvalidRequestError: It holds numbers that are not finite, or more than an agent sends.
    """
    match report:
        case HostsReport():
            return replace(report, hosts=tuple(_host(host) for host in report.hosts))
        case PreflightReport():
            return _preflight(report)
        case ProgressReport():
            return report
        case LogReport():
            return _log(report)
        case RunReport():
            return _run(report)
        case ResultReport():
            return _result(report)


def _result(report: ResultReport) -> ResultReport:
    if report.status in (ActionStatus.PENDING, ActionStatus.RUNNING):
        raise errors.InvalidRequestError(f"status: a result cannot be {report.status.value}")
    return replace(report, message=redact(report.message), hosts=_outcomes(report.hosts))


def _run(report: RunReport) -> RunReport:
    outcome = report.outcome
    _check_run_id(outcome.run_id)
    hosts = _outcomes(tuple(outcome.hosts.values()))
    outcome = replace(
        outcome,
        message=redact(outcome.message),
        ansible_version=redact(outcome.ansible_version),
        hosts=dict(zip(outcome.hosts, hosts, strict=True)),
        log_tail=redact(outcome.log_tail, limit=_LOG_CHARACTERS),
        log_lines=max(0, min(outcome.log_lines, LARGEST_NUMBER)),
    )
    return replace(report, outcome=outcome)


def _outcomes(hosts: tuple[HostOutcome, ...]) -> tuple[HostOutcome, ...]:
    return HOSTS.validate_python(cleaned(HOSTS.dump_python(hosts, mode="json")))


def _log(report: LogReport) -> LogReport:
    _check_run_id(report.run_id)
    if not 1 <= report.first <= LARGEST_NUMBER:
        raise errors.InvalidRequestError(f"first: lines are numbered from 1 to {LARGEST_NUMBER}")
    if len(report.lines) > _LOG_REPORT_LINES:
        raise errors.InvalidRequestError(f"lines: at most {_LOG_REPORT_LINES} at a time")
    return replace(
        report,
        playbook=clean_text(report.playbook, limit=_PLAYBOOK_CHARACTERS),
        lines=tuple(_one_line(line) for line in report.lines),
    )


def _one_line(line: str) -> str:
    return redact(line[: 2 * LONGEST_LINE], limit=2 * LONGEST_LINE).replace("\n", " ")


def _check_run_id(run_id: str) -> None:
    if not 1 <= len(run_id) <= _RUN_ID_CHARACTERS:
        raise errors.InvalidRequestError(f"run_id: 1 to {_RUN_ID_CHARACTERS} characters")


def _preflight(report: PreflightReport) -> PreflightReport:
    if len(report.hosts) > MOST_CHECKED_HOSTS:
        raise errors.InvalidRequestError(f"hosts: at most {MOST_CHECKED_HOSTS} in one report of a preflight")
    if not all(math.isfinite(host.seconds) for host in report.hosts):
        raise errors.InvalidRequestError("seconds: must be finite")
    return replace(report, hosts=tuple(_cleaned_checks(report.environment_id, host) for host in report.hosts))


def _cleaned_checks(environment_id: str, host: HostReport) -> HostReport:
    """Return a look at a host of the report's own environment, each check once, redacted and cut."""
    checks = {check.name: _cleaned_check(check) for check in host.checks}
    return HostReport(
        environment_id=environment_id,
        host=clean_text(host.host, limit=_HOST_CHARACTERS),
        checks=tuple(checks.values()),
        seconds=host.seconds,
    )


def _cleaned_check(check: Check) -> Check:
    return replace(
        check,
        message=redact(check.message, limit=_CHECK_CHARACTERS),
        next_command=redact(check.next_command, limit=_CHECK_CHARACTERS),
        evidence=tuple(
            replace(one, kind=clean_text(one.kind, limit=64), text=redact(one.text, limit=_EVIDENCE_CHARACTERS))
            for one in check.evidence[:_MOST_EVIDENCE]
        ),
    )


def _host(host: InventoryHost) -> InventoryHost:
    return InventoryHost(name=clean_text(host.name), groups=tuple(clean_text(group) for group in host.groups))
