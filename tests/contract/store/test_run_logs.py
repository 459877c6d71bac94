"""Logs of runs while they go on: what is there is read by number, and what is not is known to be missing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane import reporting
from mgmt_ansible.domain.actions import Claim
from mgmt_ansible.domain.reports import LogReport
from mgmt_ansible.domain.run_filters import RunFilters
from mgmt_ansible.domain.runs import RunStatus
from tests.contract.store.sites import START, Site


def log(site: Site, claim: Claim, first: int = 1, *lines: str, run_id: str = "r1", **more: object) -> LogReport:
    report = LogReport(
        id=f"log-{run_id}-{first}-{len(lines)}-{claim.attempt}",
        action_id=claim.spec.id,
        attempt=claim.attempt,
        run_id=run_id,
        playbook="deployment_launch",
        started_at=site.clock(),
        first=first,
        lines=lines,
        **more,
    )
    site.services.agents.report(site.agent, [report])
    return report


def texts(site: Site, first: int = 1, run_id: str = "r1") -> list[tuple[int, str]]:
    return [(line.number, line.text) for line in site.services.runs.read_log(run_id, first=first).lines]


@pytest.fixture
def claim(site: Site) -> Claim:
    site.create()
    return site.take()


def test_a_run_is_known_as_soon_as_it_begins(site: Site, claim: Claim):
    """It has no end, no hosts and no hash yet."""
    log(site, claim)

    run = site.services.runs.get_run("r1")
    assert (RunStatus.RUNNING, None, [], "") == (run.status, run.ended_at, run.hosts, run.request_hash)
    assert START == run.started_at


def test_lines_are_read_from_any_number(site: Site, claim: Claim):
    """Over the borders of reports."""
    log(site, claim, 1, "a", "b")
    log(site, claim, 3, "c")

    assert [(2, "b"), (3, "c")] == texts(site, 2)
    assert 4 == site.services.runs.read_log("r1").next_line


def test_lost_lines_are_a_gap(site: Site, claim: Claim):
    """The raw text says how many are missing."""
    log(site, claim, 1, "a")
    log(site, claim, 5, "e")

    assert [(1, "a"), (5, "e")] == texts(site)
    assert "a\n[3 lines lost]\ne\n" == "".join(site.services.runs.raw_log("r1"))


def test_lines_that_come_again_count_once(site: Site, claim: Claim):
    """A report may overlap what is there."""
    log(site, claim, 1, "a", "b")
    log(site, claim, 2, "b", "c", "d")

    assert [(1, "a"), (2, "b"), (3, "c"), (4, "d")] == texts(site)


def test_the_runs_own_report_ends_it(site: Site, claim: Claim):
    """Its log stays, and the number of its lines is known."""
    log(site, claim, 1, "a")
    site.clock.pass_seconds(5)
    report = site.run_report(claim, "r1")
    site.services.agents.report(site.agent, [report])

    run = site.services.runs.get_run("r1")
    assert (RunStatus.SUCCESSFUL, START + timedelta(seconds=5), 1) == (run.status, run.ended_at, run.log_lines)
    assert None is site.services.runs.read_log("r1").next_line


def test_a_run_that_nobody_tells_of_is_given_up_with_its_action(site: Site, claim: Claim):
    """Nothing goes on for ever; a report that comes late after all still counts."""
    log(site, claim)
    site.report(claim)
    given_up = site.services.runs.get_run("r1")
    site.services.agents.report(site.agent, [site.run_report(claim, "r1")])

    assert (RunStatus.CANCELED, True) == (given_up.status, "nobody told" in given_up.message)
    assert RunStatus.SUCCESSFUL is site.services.runs.get_run("r1").status


def test_a_run_of_a_lost_claim_is_given_up_when_another_takes_it(site: Site, claim: Claim):
    """Two attempts of one action never go on at once."""
    log(site, claim)
    site.clock.pass_seconds(31)
    log(site, site.take(), run_id="r2")

    statuses = {run.id: run.status for run in site.services.runs.list_runs().data}
    assert {"r1": RunStatus.CANCELED, "r2": RunStatus.RUNNING} == statuses


def test_a_run_of_another_action_takes_no_lines(site: Site, claim: Claim):
    """An agent that names a run that is not the action's writes into nobody's log."""
    log(site, claim, 1, "ours")
    site.create("d2")
    log(site, site.take(), 2, "theirs")

    assert [(1, "ours")] == texts(site)


def test_a_log_that_is_too_long_keeps_its_beginning(site: Site, claim: Claim, monkeypatch: pytest.MonkeyPatch):
    """No agent fills the database with one run."""
    monkeypatch.setattr(reporting, "_WHOLE_LOG_CHARACTERS", 10)
    log(site, claim, 1, "a" * 8)
    log(site, claim, 2, "b" * 8)

    assert ([(1, "a" * 8)], 2) == (texts(site), site.services.runs.get_run("r1").log_lines)


@pytest.mark.parametrize(("first", "run_id"), [(0, "r1"), (2**40, "r1"), (1, ""), (1, "r" * 65)])
def test_a_hostile_report_is_refused_by_name(site: Site, claim: Claim, first: int, run_id: str):
    """Never a crash of the database."""
    with pytest.raises(errors.InvalidRequestError, match=r"^(first|run_id): "):
        log(site, claim, first, "x", run_id=run_id)


def test_a_hostile_line_is_one_harmless_line(site: Site, claim: Claim):
    """Controls, line feeds and secrets go."""
    log(site, claim, 1, "\x1b[31mred\x07\nnext\x00 password=hunter22", "\ud800")

    assert [(1, "red next password=[redacted]"), (2, "")] == texts(site)


def test_a_removed_run_takes_its_log_along(site: Site, claim: Claim):
    """Retention leaves nothing behind."""
    log(site, claim, 1, "a")
    with site.store.write() as tx:
        tx.pruning.remove_runs([site.services.runs.get_run("r1").sequence])
    with site.store.read() as tx:
        assert () == tx.run_logs.read("r1", first=1, limit=10)


def test_runs_are_found_by_what_people_ask(site: Site, claim: Claim):
    """Each filter, and paging by sequence."""
    log(site, claim)
    site.report(claim)
    site.clock.pass_seconds(60)
    site.create("d2")
    log(site, site.take(), run_id="r2")
    runs = site.services.runs

    def found(before: int | None = None, **fields: object) -> list[str]:
        return [run.id for run in runs.list_runs(RunFilters(**fields), before=before, hosts=False).data]

    assert ["r2", "r1"] == found(environment_id=site.environment.id)
    assert ["r1"] == found(statuses=(RunStatus.CANCELED, RunStatus.FAILED))
    assert ["r2"] == found(since=START + timedelta(seconds=30))
    assert ["r1"] == found(until=START + timedelta(seconds=30))
    assert ["r2"] == found(search="D2")
    assert [] == found(search="%")
    assert ["r1"] == found(before=runs.get_run("r2").sequence)
