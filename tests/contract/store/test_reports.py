"""Reports: each once, in order, and only from the holder of the newest claim."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.event_filters import EventFilters
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import Cause, Evidence, HostOutcome, Outcome
from mgmt_ansible.domain.receipts import ProbedPhase, Receipt
from mgmt_ansible.domain.reports import HostsReport, ProgressReport, RunReport
from mgmt_ansible.domain.run_filters import RunFilters
from mgmt_ansible.domain.runs import RunOutcome, RunProgress, RunStatus
from tests.contract.store.sites import Site


def test_a_launch_that_succeeded_is_ready_with_its_endpoint(site: Site):
    """State, health, endpoint and entry come from one report."""
    deployment = site.ready()

    assert (DeploymentState.READY, Health.PASSING) == (deployment.state, deployment.service_health.status)
    assert ["h1"] == [endpoint.host for endpoint in deployment.endpoints]
    assert "deployment_launch_succeeded" == site.event_types()[-1]


def test_a_report_that_comes_twice_counts_once(site: Site):
    """The spool may deliver again."""
    site.create()
    report = site.report(site.take())
    before = site.event_types()

    site.services.agents.report(site.agent, [report])

    assert before == site.event_types()


def test_the_result_of_a_lost_claim_changes_nothing(site: Site):
    """It is noted in the feed, and the batch goes on."""
    action_id = site.create()
    first = site.take()
    site.clock.pass_seconds(31)
    site.take()

    site.report(first, ActionStatus.FAILED)

    assert site.action(action_id).status is ActionStatus.RUNNING
    assert "result_ignored" == site.event_types()[-1]


def test_a_failed_launch_is_errored(site: Site):
    """The entry carries cause and evidence."""
    site.create()
    host = HostOutcome(
        host="h1", outcome=Outcome.FAILED, cause=Cause.DISK, evidence=(Evidence(kind="df", text="100% /"),)
    )

    site.report(site.take(), ActionStatus.FAILED, cause=Cause.DISK, message="disk full", hosts=(host,))

    entry = site.services.deployment_events.list_events(EventFilters(deployment_id="d1"), limit=1).data[0]
    assert site.deployment().state is DeploymentState.ERRORED
    assert ("disk", "disk full", "100% /") == (entry.data["cause"], entry.message, entry.data["evidence"][0]["text"])


def test_the_entry_of_a_replacement_carries_its_receipt(site: Site):
    """What each host lost, for whoever reads the feed."""
    phase = ProbedPhase(probes=3)
    receipt = Receipt(
        interval_seconds=0.05, probes=9, failed=1, longest_gap_seconds=0.04, before=phase, during=phase, after=phase, slow=2,
    )  # fmt: skip
    site.create()
    site.report(site.take(), hosts=(HostOutcome(host="h1", outcome=Outcome.CHANGED, receipt=receipt),))

    entry = site.services.deployment_events.list_events(EventFilters(deployment_id="d1"), limit=1).data[0]
    told = entry.data["hosts"]["h1"]["receipt"]
    assert entry.message.endswith("; 1 of 9 probes failed, at most 40 ms without an answer, 2 were answered late")
    assert (9, 1, 2, 0.04, 3) == (
        *(told[key] for key in ("probes", "failed", "slow", "longest_gap_seconds")),
        told["after"]["probes"],
    )


def test_a_failed_replace_with_the_old_model_serving_is_ready_with_a_warning(site: Site):
    """What is wanted goes back to what serves."""
    site.ready()
    site.replace()
    old = HostOutcome(
        host="h1",
        outcome=Outcome.ROLLED_BACK,
        old_model_in_use=True,
        identity=site.identity(digest=site.package.digest),
    )

    site.report(site.take(), ActionStatus.FAILED, health=Health.WARNING, hosts=(old,))

    deployment = site.deployment()
    assert (DeploymentState.READY, Health.WARNING) == (deployment.state, deployment.service_health.status)
    assert site.package.id == deployment.model_package.id
    assert "model_replacement_failed" == site.event_types()[-1]


def test_a_stopped_deployment_has_no_endpoints(site: Site):
    """Nobody answers there any more."""
    site.ready()
    site.act(ActionType.DEPLOYMENT_STOP)
    site.report(site.take(), hosts=(HostOutcome(host="h1", outcome=Outcome.CHANGED),))

    deployment = site.deployment()
    assert (DeploymentState.STOPPED, []) == (deployment.state, deployment.endpoints)


def test_an_unknown_result_is_an_unknown_state(site: Site):
    """Never a guess."""
    site.create()
    site.report(site.take(), ActionStatus.UNKNOWN, outcome=Outcome.UNKNOWN, health=Health.UNKNOWN)

    assert site.deployment().state is DeploymentState.UNKNOWN


def test_the_next_generation_is_above_what_a_host_holds(site: Site):
    """A control plane restored from a backup catches up."""
    site.create()
    newer = HostOutcome(host="h1", outcome=Outcome.SUPERSEDED, fence_generation=41, fence_attempt=2)
    site.report(site.take(), ActionStatus.SUPERSEDED, outcome=Outcome.SUPERSEDED, hosts=(newer,))

    site.act(ActionType.DEPLOYMENT_RELAUNCH)

    assert 42 == site.deployment().generation


def test_progress_of_the_newest_claim_is_shown(site: Site):
    """And gone when the action ends."""
    action_id = site.create()
    claim = site.take()
    progress = RunProgress(run_id="r1", step="install", host="h1", at=site.clock())

    site.services.agents.report(site.agent, [ProgressReport(id="p", action_id=action_id, attempt=1, progress=progress)])

    assert "install (h1)" == site.action(action_id).progress
    site.report(claim)
    assert "" == site.action(action_id).progress


def test_a_run_is_stored_without_its_secrets(site: Site):
    """Every text is redacted before it is stored."""
    action_id = site.create()
    site.take()
    outcome = RunOutcome(
        run_id="r1",
        status=RunStatus.SUCCESSFUL,
        started_at=site.clock(),
        ended_at=site.clock(),
        log_tail="ok\x1b[31m\nansible_password: hunter2\x00",
    )

    site.services.agents.report(
        site.agent,
        [RunReport(id="r", action_id=action_id, attempt=1, wave=1, playbook="p", request_hash="h", outcome=outcome)],
    )

    assert "ok\nansible_password: [redacted]" == site.services.runs.get_run("r1").log_tail
    assert "" == site.services.runs.list_runs(RunFilters(deployment_id="d1")).data[0].log_tail


def test_secrets_do_not_reach_the_feed(site: Site):
    """Neither in the message nor deep in the data."""
    site.create()
    host = HostOutcome(host="h1", outcome=Outcome.FAILED, message="token=abcdef123", evidence=())

    site.report(site.take(), ActionStatus.FAILED, message="Authorization: Bearer abcdefghijkl", hosts=(host,))

    entry = site.services.deployment_events.list_events(EventFilters(deployment_id="d1"), limit=1).data[0]
    assert "abcdef" not in entry.model_dump_json()


def test_a_report_about_a_foreign_environment_is_refused(site: Site):
    """A token binds its agent."""
    site.create()
    report = site.result(site.take())
    other = site.add_agent("other", site.add_environment("elsewhere").id)

    with pytest.raises(errors.ForbiddenError):
        site.services.agents.report(other, [report])


def test_a_report_about_an_unknown_action_is_dropped(site: Site):
    """A control plane restored from a backup does not block the spool."""
    site.create()
    report = replace(site.result(site.take()), action_id="gone")

    site.services.agents.report(site.agent, [report])

    assert "deployment_launch_started" == site.event_types()[-1]


def test_numbers_that_are_not_finite_are_refused(site: Site):
    """JSON has none."""
    site.create()
    host = HostOutcome(host="h1", outcome=Outcome.OK, gap_seconds=float("nan"))

    with pytest.raises(errors.InvalidRequestError, match="finite"):
        site.report(site.take(), hosts=(host,))


def test_the_newest_snapshot_of_hosts_is_shown(site: Site):
    """In the inventory's order."""
    for number, names in enumerate((("b", "a"), ("c", "a", "b"))):
        hosts = tuple(InventoryHost(name=name, groups=("web",)) for name in names)
        report = HostsReport(
            id=f"hosts-{number}", environment_id=site.environment.id, hosts=hosts, taken_at=site.clock()
        )
        site.services.agents.report(site.agent, [report])

    assert ["c", "a", "b"] == [host.name for host in site.services.registry.list_hosts(site.environment.id).data]


def test_a_number_that_no_database_stores_is_refused(site: Site):
    """On either database, as wrong input."""
    action_id = site.create()
    site.take()
    outcome = RunOutcome(run_id="r1", status=RunStatus.FAILED, started_at=site.clock(), ended_at=site.clock())
    report = RunReport(
        id="r", action_id=action_id, attempt=10**30, wave=1, playbook="p", request_hash="h", outcome=outcome
    )

    with pytest.raises(errors.InvalidRequestError):
        site.services.agents.report(site.agent, [report])


def test_a_failed_replace_keeps_the_old_endpoint(site: Site):
    """The old model answers where it did."""
    site.ready()
    site.replace()
    old = HostOutcome(host="h1", outcome=Outcome.FAILED, old_model_in_use=True)

    site.report(site.take(), ActionStatus.FAILED, hosts=(old,))

    assert ["h1"] == [endpoint.host for endpoint in site.deployment().endpoints]
    assert site.package.id == site.deployment().model_package.id


@pytest.mark.parametrize(("seconds", "expected"), [(29, 0), (31, 1), (-29, 0), (-31, 1)])
def test_a_wrong_clock_is_told_once(site: Site, seconds: int, expected: int):
    """Ahead of now, or behind the action's own begin; again only the next day."""
    for number in range(2):
        site.create(f"d{number}")
        site.report(site.take(), finished_at=site.clock() + timedelta(seconds=seconds))

    assert expected == site.event_types(None).count("agent_clock_skewed")


def test_a_result_that_waited_in_the_spool_says_nothing_of_the_clock(site: Site):
    """The control plane was away, the agent's clock is right."""
    site.create()
    claim = site.take()
    result = site.result(claim)
    site.clock.pass_seconds(7200)

    site.services.agents.report(site.agent, [result])

    assert "agent_clock_skewed" not in site.event_types(None)


def test_the_feeds_order_is_the_order_of_arrival(site: Site):
    """Whatever the agents' clocks say."""
    for number, seconds in enumerate((3600, -3600, 0)):
        site.create(f"d{number}")
        site.report(site.take(), finished_at=site.clock() + timedelta(seconds=seconds))

    entries = site.services.deployment_events.list_events(
        EventFilters(types=("model_deployments.deployment_launch_succeeded",))
    ).data

    assert ["d2", "d1", "d0"] == [entry.deployment_id for entry in entries]


def test_an_entry_of_very_many_hosts_is_cut(site: Site):
    """And says what is missing."""
    site.create()
    hosts = tuple(HostOutcome(host=f"h{n}", outcome=Outcome.FAILED, message="x" * 1000) for n in range(500))

    site.report(site.take(), ActionStatus.FAILED, hosts=hosts)

    entry = site.services.deployment_events.list_events(EventFilters(deployment_id="d1"), limit=1).data[0]
    assert ["hosts"] == entry.data["cut"]
    assert "failed" == entry.data["outcome"]
