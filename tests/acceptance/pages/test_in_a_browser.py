"""What only a browser can tell: that pages live, stay calm, and run nothing that is not ours."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.deployments import DeploymentState
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.outcomes import Evidence, HostOutcome, Outcome, Step
from mgmt_ansible.wire import api_v2
from tests.unit.pages import scripted_values as example
from tests.unit.pages.scripted_access import CODE

pytestmark = pytest.mark.browser

EVERY_PAGE = (
    "/",
    "/deployments/wine",
    "/deployments/wine/events",
    "/deployments/wine/actions/" + "a" * 24,
    f"/events?event={1:024x}",
    "/matrix",
)
WIDTH = "document.documentElement.scrollWidth"
ELEMENTS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "\"'><svg onload=alert(3)>",
    "' autofocus onfocus=alert(4) hx-get='/logout' x='",
    "</textarea></title><iframe srcdoc='<script>alert(6)</script>'>",
)
PAYLOADS = ("".join(ELEMENTS), "".join(reversed(ELEMENTS)), "javascript:alert(5)")
"""Each begins once; an address has to be one from its first letter on."""


def test_a_new_event_appears_by_itself(script, open_page):
    """Nobody has to reload, and screen readers hear it."""
    script.deployments = [example.deployment("wine")]
    page = open_page("/deployments/wine")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    script.happen(example.entry(1, title="Launch succeeded at last"))
    expect(page.locator(".feed > li strong")).to_have_text("Launch succeeded at last")
    expect(page.locator("#announcement")).to_have_text("Launch succeeded at last")
    assert [] == page.complaints


def test_the_list_follows_the_state(script, open_page):
    """A deployment that fails turns red in an open list."""
    script.deployments = [example.deployment("wine")]
    page = open_page("/")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    script.deployments = [example.deployment("wine", service_health=api_v2.HealthStatus(status=Health.FAILING))]
    script.happen(example.entry(1, health=Health.FAILING))
    expect(page.locator("#row-wine .judged")).to_have_text("Failing")


def test_progress_moves_while_an_action_is_under_way(script, open_page):
    """Progress is no event, so the page asks for it."""
    brief = api_v2.ActionBrief(id="a" * 24, type=ActionType.DEPLOYMENT_LAUNCH, status=ActionStatus.RUNNING)
    script.deployments = [example.deployment(state=DeploymentState.LAUNCHING, current_action=brief)]
    running = example.action(status=ActionStatus.RUNNING, finished_at=None, hosts=[], progress="host-1: start")
    script.actions = [running]
    page = open_page("/deployments/wine")
    expect(page.locator(".under-way")).to_contain_text("host-1: start")
    script.actions = [running.model_copy(update={"progress": "host-1: gate"})]
    expect(page.locator(".under-way")).to_contain_text("host-1: gate")


def test_an_open_entry_stays_when_the_page_renews_itself(script, open_page):
    """Somebody who reads an entry is not interrupted by the next one."""
    script.deployments = [example.deployment("wine")]
    script.entries = [example.entry(1, title="First")]
    page = open_page(f"/events?event={1:024x}")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    page.locator(".panel details summary").click()
    script.happen(example.entry(2, title="Second"))
    expect(page.locator(".feed > li")).to_have_count(2)
    expect(page.locator(".panel details")).to_have_attribute("open", "")


def test_ticked_lines_stay_ticked_when_the_page_renews_itself(script, open_page):
    """Who selects several deployments does not lose them to an event."""
    script.deployments = [example.deployment("churn"), example.deployment("wine")]
    page = open_page("/")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    page.locator("#row-wine .tick input").check()
    script.happen(example.entry(1, title="Something else"))
    expect(page.locator("#row-wine .last-event")).to_have_text("Something else")
    expect(page.locator("#row-wine .tick input")).to_be_checked()


def test_a_question_opens_as_a_dialog_and_wants_its_word(script, open_page):
    """The button works when the word is typed, and not before; Escape does nothing to the deployment."""
    script.deployments = [example.deployment("wine", importance="CRITICAL")]
    page = open_page("/deployments/wine")
    page.get_by_role("link", name="Stop").click()
    expect(page.locator("#dialog")).to_be_visible()
    button = page.locator("#dialog [data-confirmed]")
    expect(button).to_be_disabled()
    page.locator("#dialog [name=confirm]").fill("wine")
    expect(button).to_be_enabled()
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()
    assert [] == script.asked


def test_a_view_can_be_saved_and_found_again(script, open_page):
    """A name for the filters of now, with the account; what this browser kept before comes along, and Esc closes the menu."""
    script.deployments = [example.deployment("wine"), example.deployment("churn")]
    page = open_page("/?offset=0")
    page.evaluate("localStorage.setItem('views:/', JSON.stringify({ Old: '?search=wine&offset=50' }))")
    page.reload()
    expect(page.locator(".views summary")).to_have_text("Saved views (1)")
    page.keyboard.press("/")
    page.keyboard.type("churn")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator(".views summary").click()
    page.get_by_label("Name of this view").fill("My wines")
    page.get_by_role("button", name="Save").click()
    page.goto(page.url.split("?")[0])
    page.locator(".views summary").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="My wines")).to_be_hidden()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="My wines").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator(".views summary").click()
    expect(page.locator(".menu [aria-current]")).to_have_text("My wines")
    page.get_by_role("button", name="Forget the view Old").click()
    expect(page.locator(".views summary")).to_have_text("Saved views (1)")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_lost_connection_is_said_and_healed(script, server, open_page):
    """The page tells that it is stale, and catches up when the control plane is back."""
    script.deployments = [example.deployment("wine")]
    page = open_page("/deployments/wine")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    server.stop()
    expect(page.locator("#live .live-text")).to_have_text("Reconnecting")
    script.happen(example.entry(1, title="Happened meanwhile"))
    server.start()
    expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=60_000)
    expect(page.locator(".feed > li strong")).to_have_text("Happened meanwhile")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_from_outside_ever_runs(script, server, open_page, payload):
    """Payloads in every text of both pages: no dialog, no refused script, no extra element."""
    evil = HostOutcome(
        host=payload,
        outcome=Outcome.FAILED,
        message=payload,
        evidence=(Evidence(kind=payload, text=payload),),
        steps=(Step(name=payload, seconds=1.0),),
    )
    brief = api_v2.ActionBrief(id="b" * 24, type=ActionType.DEPLOYMENT_STOP, status=ActionStatus.RUNNING)
    script.environments = [example.environment(payload)]
    script.deployments = [
        example.deployment(
            "wine",
            label=payload,
            description=payload,
            current_action=brief,
            service_health=api_v2.HealthStatus(status=Health.FAILING, message=payload),
            model_package=api_v2.PackageBrief(id="p" * 24, name=payload, version=payload, digest=payload),
            endpoints=[api_v2.Endpoint(host=payload, url=payload, port=1, digest=payload, generation=1, pid=1)],
            prediction_url=payload,
        )
    ]
    script.actions = [
        example.action("b" * 24, finished_at=None, progress=payload, requested_by=payload, agent=payload),
        example.action(hosts=[evil], message=payload),
    ]
    script.inventory = [payload]
    script.hosts = [example.deployment_host(host=payload, outcome=Outcome.FAILED, message=payload)]
    script.entries = [
        example.entry(
            title=payload, message=payload, actor=payload, host=payload, type=payload, data={payload: payload}
        )
    ]
    page = open_page("/login")
    for path in EVERY_PAGE:
        page.goto(server.url + path)
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
        assert ([], 0) == (page.complaints, page.locator("img, iframe, [onload], [onerror], [onfocus]").count())
        assert payload.split()[0] in page.locator("#content").inner_text()


def test_a_phone_shows_every_page_without_scrolling_sideways(script, server, open_page):
    """360 px are enough, also for long words."""
    script.deployments = [example.deployment("wine", label="W" * 200)]
    script.entries = [example.entry(title="T" * 200, message="/very/long/path" * 40)]
    script.hosts = [example.deployment_host(host="h" * 100, message="/very/long/path" * 40)]
    script.responses = example.measured()
    hosts = [HostOutcome(host="h" * 100, outcome=Outcome.CHANGED, receipt=example.RECEIPT)]
    script.actions = [example.action(message="M" * 200, hosts=hosts)]
    page = open_page("/login", viewport={"width": 360, "height": 740})
    widths = {"/login": page.evaluate(WIDTH)}
    for path in (*EVERY_PAGE, "/deployments/wine/ask/stop", "/bulk?verb=stop&id=wine", "/deployments/nope"):
        page.goto(server.url + path)
        widths[path] = page.evaluate(WIDTH)
    assert {} == {path: width for path, width in widths.items() if width > 360}


def test_a_log_begins_at_its_end(script, open_page):
    """What a server said last is why it ended; who wants more scrolls up."""
    said = Evidence(kind="log_tail", text="\n".join([*(f"line {number}" for number in range(200)), "MemoryError"]))
    host = HostOutcome(host="h1", outcome=Outcome.FAILED, evidence=(said,))
    script.deployments = [example.deployment("wine")]
    script.actions = [example.action(hosts=[host])]
    page = open_page("/deployments/wine/actions/" + "a" * 24)
    tail = page.locator(".tail")
    expect(tail).to_contain_text("MemoryError")
    shown, whole = (tail.evaluate(f"one => one.{name}") for name in ("clientHeight", "scrollHeight"))
    assert shown < whole
    assert 0 == tail.evaluate("one => one.scrollTop")  # of a reversed column: its end


def test_the_chosen_theme_is_remembered(open_page):
    """The switch wins over the system's choice, also on the next page."""
    page = open_page("/", color_scheme="light")
    page.locator("#theme").click()
    page.reload()
    assert "dark" == page.evaluate("getComputedStyle(document.documentElement).colorScheme")


def test_searching_puts_the_filter_into_the_address(script, open_page):
    """What is on the screen can be pasted in a ticket; empty filters are left out."""
    script.deployments = [example.deployment("wine"), example.deployment("churn")]
    page = open_page("/")
    page.keyboard.press("/")
    page.keyboard.type("churn")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(page.url.split("?")[0] + "?search=churn")


def test_keyboard_users_skip_to_the_content(script, open_page):
    """The first stop of the Tab key leads past the bar, and is seen."""
    page = open_page("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_page_of_two_hundred_deployments_holds_fifty(script, open_page):
    """How soon it paints is measured by `benchmarks/pages.py`."""
    script.deployments = [example.deployment(f"wine-{number}") for number in range(200)]
    page = open_page("/")
    expect(page.locator("tbody tr")).to_have_count(50)


def test_a_login_link_leads_to_the_list(chromium, server):
    """From the printed link to the page without another click."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/login?code={CODE}")
    expect(page.locator("h1")).to_have_text("Deployments")
    context.close()


def test_a_session_that_ended_leads_a_live_page_to_the_login(script, server, open_page):
    """The login form comes as a page of its own, not inside the list."""
    script.deployments = [example.deployment("wine")]
    page = open_page("/")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    script.sessions.clear()
    script.happen(example.entry(1))
    expect(page).to_have_url(f"{server.url}/login")
    expect(page.locator("h1")).to_have_text("Sign in")
