"""Taking reports: each once, in order; only the holder of the newest claim changes anything."""

from __future__ import annotations

from typing import assert_never

import structlog

from mgmt_ansible import errors
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.cleaned_reports import HOSTS
from mgmt_ansible.control_plane.clocks import note_skew
from mgmt_ansible.control_plane.entries import append_event
from mgmt_ansible.control_plane.results import take_result
from mgmt_ansible.control_plane.store import Transaction
from mgmt_ansible.control_plane.store.records import ActionRecord
from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.actions import ActionStatus
from mgmt_ansible.domain.redaction import redact
from mgmt_ansible.domain.reports import (
    HostsReport,
    LogReport,
    PreflightReport,
    ProgressReport,
    Report,
    ResultReport,
    RunReport,
)

_log = structlog.get_logger(__name__)
_PROGRESS_CHARACTERS = 512
_WHOLE_LOG_CHARACTERS = 8_000_000
"""Of one run; twice what an agent of ours sends."""


def take_report(tx: Transaction, principal: Principal, report: Report) -> None:
    """Take one report of an agent, which `cleaned_report` returned; one that was taken before changes nothing.

    Raises:
        ForbiddenError: It is about an environment that the agent may not serve.
    """
    if not tx.agents.take_report(report.id, principal.name, at=tx.now):
        return
    if isinstance(report, HostsReport):
        _take_hosts(tx, principal, report)
        return
    if isinstance(report, PreflightReport):
        _take_preflight(tx, principal, report)
        return
    action = tx.actions.find_record(report.action_id)
    if action is None:
        _log.warning("report_of_unknown_action", report_id=report.id, action_id=report.action_id)
        return
    _check_environment(principal, action.environment_id)
    match report:
        case ProgressReport():
            _take_progress(tx, action, report)
        case LogReport():
            _take_log(tx, action, report)
        case RunReport():
            _take_run(tx, action, report)
        case ResultReport():
            _take_result(tx, principal, action, report)
        case _:
            assert_never(report)


def _take_hosts(tx: Transaction, principal: Principal, report: HostsReport) -> None:
    _check_environment(principal, report.environment_id)
    if tx.environments.records([report.environment_id]):
        tx.environments.replace_hosts(report.environment_id, report.hosts, taken_at=report.taken_at)
        tx.host_checks.keep_only(report.environment_id, {host.name for host in report.hosts})


def _take_preflight(tx: Transaction, principal: Principal, report: PreflightReport) -> None:
    _check_environment(principal, report.environment_id)
    if not tx.environments.records([report.environment_id]):
        return
    for host in report.hosts:
        tx.host_checks.put(host, agent=principal.name, taken_at=report.taken_at)


def _take_progress(tx: Transaction, action: ActionRecord, report: ProgressReport) -> None:
    if action.status is not ActionStatus.RUNNING or action.attempt != report.attempt:
        return
    progress = report.progress
    words = [progress.step, f"({progress.host})" if progress.host else "", progress.message]
    text = redact(" ".join(word for word in words if word), limit=_PROGRESS_CHARACTERS)
    tx.actions.update(action.id, progress=text)


def _take_log(tx: Transaction, action: ActionRecord, report: LogReport) -> None:
    run = {
        "id": report.run_id,
        "action_id": action.id,
        "environment_id": action.environment_id,
        "deployment_id": action.deployment_id,
        "attempt": report.attempt,
        "playbook": report.playbook,
    }
    tx.runs.begin(run, started_at=report.started_at)
    if tx.runs.find_action(report.run_id) != action.id:
        _log.warning("log_of_another_run", run_id=report.run_id, action_id=action.id)
        return
    tx.run_logs.append(report.run_id, report.first, report.lines, most_characters=_WHOLE_LOG_CHARACTERS)


def _take_run(tx: Transaction, action: ActionRecord, report: RunReport) -> None:
    outcome = report.outcome
    tx.runs.insert(
        {
            "id": outcome.run_id,
            "action_id": action.id,
            "environment_id": action.environment_id,
            "deployment_id": action.deployment_id,
            "attempt": report.attempt,
            "wave": report.wave,
            "playbook": report.playbook,
            "request_hash": report.request_hash,
            "status": outcome.status.value,
            "message": outcome.message,
            "started_at": outcome.started_at,
            "ended_at": outcome.ended_at,
            "ansible_version": outcome.ansible_version,
            "hosts": HOSTS.dump_python(tuple(outcome.hosts.values()), mode="json"),
            "log_tail": outcome.log_tail,
            "log_lines": outcome.log_lines,
        }
    )


def _take_result(tx: Transaction, principal: Principal, action: ActionRecord, report: ResultReport) -> None:
    note_skew(tx, action, report.finished_at, actor=f"agent:{principal.name}")
    if action.status is not ActionStatus.RUNNING or action.attempt != report.attempt:
        _note_ignored(tx, principal, action, report)
        return
    take_result(tx, action, report, actor=f"agent:{principal.name}")


def _note_ignored(tx: Transaction, principal: Principal, action: ActionRecord, report: ResultReport) -> None:
    _log.info("result_of_lost_claim", action_id=action.id, attempt=report.attempt, held=action.attempt)
    append_event(
        tx,
        type=deployment_events.RESULT_IGNORED,
        environment_id=action.environment_id,
        deployment_id=action.deployment_id,
        action_id=action.id,
        generation=action.generation,
        occurred_at=report.finished_at,
        title="Late result ignored",
        message=f"attempt {report.attempt} said {report.status.value}, but its claim was lost: {report.message}",
        actor=f"agent:{principal.name}",
        data={"hosts": {host.host: host.outcome.value for host in report.hosts}},
    )


def _check_environment(principal: Principal, environment_id: str) -> None:
    if not principal.may_serve(environment_id):
        raise errors.ForbiddenError(f"{principal.name} may not serve prediction environment {environment_id}")
