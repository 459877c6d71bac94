"""Before something is done: the question, the typed word, the role; and what is asked of the services then."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.control_plane import access
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.outcomes import Outcome
from mgmt_ansible.domain.roles import Role
from tests.unit.pages import scripted_services as scripted
from tests.unit.pages import scripted_values as example
from tests.unit.pages.scripted_access import SESSION


@pytest.fixture
def script() -> scripted.Scripted:
    return scripted.Scripted(deployments=[example.deployment("wine"), example.deployment("risk", importance="HIGH")])


@pytest.fixture
def browser(script):
    with TestClient(script.app(), follow_redirects=False) as client:
        client.cookies.set(access.SESSION_COOKIE, SESSION)
        yield client


def test_stopping_what_matters_needs_its_id_typed(script, browser):
    """The server checks it, whatever the page did."""
    assert 422 == browser.post("/deployments/risk/ask/stop", data={"confirm": "Risk"}).status_code
    assert [] == script.asked
    assert 303 == browser.post("/deployments/risk/ask/stop", data={"confirm": "risk"}).status_code
    assert [("risk", ActionType.DEPLOYMENT_STOP, False, False, "ada")] == script.asked


@pytest.mark.parametrize("name", ["prod", "eu-production", "PROD_1"])
def test_an_environment_called_production_asks_for_it_too(script, browser, name):
    """Also for deployments of low importance."""
    brief = script.deployments[0].prediction_environment.model_copy(update={"name": name})
    script.deployments[0] = script.deployments[0].model_copy(update={"prediction_environment": brief})
    assert "to go on" in browser.get("/deployments/wine/ask/stop").text


def test_a_dry_run_needs_no_typing_and_leads_to_what_it_found(script, browser):
    """It changes nothing."""
    answer = browser.post("/deployments/risk/ask/stop", data={"dry_run": "1"})
    assert (303, "/deployments/risk/actions/" + "c" * 24) == (answer.status_code, answer.headers["location"])
    assert [("risk", ActionType.DEPLOYMENT_STOP, True, False, "ada")] == script.asked


def test_a_replacement_needs_a_package(script, browser):
    """Without one nothing is asked."""
    assert 422 == browser.post("/deployments/wine/ask/replace", data={}).status_code
    browser.post("/deployments/wine/ask/replace", data={"package": "p1"})
    assert [("wine", "p1", False, "ada")] == script.asked


def test_only_failed_hosts_are_named_in_that_question(script, browser):
    """Who is fine is not disturbed, and not listed."""
    script.hosts = [
        example.deployment_host(host="fine-one"),
        example.deployment_host(host="h2", outcome=Outcome.FAILED),
    ]
    text = browser.get("/deployments/wine/ask/relaunch-failed").text
    assert ("h2 (failed)" in text, "fine-one" in text) == (True, False)
    browser.post("/deployments/wine/ask/relaunch-failed", data={})
    assert [("wine", ActionType.DEPLOYMENT_RELAUNCH, False, True, "ada")] == script.asked


def test_what_is_not_possible_says_why_and_offers_no_button(script, browser):
    """A question that cannot be answered with yes."""
    text = browser.get("/deployments/wine/ask/rollback").text
    assert ("No other release of it ever succeeded." in text, '<form method="post" action="/deployments' in text) == (
        True,
        False,
    )


@pytest.mark.parametrize(("role", "seen"), [(Role.VIEWER, set()), (Role.OPERATOR, {"relaunch", "status"})])
def test_only_what_ones_role_allows_is_offered(script, browser, role, seen):
    """And refused when asked for all the same."""
    script.role = role
    links = set(re.findall(r'href="/deployments/wine/ask/([\w-]+)"', browser.get("/deployments/wine").text))
    assert seen == links
    assert 403 == browser.post("/deployments/wine/ask/stop", data={}).status_code
    assert [] == script.asked


@pytest.mark.parametrize("path", ["/deployments/wine/ask/relaunch", "/bulk"])
def test_a_form_of_another_site_does_nothing(script, browser, path):
    """Neither for one nor for several."""
    answer = browser.post(path, data={"verb": "stop", "id": "wine"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert (403, []) == (answer.status_code, script.asked)


def test_several_are_previewed_each_with_what_will_happen(script, browser):
    """Who cannot be stopped says why, and is left out of the count."""
    script.deployments += [example.deployment("old", state=DeploymentState.STOPPED)]
    text = browser.get("/bulk?verb=stop&id=wine&id=risk&id=old").text
    assert all(word in text for word in ("Stop 2 of 3", "It is stopped now", "stop 2</strong>"))
    browser.post("/bulk", data={"verb": "stop", "id": ["wine", "risk", "old"], "confirm": "stop 2"})
    assert ["wine", "risk"] == [asked[0] for asked in script.asked]


@pytest.mark.parametrize(
    "query", ["verb=stop", "verb=launch&id=wine", "verb=stop&id=" + "&id=".join(map(str, range(101)))]
)
def test_odd_requests_for_several_are_refused_in_words(browser, query):
    """None, too many, or a verb that is for one at a time."""
    assert 422 == browser.get("/bulk?" + query).status_code


def test_an_unknown_verb_names_the_known_ones(browser):
    """A typed address learns."""
    answer = browser.get("/deployments/wine/ask/explode")
    assert (404, True) == (answer.status_code, "rollback" in answer.text)
