"""The pages of runs, over the whole application."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.domain.actions import ActionStatus, Claim
from mgmt_ansible.domain.drift import Drift
from mgmt_ansible.domain.golden import GoldenReport
from mgmt_ansible.domain.outcomes import Cause, Evidence, HostOutcome, Outcome, Step
from mgmt_ansible.domain.receipts import ProbedPhase, Receipt
from mgmt_ansible.domain.reports import LogReport
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.wire import api_v2
from tests.contract.store.sites import Site


def say(site: Site, claim: Claim, *lines: str, first: int = 1, run_id: str = "r1") -> None:
    report = LogReport(
        id=f"{run_id}-{first}",
        action_id=claim.spec.id,
        attempt=claim.attempt,
        run_id=run_id,
        playbook=claim.spec.type.value,
        started_at=site.clock(),
        first=first,
        lines=lines,
    )
    site.services.agents.report(site.agent, [report])


def end(site: Site, claim: Claim, *hosts: HostOutcome, run_id: str = "r1", log_lines: int = 0) -> None:
    report = site.run_report(claim, run_id)
    status = RunStatus.SUCCESSFUL if all(host.outcome is Outcome.CHANGED for host in hosts) else RunStatus.FAILED
    outcome = replace(
        report.outcome,
        status=status,
        hosts={host.host: host for host in hosts},
        log_lines=log_lines,
        log_tail="the end",
    )
    site.services.agents.report(site.agent, [replace(report, outcome=outcome)])


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.fixture
def claim(site: Site) -> Claim:
    site.create()
    return site.take()


def test_a_run_is_in_the_list_while_it_goes_on(site: Site, user: TestClient, claim: Claim):
    """With what it does, and for which deployment; the page asks again soon."""
    say(site, claim)

    page = user.get("/runs").text
    assert 'href="/runs/r1"' in page
    assert 'data-every="2"' in page
    assert "Launch r1 Running not known yet d1 prod" in text_of(page)


def test_each_host_has_its_own_result(site: Site, user: TestClient, claim: Claim):
    """What needs somebody comes first, with its cause, its proof and what to type."""
    end(
        site,
        claim,
        HostOutcome(host="h1", outcome=Outcome.CHANGED, message="serves", steps=(Step(name="start", seconds=2.0),)),
        HostOutcome(
            host="h2",
            outcome=Outcome.FAILED,
            cause=Cause.DISK,
            message="disk full",
            evidence=(Evidence(kind="df", text="/var 100%"),),
            golden=GoldenReport(examples=2, passed=1, failed=1),
            drift=Drift.TAMPERED_FILE,
        ),
    )

    page = user.get("/runs/r1").text
    assert page.index('id="host-h2"') < page.index('id="host-h1"')
    for told in (
        "disk full",
        "/var 100%",
        "1 of 2 golden predictions right",
        "drift: tampered file",
        f"mgmt-ansible host check {site.environment.id} h2",
        "2.00 s",
    ):
        assert told in page
    assert 'id="host-h1"' not in user.get("/runs/r1?hosts=failed").text


def test_a_replacement_shows_what_it_lost(site: Site, user: TestClient, claim: Claim):
    """The loss receipt: in the page and in the API; without one the gap alone, as older agents tell it."""
    phase = ProbedPhase(probes=4, p50_seconds=0.002, p99_seconds=0.004)
    receipt = Receipt(
        interval_seconds=0.05, probes=9, failed=2, longest_gap_seconds=0.1,
        before=phase, during=ProbedPhase(probes=1), after=phase,
    )  # fmt: skip
    end(
        site,
        claim,
        HostOutcome(host="h1", outcome=Outcome.CHANGED, gap_seconds=0.1, receipt=receipt),
        HostOutcome(host="h2", outcome=Outcome.CHANGED, gap_seconds=0.25),
    )

    seen = text_of(user.get("/runs/r1").text)
    assert "2 of 9 probes failed, at most 0.10 s without an answer" in seen
    assert "probes 4 1 4 half within (p50) 2 ms - 2 ms" in " ".join(seen.split())
    assert "0.25 s without an answer" in seen
    told = user.get("/api/v2/runs/r1/").json()["hosts"][0]["receipt"]
    assert (9, 2, 0.002) == (told["probes"], told["failed"], told["after"]["p50Seconds"])


def test_the_log_tells_what_is_lost(site: Site, user: TestClient, claim: Claim):
    """Numbered lines, gaps counted, and the end as the agent kept it."""
    say(site, claim, "PLAY [all] ***", "fatal: [h2]: FAILED! => {}")
    say(site, claim, "later", first=5)
    end(site, claim, HostOutcome(host="h2", outcome=Outcome.FAILED), log_lines=9)

    page = user.get("/runs/r1").text
    assert re.search(r'<li id="L2" class="line-failing"><a href="#L2"[^>]*>2</a><span>fatal: \[h2\]', page)
    assert ["2 lines lost", "4 lines lost; the end is below"] == re.findall(r'class="gap">([^<]+)<', page)
    assert '<pre class="log-tail" tabindex="0">the end</pre>' in page
    assert 'href="/runs/r1?first=1#L2">First failure' in page


def test_a_long_log_comes_in_parts(site: Site, user: TestClient, claim: Claim):
    """2,000 lines in a page, the rest by its numbers."""
    for first in (1, 3001):
        say(site, claim, *(f"line {number}" for number in range(first, first + 3000)), first=first)
    end(site, claim, log_lines=6000)

    page = user.get("/runs/r1").text
    assert (2000, True) == (page.count('<li id="L'), 'href="/runs/r1?first=2001#log-title">Later' in page)
    assert 'id="L6000"' in user.get("/runs/r1?first=5001").text


def test_a_page_that_renews_itself_leaves_the_log_out(site: Site, user: TestClient, claim: Claim):
    """Five thousand lines every two seconds would be a burden."""
    say(site, claim, "line")

    assert 'id="L1"' in user.get("/runs/r1").text
    assert 'id="L1"' not in user.get("/runs/r1?log=0").text


def test_lines_are_text(site: Site, user: TestClient, claim: Claim):
    """Whatever a host prints."""
    say(site, claim, "<script>alert(1)</script>", "{{ 7 * 7 }}")

    page = user.get("/runs/r1").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7 * 7 }}" in page


def test_a_run_can_be_taken_along(site: Site, user: TestClient, claim: Claim):
    """Its record as JSON, its log as text, and the way to a line far away."""
    say(site, claim, "one", "two words")
    end(site, claim)

    assert ("r1", "attachment") == (
        (record := user.get("/runs/r1/run.json")).json()["id"],
        record.headers["content-disposition"].partition(";")[0],
    )
    assert "one\ntwo words\n" == user.get("/runs/r1/log.txt").text
    assert {"number": 2} == user.get("/runs/r1/log/find?text=WORDS&first=1").json()
    assert {"number": None} == user.get("/runs/r1/log/find?text=nothing").json()


def test_filters_are_in_the_address(site: Site, user: TestClient, claim: Claim):
    """A link shows the same to everybody, and older pages keep the filters."""
    for number in range(51):
        say(site, claim, run_id=f"r{number}")
    site.report(claim, ActionStatus.FAILED)

    page = user.get("/runs?status=canceled&search=deployment_launch&within=nonsense").text
    older = re.search(r'rel="next" href="([^"]+)"', page)
    assert older is not None
    assert "search=deployment_launch&amp;status=canceled&amp;before=" in older[1]
    assert "1 of 51 runs" not in page
    assert "No run fits these filters" in text_of(user.get("/runs?status=timeout").text)


def test_from_until_and_columns_are_in_the_address_too(site: Site, user: TestClient, claim: Claim):
    """Any two moments, in UTC; what is no moment or no column counts as not chosen."""
    say(site, claim)
    began = site.clock().strftime("%Y-%m-%dT%H:%M")

    assert "No run fits these filters" in text_of(user.get(f"/runs?until={began}").text)
    page = user.get(f"/runs?since={began}&until=soon&column=began&column=purple").text
    assert ["Run", "Began"] == re.findall(r'<th scope="col">([^<]+)</th>', page)
    assert f'hx-get="/runs?since={began.replace(":", "%3A")}&amp;column=began"' in page


def test_undo_is_one_click_from_a_run(site: Site, user: TestClient):
    """As soon as there is something to go back to, and nothing else goes on."""
    site.ready("d1")
    site.replace("d1")
    claim = site.take()
    say(site, claim)
    asked = 'href="/deployments/d1/ask/rollback" data-ask'

    assert asked not in user.get("/runs/r1").text
    end(site, claim)
    site.report(claim)
    assert asked in user.get("/runs/r1").text


def test_an_unknown_run_is_a_page_that_says_so(user: TestClient):
    """Also for its parts."""
    for path in ("/runs/gone", "/runs/gone/log.txt", "/runs/gone/run.json", "/runs/gone/log/find?text=x"):
        assert 404 == user.get(path).status_code, path
    assert "No runs yet" in user.get("/runs").text


def test_the_run_of_a_dry_run_says_that_it_changed_nothing(site: Site, user: TestClient, claim: Claim):
    """Its playbook is the change's, and would look like the change itself."""
    site.report(claim)
    body = api_v2.ModelReplacement(model_package_id=site.newer.id, dry_run=True)
    site.services.deployments.replace_model("d1", body, site.asker)
    dry = site.take()
    report = replace(site.run_report(dry, "r2"), playbook="deployment_replace_model")
    site.services.agents.report(site.agent, [report])

    assert "Dry run: Replace model r2" in text_of(user.get("/runs").text)
    assert "Nothing was changed." in user.get("/runs/r2").text
    assert user.get("/api/v2/runs/r2/").json()["dryRun"]
