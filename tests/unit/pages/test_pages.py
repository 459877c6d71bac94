"""What the pages say, over scripted services."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.control_plane import access
from mgmt_ansible.control_plane.pages import words
from mgmt_ansible.control_plane.pages.templating import relative_time
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.drift import Drift
from mgmt_ansible.domain.durations import in_words
from mgmt_ansible.domain.golden import GoldenReport
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Outcome
from mgmt_ansible.wire import api_v2
from tests.unit.pages import scripted_services as scripted
from tests.unit.pages import scripted_values as example
from tests.unit.pages.scripted_access import CODE, SESSION, TOKEN


@pytest.fixture
def script() -> scripted.Scripted:
    return scripted.Scripted()


@pytest.fixture
def stranger(script):
    with TestClient(script.app(), follow_redirects=False) as client:
        yield client


@pytest.fixture
def browser(stranger):
    stranger.cookies.set(access.SESSION_COOKIE, SESSION)
    return stranger


def text_of(answer) -> str:
    """Return what a reader sees, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_an_empty_list_teaches_the_next_command(browser):
    """Somebody who has an environment learns how to launch into it."""
    assert "mgmt-ansible deployment launch LABEL --package NAME --environment loopback" in browser.get("/").text


def test_without_an_environment_the_first_command_makes_one(script, browser):
    """Somebody who has nothing learns where to begin."""
    script.environments = []
    assert "mgmt-ansible environment create NAME" in browser.get("/").text


def test_a_line_of_the_list_has_all_that_people_ask_for(script, browser):
    """Label, health, state, package, environment and last event in one line."""
    script.deployments = [example.deployment("wine", label="Wine quality")]
    script.entries = [example.entry(title="Launch succeeded")]
    line = re.search(r"<tr id=\"row-wine\">.*?</tr>", browser.get("/").text, re.DOTALL)[0]
    seen = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", line))
    expected = (
        "Wine quality",
        "wine",
        "Passing",
        "Ready",
        "wine-forest",
        "1.4.0",
        "loopback",
        "Launch succeeded",
        "min ago",
    )
    assert [] == [word for word in expected if word not in seen]


def test_an_action_under_way_shows_its_progress(script, browser):
    """The list says what is being done, and where it is."""
    script.actions = [example.action(status=ActionStatus.RUNNING, progress="host-1: gate", hosts=[])]
    brief = api_v2.ActionBrief(id="a" * 24, type=ActionType.DEPLOYMENT_LAUNCH, status=ActionStatus.RUNNING)
    script.deployments = [example.deployment(state=DeploymentState.LAUNCHING, current_action=brief)]
    assert "Launch: host-1: gate" in text_of(browser.get("/"))


def test_filters_in_the_address_choose_the_lines(script, browser):
    """A pasted address shows what its sender saw."""
    failing = api_v2.HealthStatus(status=Health.FAILING)
    script.deployments = [example.deployment("a"), example.deployment("b", service_health=failing)]
    assert ["b"] == re.findall(r'id="row-(\w+)', browser.get("/?health=failing&search=label").text)


def test_several_states_are_one_filter(script, browser):
    """Parted by commas, or given more than once; `in_action` means all that an action holds."""
    states = ("launching", "stopping", "ready", "errored")
    script.deployments = [example.deployment(one, state=DeploymentState(one)) for one in states]
    for query, shown in (
        ("state=errored,ready", ["ready", "errored"]),
        ("state=errored&state=in_action", ["launching", "stopping", "errored"]),
    ):
        assert shown == re.findall(r'id="row-(\w+)', browser.get(f"/?{query}").text)


def test_a_filter_that_is_none_counts_as_not_chosen(script, browser):
    """An old or broken address still shows a page."""
    script.deployments = [example.deployment("a")]
    assert ["a"] == re.findall(r'id="row-(\w+)', browser.get("/?health=purple&state=odd&offset=-3").text)


def test_two_hundred_deployments_come_in_pages_that_keep_the_filters(script, browser):
    """The next page is one link away, with the same search."""
    script.deployments = [example.deployment(f"wine-{number}") for number in range(200)]
    answer = browser.get("/?search=wine")
    assert (50, True) == (answer.text.count("<tr id="), 'href="/?search=wine&amp;offset=50"' in answer.text)


def test_a_host_shows_how_it_drifted(script, browser):
    """In words, and nothing where nothing drifted."""
    script.deployments = [example.deployment("wine")]
    script.hosts = [example.deployment_host(drift=Drift.FOREIGN_PROCESS), example.deployment_host(host="host-2")]
    seen = text_of(browser.get("/deployments/wine"))
    assert (1, 1) == (seen.count("drift: foreign process"), seen.count("drift"))


def test_hosts_show_outcome_cause_and_that_the_old_model_serves(script, browser):
    """A failed replacement says per host why, and what serves now."""
    host = HostOutcome(
        host="host-3",
        outcome=Outcome.ROLLED_BACK,
        cause=Cause.NOT_READY,
        message="not ready within 60 s",
        old_model_in_use=True,
        golden=GoldenReport(examples=3, passed=3, failed=0),
    )
    script.deployments = [example.deployment("wine")]
    script.actions = [example.action(hosts=[host])]
    seen = text_of(browser.get("/deployments/wine"))
    command = "mgmt-ansible deployment replace wine --package PACKAGE --wait"
    expected = (
        "host-3",
        "rolled back",
        "not ready within 60 s",
        "The old model is in use.",
        command,
        "3 of 3 golden predictions right",
    )
    assert [] == [word for word in expected if word not in seen]


def test_a_replacement_shows_its_receipt(script, browser):
    """How many probes failed, for how long nobody answered, and how fast the others were answered in each phase."""
    host = HostOutcome(host="host-3", outcome=Outcome.CHANGED, receipt=example.RECEIPT)
    script.deployments = [example.deployment("wine")]
    script.actions = [example.action(hosts=[host])]
    seen = " ".join(text_of(browser.get("/deployments/wine")).split())

    assert "3 of 120 probes failed, at most 0.15 s without an answer, 2 were answered late" in seen
    assert "before during after probes 100 3 17" in seen
    assert "(p50) 2 ms - 3 ms 99 of 100 within (p99) 4 ms - 0.25 s" in seen


def test_events_are_newest_first_with_icon_and_word(script, browser):
    """Each entry has the icon and the word of its health."""
    script.deployments = [example.deployment("wine")]
    script.entries = [example.entry(2, health=Health.FAILING), example.entry(1, health=Health.INFO)]
    feed = browser.get("/deployments/wine").text.split('<ol class="feed">')[1].split("</ol>")[0]
    assert ["failing", "info"] == re.findall(r'feed-icon"><svg class="icon icon-(\w+)', feed)
    assert ["Failing", "Informational"] == re.findall(r'feed-word">([^<]+)', feed)


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({"deployment_id": None}, "agent:agent-1"),
        ({"deployment_id": None, "host": "gpu-1"}, "host gpu-1 · agent:agent-1"),
        ({"host": "gpu-1"}, "wine · host gpu-1 · agent:agent-1"),
        ({"host": "gpu-1", "actor": ""}, "wine · host gpu-1"),
    ],
)
def test_an_event_says_whose_it_is_without_loose_dots(script, browser, entry, line):
    """Deployment, host and actor, as far as there are any."""
    script.entries = [example.entry(**entry)]
    assert f">{line}<" in re.sub(r"</?a[^>]*>", "", browser.get("/events").text)


def test_older_events_are_one_link_away(script, browser):
    """The link names the last entry shown, not an offset that moves."""
    script.deployments = [example.deployment("wine")]
    script.entries = [example.entry(number) for number in range(120, 0, -1)]
    assert 'href="/deployments/wine?before=71"' in browser.get("/deployments/wine").text


@pytest.mark.parametrize("payload", ["<script>alert(1)</script>", "\"' onmouseover=alert(1) x='", "{{ 7 * 7 }}"])
def test_text_from_outside_stays_text(script, browser, payload):
    """Labels, messages, hosts and data are escaped wherever they stand."""
    script.deployments = [example.deployment("wine", label=payload, description=payload)]
    script.entries = [example.entry(title=payload, message=payload, actor=payload, data={payload: payload})]
    script.actions = [example.action(message=payload, hosts=[HostOutcome(host=payload, outcome=Outcome.OK)])]
    for address in ("/", "/deployments/wine", "/?search=" + payload):
        answer = browser.get(address).text
        assert (0, 0, 0) == (answer.count("<script>"), answer.count("\"' onm"), answer.count(">49<"))


def test_an_unknown_deployment_is_a_friendly_404(browser):
    """The page says which id, and where to go."""
    answer = browser.get("/deployments/nope")
    assert (404, True) == (answer.status_code, "deployment nope: there is none" in text_of(answer))


def test_nothing_inline_may_run(browser):
    """The policy allows own files only, and the page needs no more."""
    answer = browser.get("/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert [] == re.findall(r"<script(?![^>]* src=)|<style|\son\w+=| style=", answer.text)


def test_static_files_have_their_hash_in_the_address_and_stay_for_ever(browser):
    """A new release has new addresses; nothing old is shown."""
    address = re.search(r'href="(/static/[^"]+pages.css)"', browser.get("/").text)[1]
    answer = browser.get(address)
    assert (200, "public, max-age=31536000, immutable") == (answer.status_code, answer.headers["cache-control"])


def test_a_static_address_of_another_release_is_not_kept(browser):
    """During an upgrade an old page gets a style sheet, but does not remember it."""
    answer = browser.get("/static/0123456789abcdef/pages.css")
    assert (200, "no-cache") == (answer.status_code, answer.headers["cache-control"])


@pytest.mark.parametrize("name", ["..%2froutes.py", "vendor/..%2f..%2froutes.py", "%2e%2e%2froutes.py", "nothing.js"])
def test_only_named_files_are_served(browser, name):
    """No path leads out of the folder."""
    assert 404 == browser.get(f"/static/0/{name}").status_code


def test_a_login_link_signs_in_once(stranger):
    """The first visit sets a strict cookie, the second is refused."""
    first, second = stranger.get(f"/login?code={CODE}"), stranger.get(f"/login?code={CODE}")
    assert (200, 401) == (first.status_code, second.status_code)
    assert all(word in first.headers["set-cookie"].lower() for word in ("httponly", "samesite=strict", "path=/"))


def test_a_typed_token_signs_in(stranger):
    """Without a link, the token itself opens the pages."""
    answer = stranger.post("/login", data={"token": f" {TOKEN} "})
    assert (200, True) == (answer.status_code, SESSION in answer.headers["set-cookie"])


def test_a_wrong_token_is_refused_in_words(stranger):
    """The page says so, and sets nothing."""
    answer = stranger.post("/login", data={"token": "mga_wrong"})
    assert (401, False, True) == (answer.status_code, "set-cookie" in answer.headers, "no such token" in answer.text)


def test_a_form_of_another_site_signs_nobody_in(stranger):
    """A foreign page cannot plant a session."""
    answer = stranger.post("/login", data={"token": TOKEN}, headers={"Sec-Fetch-Site": "cross-site"})
    assert (401, False) == (answer.status_code, "set-cookie" in answer.headers)


def test_an_endless_form_is_refused(stranger):
    """Strangers cannot fill the memory."""
    answer = stranger.post("/login", content=b"token=" + b"a" * 100_000)
    assert (422, True) == (answer.status_code, "a form of this size" in answer.text)


def test_signing_out_ends_the_session(script, browser):
    """The cookie is worth nothing afterwards."""
    browser.post("/logout")
    assert set() == script.sessions


def test_a_live_page_whose_session_ended_goes_to_the_login_as_a_whole(stranger):
    """htmx follows the redirect; the login form must not land inside the page."""
    answer = stranger.get("/login", headers={"HX-Request": "true"})
    assert ("/login", "") == (answer.headers["hx-redirect"], answer.text)


@pytest.mark.parametrize(
    ("closed_set", "shown"),
    [
        (Health, words.HEALTH),
        (DeploymentState, words.STATES),
        (ActionType, words.ACTIONS),
        (ActionStatus, words.ACTION_STATUSES),
    ],
)
def test_every_value_has_a_word(closed_set, shown):
    """A new value without a word would be a page that breaks."""
    assert set(closed_set) == set(shown)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_a_word(outcome):
    """Also the bad ones."""
    assert outcome.value.replace("_", " ") == words.outcome_word(outcome).text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-30, "just now"),
        (4, "just now"),
        (59, "59 s ago"),
        (3599, "59 min ago"),
        (86_399, "23 h ago"),
        (86_400, "1 day ago"),
        (260_000, "3 days ago"),
    ],
)
def test_times_are_told_from_now(seconds, text):
    """A clock that runs ahead is no reason for `in 3 s`."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert text == relative_time(now - timedelta(seconds=seconds), now)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "under 1 ms"), (0.0042, "4 ms"), (0.0996, "100 ms"), (0.35, "0.35 s"), (12.06, "12.1 s")],
)
def test_durations_are_told_as_people_read_them(seconds, text):
    """A gap of four milliseconds is not `0.00 s`."""
    assert text == in_words(seconds)
