"""Events, the matrix, and the tabs of a deployment, over scripted services."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.control_plane import access
from mgmt_ansible.control_plane.pages.matrix import MARKS, mark_of
from mgmt_ansible.domain import responses
from mgmt_ansible.domain.actions import ActionSpec, ActionType
from mgmt_ansible.domain.deployments import DeploymentState, DeploymentTarget
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.model_packages import ModelPackage, Runtime
from mgmt_ansible.domain.outcomes import Cause, Evidence, HostOutcome, Outcome
from mgmt_ansible.wire import api_v2
from tests.unit.pages import scripted_services as scripted
from tests.unit.pages import scripted_values as example
from tests.unit.pages.scripted_access import SESSION


@pytest.fixture
def script() -> scripted.Scripted:
    return scripted.Scripted(deployments=[example.deployment("wine")])


@pytest.fixture
def browser(script):
    with TestClient(script.app(), follow_redirects=False) as client:
        client.cookies.set(access.SESSION_COOKIE, SESSION)
        yield client


def text_of(answer) -> str:
    """Return what a reader sees, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def package(version: str) -> ModelPackage:
    return ModelPackage(
        id="p" * 24,
        name="wine-forest",
        version=version,
        digest=version[0] * 64,
        archive_sha256="a" * 64,
        archive_bytes=1234,
        runtime=Runtime.ONNX,
    )


def spec(action: api_v2.Action, version: str) -> ActionSpec:
    target = DeploymentTarget(id="wine", label="Wine", generation=action.generation, package=package(version))
    return ActionSpec(
        id=action.id,
        type=action.type,
        environment_id="e" * 24,
        environment_name="loopback",
        deployment=target,
        requested_at=action.requested_at,
    )


def test_tiles_count_and_lead_to_what_they_count(script, browser):
    """Each health, and what is in action; the chosen one leads back to all."""
    failing = api_v2.HealthStatus(status=Health.FAILING)
    script.deployments += [example.deployment("churn", service_health=failing)]
    tiles = re.findall(r'<a class="tile[^"]*" href="([^"]+)"[^>]*><strong>(\d+)', browser.get("/?health=failing").text)
    assert [("/?health=passing", "1"), ("/?health=warning", "0"), ("/", "1")] == tiles[:3]


def test_what_hosts_proved_is_set_against_what_is_wanted(script, browser):
    """In words: how many hosts are out of step."""
    script.hosts = [example.deployment_host(host="h1"), example.deployment_host(host="h2", in_step=False)]
    assert "Out of step: 1 of 2 hosts" in text_of(browser.get("/"))


def test_chosen_columns_are_in_the_address(script, browser):
    """Others are left out; the usual ones need no address."""
    heads = re.findall(r'<th scope="col">([^<]+)</th>', browser.get("/?column=importance&column=health").text)
    assert ["Deployment", "Health", "Importance"] == heads


def test_exports_of_deployments_ask_the_api_for_the_same(script, browser):
    """Every filter of the page is one of the export."""
    script.deployments = [example.deployment("wine", state=DeploymentState.LAUNCHING)]
    text = browser.get("/?importance=LOW&sort=-createdAt&search=wine&state=in_action&column=health").text
    url = re.search(r'href="(/api/v2/exports/deployments/\?format=xlsx[^"]+)"', text)[1]
    wanted = ("importance=LOW", "orderBy=-createdAt", "search=wine", "state=in_action")
    assert [] == [part for part in wanted if part not in url]
    assert "Export 1" in text


def test_an_event_has_sentence_cause_what_to_do_and_raw_beside_the_list(script, browser):
    """The address of the list with the panel can be pasted."""
    told = {"outcome": "failed", "cause": "not_ready", "drift": "missing", "message": "no answer"}
    phase = {"probes": 3, "p50_seconds": 0.002, "p99_seconds": 0.004}
    receipt = {"interval_seconds": 0.05, "probes": 9, "failed": 2, "longest_gap_seconds": 0.1}
    receipt |= {"before": phase, "during": phase, "after": phase}
    golden = {"examples": 2, "passed": 2, "failed": 0, "worst": None, "old_model": None}
    hosts = {"h1": {**told, "receipt": receipt, "golden": golden, "old_model_in_use": True}}
    script.entries = [example.entry(2, title="Launch failed", health=Health.FAILING, data={"hosts": hosts})]
    seen = text_of(browser.get(f"/events?search=launch&event={2:024x}"))
    expected = (
        "What to do",
        "Not ready on h1",
        "mgmt-ansible deployment replace wine --package PACKAGE --wait",
        "Raw JSON",
        "[drift: missing: nothing runs although it should] no answer; the old model is in use",
        "2 of 9 probes failed, at most 0.10 s without an answer",
        "2 of 2 golden predictions right",
    )
    assert [] == [word for word in expected if word not in seen]


@pytest.mark.parametrize(
    "data",
    [
        {"hosts": "no"},
        {"hosts": {"h": 3}},
        {"hosts": {"h": {"cause": 7}}},
        {"cause": []},
        {"hosts": {"h": {"receipt": {"probes": "9"}, "golden": []}}},
    ],
)
def test_data_of_an_odd_shape_breaks_no_page(script, browser, data):
    """What came from outside is shown, never trusted."""
    script.entries = [example.entry(1, data={**data, "evidence": ["x", {"text": 3}]})]
    assert 200 == browser.get(f"/events/{1:024x}").status_code


def test_exports_of_events_ask_the_api_for_the_same(script, browser):
    """Every filter of the page is one of the export; a relative time becomes a fixed one."""
    script.entries = [example.entry(1, host="h1")]
    text = browser.get("/events?host=h1&since=24h&category=launch&search=launch").text
    url = re.search(r'href="(/api/v2/deploymentEvents/export/\?format=csv[^"]+)"', text)[1]
    assert all(part in url for part in ("host=h1", "category=launch", "search=launch", "since=2"))


def test_events_can_be_asked_for_from_one_instant_until_another(script, browser):
    """In whatever zone the address tells it; the fields of the form are in UTC without scripts."""
    script.entries = [example.entry(1)]
    text = browser.get("/events?since=2026-11-01T10:00:30%2B02:00&until=2026-11-02T00:00&within=7d").text
    assert 'name="since" step="any" value="2026-11-01T08:00:30" data-instant="2026-11-01T08:00:30Z"' in text
    assert 'name="until" step="any" value="2026-11-02T00:00" data-instant="2026-11-02T00:00:00Z"' in text
    assert "since=2026-11-01T08%3A00%3A30%2B00%3A00&amp;until=2026-11-02" in text


@pytest.mark.parametrize("odd", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "2026-13-01", "\x00", "24h" * 99])
def test_a_time_that_is_none_counts_as_not_chosen(script, browser, odd):
    """At the ends of the calendar too."""
    script.entries = [example.entry(1)]
    answer = browser.get("/events", params={"since": odd, "until": odd})
    assert (200, 1) == (answer.status_code, answer.text.count('id="event-'))
    assert 200 == browser.get("/runs", params={"since": odd, "until": odd}).status_code


def test_odd_filters_of_events_count_as_not_chosen(script, browser):
    """An old or broken address still shows a page."""
    script.entries = [example.entry(1)]
    answer = browser.get("/events?since=yesterday&until=x&health=purple&category=odd&before=-2")
    assert (200, 1) == (answer.status_code, answer.text.count('id="event-'))


def test_a_cell_is_an_icon_a_letter_and_the_way_to_its_events(script, browser):
    """Colour never stands alone; who hears it has the heads of row and column besides."""
    script.inventory = ["h1", "h2"]
    script.hosts = [example.deployment_host(host="h1", outcome=Outcome.FAILED, cause=Cause.NOT_READY)]
    text = browser.get("/matrix").text
    cell = re.search(r'<a class="tone-failing" href="([^"]+)" title="([^"]+)"><i>(.)</i>(\w)</a>', text)
    assert ("/events?deployment=wine&amp;host=h1", "Label of wine on h1: failed", "✕", "F") == cell.groups()
    assert "2 hosts, 1 deployment" in text


def test_trouble_only_leaves_out_what_is_fine(script, browser):
    """A hundred hosts shrink to those that need somebody."""
    script.inventory = ["h1", "h2"]
    script.hosts = [example.deployment_host(host="h1"), example.deployment_host(host="h2", in_step=False)]
    assert ["h2"] == re.findall(r'<tr><th scope="row">([^<]+)', browser.get("/matrix?only=trouble").text)


def test_every_mark_has_its_own_letter():
    """Told apart in black and white; every outcome has one."""
    assert len(MARKS) == len({mark.letter for mark in MARKS})
    marks = {mark_of(example.deployment_host(outcome=outcome), stopped=False) for outcome in Outcome}
    assert marks <= set(MARKS)


def test_each_host_is_told_by_its_own_result(script, browser):
    """The run failed; the host on which it did not is shown as fine."""
    script.hosts = [example.deployment_host(host="h1"), example.deployment_host(host="h2", outcome=Outcome.FAILED)]
    script.actions = [example.action(status="failed", message="failed on h2", hosts=[])]
    rows = re.findall(r'<th scope="row">(h\d)</th>.*?icon-(\w+)', browser.get("/deployments/wine").text, re.DOTALL)
    assert [("h2", "failing"), ("h1", "passing")] == rows


def test_the_history_sets_a_release_against_the_one_before(script, browser):
    """What changed stands out, what did not says so; a release that failed never served."""
    newer = example.action("1" * 24, type=ActionType.DEPLOYMENT_REPLACE_MODEL, generation=4)
    failed = example.action("3" * 24, type=ActionType.DEPLOYMENT_REPLACE_MODEL, generation=3, status="failed")
    older = example.action("2" * 24, generation=2)
    script.actions = [newer, failed, older]
    script.specs = {newer.id: spec(newer, "1.4.0"), failed.id: spec(failed, "1.3.9"), older.id: spec(older, "1.3.0")}
    seen = text_of(browser.get("/deployments/wine/history"))
    assert "Package wine-forest 1.3.0 wine-forest 1.4.0" in seen
    assert "Runtime onnx the same" in seen


def test_a_dry_run_shows_what_each_host_would_do(script, browser):
    """And says that nothing was changed."""
    difference = Evidence(kind="diff", text="- nothing serves\n+ generation 4")
    would = HostOutcome(host="h1", outcome=Outcome.CHANGED, message="would start", evidence=(difference,))
    dry = ActionType.DEPLOYMENT_DRY_RUN
    script.actions = [example.action(type=dry, would=ActionType.DEPLOYMENT_ROLLBACK, hosts=[would])]
    seen = text_of(browser.get(f"/deployments/wine/actions/{'a' * 24}"))
    expected = ("Dry run: Rollback", "Nothing was changed", "would start", "+ generation 4")
    assert [] == [word for word in expected if word not in seen]


def test_the_strip_tells_its_health_in_words_too(script, browser):
    """Who cannot see it reads it."""
    script.entries = [example.entry(1, health=Health.FAILING)]
    assert "Last 7 days: failing 100.0%; it began to fail 1 time." in browser.get("/deployments/wine?strip=7d").text


def test_responses_are_drawn_and_told_in_words(script, browser):
    """Looks measured this hour, and nobody told of predictions."""
    hour = responses.hour_of(example.NOW)
    script.responses = {responses.ResponseSource.LOOKS: {hour: responses.response(milliseconds=4.0)}}

    seen = browser.get("/deployments/wine?strip=7d").text

    assert (1, 1, 0) == tuple(seen.count(f'<rect class="{one}"') for one in ("range", "measured", "failed"))
    assert "Last 7 days: 1 answer was asked for, none failed; 4 ms on average, 4 ms to 4 ms." in seen
    assert "No client told of predictions in the last 7 days." in seen


def test_an_action_of_another_deployment_is_not_shown_here(script, browser):
    """Addresses do not mix."""
    script.actions = [example.action(deployment_id="churn")]
    assert 404 == browser.get(f"/deployments/wine/actions/{'a' * 24}").status_code


def test_a_matrix_comes_in_pages_that_a_browser_can_carry(script, browser):
    """Hosts go on where the page before ended; past the last one leads a way back."""
    script.deployments = [example.deployment("wine")]
    script.inventory = [f"h{number:04d}" for number in range(1_201)]
    script.hosts = [example.deployment_host(host="h0000")]
    first, second = browser.get("/matrix").text, browser.get("/matrix?offset=1200").text

    assert "Hosts 1 to 1200 of 1201" in first
    assert "/matrix?environment=" + "e" * 24 + "&amp;offset=1200" in first
    assert ["h1200"] == re.findall(r'<tr><th scope="row">([^<]+)', second)
    assert "Show the first hosts" in browser.get("/matrix?offset=5000").text
