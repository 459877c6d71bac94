"""The frame of all pages in a browser: keys, live state, time zone, theme, and no barrier that axe finds."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect

from mgmt_ansible.control_plane.pages.navigation import PLACES
from mgmt_ansible.domain.outcomes import Outcome
from tests.acceptance.pages.accessibility import barriers
from tests.unit.agent.scripted import make_spec
from tests.unit.pages import scripted_values as example

pytestmark = pytest.mark.browser

PAGES = (
    *(place.path for place in PLACES),
    "/login",
    "/deployments/wine",
    "/deployments/wine/events",
    "/deployments/wine/history",
    "/deployments/wine/actions/" + "a" * 24,
    "/deployments/wine/ask/stop",
    "/deployments/wine/owner",
    "/bulk?verb=stop&id=wine",
    f"/events?event={1:024x}",
    f"/events/{1:024x}",
    "/deployments/nope",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_barrier(script, server, open_page, scheme):
    """Serious and critical findings of axe, and what a screen reader could not tell, on any page: none, in either theme."""
    script.deployments = [example.deployment("wine"), example.deployment("churn")]
    script.actions = [example.action()]
    script.specs = {"a" * 24: make_spec()}
    script.inventory = ["host-1", "host-2"]
    script.hosts = [example.deployment_host(), example.deployment_host(host="host-2", outcome=Outcome.FAILED)]
    script.entries = [example.entry(number) for number in (2, 1)]
    script.responses = example.measured()
    found = {}
    page = open_page("/", color_scheme=scheme)
    for path in PAGES:
        page.goto(server.url + path)
        found[path] = barriers(page)
    assert {path: [] for path in PAGES} == found


def test_keys_go_through_the_lines_and_open_one(script, open_page):
    """`j`, `k` and Enter are enough to read the list."""
    script.deployments = [example.deployment("churn"), example.deployment("wine")]
    page = open_page("/")
    for key in ("j", "j", "k", "j"):
        page.keyboard.press(key)
    expect(page.locator("#row-wine .row-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{page.url.split('/deployments')[0].rstrip('/')}/deployments/wine")


def test_g_and_a_letter_go_to_a_page_and_the_question_mark_tells_which(script, open_page):
    """The help names each key; typing in a field is typing."""
    script.deployments = [example.deployment("wine")]
    page = open_page("/deployments/wine")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    _go(page, "d")
    expect(page.locator("h1")).to_have_text("Deployments", timeout=60_000)
    page.keyboard.press("/")
    page.keyboard.type("gd?")
    expect(page.locator("#search")).to_have_value("gd?")


def _go(page, letter):
    """Press both keys within the second and a half that the page allows, however busy this machine is."""
    page.evaluate(
        """(letter) => ["g", letter].forEach((key) =>
            document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })))""",
        letter,
    )


def test_a_paused_page_stands_still_until_it_goes_on(script, open_page):
    """Who reads is not disturbed, and misses nothing afterwards."""
    script.deployments = [example.deployment("wine")]
    page = open_page("/deployments/wine")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    page.locator("#live").click()
    expect(page.locator("#live .live-text")).to_have_text("Paused")
    script.happen(example.entry(1, title="Meanwhile"))
    expect(page.locator("#announcement")).to_have_text("Meanwhile")
    assert 0 == page.locator(".feed > li").count()
    page.keyboard.press("p")
    expect(page.locator(".feed > li strong")).to_have_text("Meanwhile")


def test_times_are_told_in_one_zone_at_a_time(script, open_page):
    """UTC, or the reader's own; it is remembered."""
    script.deployments = [example.deployment("wine")]
    page = open_page("/deployments/wine", timezone_id="Asia/Tokyo")
    assert page.locator(".facts time").get_attribute("title").endswith(" UTC")
    page.locator("#zone").click()
    page.reload()
    expect(page.locator("#zone")).to_have_text("Local")
    assert "Asia/Tokyo" in page.locator(".facts time").get_attribute("title")


@pytest.mark.parametrize("path", ["/events", "/runs"])
def test_from_and_until_are_in_the_zone_of_the_switch(open_page, path):
    """The address has the exact instant, whatever the zone; New York's clocks went back at six in the morning UTC."""
    page = open_page(f"{path}?since=2026-11-01T05:30:00Z", timezone_id="America/New_York")
    since, until = page.get_by_label("From (UTC)"), page.get_by_label("Until (UTC)")
    expect(since).to_have_value("2026-11-01T05:30")
    page.locator("#zone").click()
    since, until = page.get_by_label("From (America/New_York)"), page.get_by_label("Until (America/New_York)")
    expect(since).to_have_value("2026-11-01T01:30")
    until.fill("2026-11-01T09:15")
    expect(page).to_have_url(re.compile(r"since=2026-11-01T05%3A30%3A00Z&until=2026-11-01T14%3A15%3A00Z$"))
    page.reload()
    expect(until).to_have_value("2026-11-01T09:15")
    since.fill("")
    expect(page).to_have_url(re.compile(r"\?until=2026-11-01T14%3A15%3A00Z$"))
    page.locator("#zone").click()
    expect(page.get_by_label("Until (UTC)")).to_have_value("2026-11-01T14:15")


def test_the_theme_goes_round_and_back_to_the_systems(open_page):
    """Dark on a light system, then light for ever, then as the system is."""
    page = open_page("/", color_scheme="light")
    seen = []
    for _ in range(3):
        page.locator("#theme").click()
        seen.append(page.evaluate("document.documentElement.dataset.theme ?? 'system'"))
    assert ["dark", "light", "system"] == seen


def test_a_page_that_cannot_be_renewed_says_so_with_the_requests_id(script, open_page):
    """The id finds the request in the control plane's log."""
    script.deployments = [example.deployment("wine")]
    page = open_page("/deployments/wine")
    script.deployments = []
    page.route("**/deployments/wine", lambda route: route.fulfill(status=503, headers={"X-Request-Id": "abc123"}))
    page.evaluate("htmx.trigger('#content', 'refresh')")
    expect(page.locator("#broken")).to_contain_text("answered 503 (request abc123)")


def test_only_who_waits_longer_than_300_ms_sees_grey_lines(script, open_page):
    """A quick answer does not flicker."""
    script.deployments = [example.deployment("wine")]
    page = open_page("/")
    delay = page.evaluate(
        "document.getElementById('content').dataset.loading = '',"
        " getComputedStyle(document.querySelector('.list tbody td')).animationDelay"
    )
    assert "0.3s" == delay


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.text)
def test_a_phone_shows_where_one_is(open_page, place):
    """Every place of the bar is in sight, the present one too, in three lines at most."""
    page = open_page(place.path, viewport={"width": 360, "height": 740})
    boxes = [one.bounding_box() for one in page.locator(".places a").all()]
    assert [] == [box for box in boxes if box["x"] < 0 or box["x"] + box["width"] > 360]
    assert 3 >= len({box["y"] for box in boxes})
    assert 360 >= page.evaluate("document.documentElement.scrollWidth")
    expect(page.locator(".places [aria-current]")).to_be_in_viewport(ratio=1)


def test_nothing_moves_for_who_wants_no_motion(open_page):
    """The system's wish is enough."""
    page = open_page("/")  # with reduced motion
    animation = """() => {
        document.getElementById('live').dataset.state = 'reconnecting';  // in one go, as the page's own state comes back
        return getComputedStyle(document.querySelector('#live .dot')).animationName;
    }"""
    seen = page.evaluate(animation)
    page.emulate_media(reduced_motion="no-preference")
    moving = page.evaluate(animation)
    assert ("none", "turn") == (seen, moving)


def test_an_incident_is_printed_without_the_bar_and_with_its_time(script, open_page):
    """Black on white whatever the theme; `5 min ago` means nothing on paper."""
    script.entries = [example.entry(1, title="Launch failed", message="no room")]
    page = open_page(f"/events/{1:024x}", color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator("h1")).to_be_visible()
    assert [] == [name for name in (".places", ".bar-end", ".copy") if page.locator(name).first.is_visible()]
    ground, told = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor,"
        " getComputedStyle(document.querySelector('time[data-relative]'), '::after').content]"
    )
    assert ("rgb(255, 255, 255)", True) == (ground, told.rstrip('")').endswith(" UTC"))


def test_a_page_without_a_stream_asks_by_itself(script, open_page):
    """Behind a proxy that lets no stream through, the page still follows, and says that it is not live."""
    script.deployments = [example.deployment("wine")]
    page = open_page("/login")
    page.clock.install()
    page.route("**/live?*", lambda route: route.abort())
    page.goto(page.url.replace("/login", "/deployments/wine"))
    expect(page.locator("#live .live-text")).to_have_text("Reconnecting")
    script.happen(example.entry(1, title="Seen by asking"))
    page.clock.run_for(11_000)
    expect(page.locator(".feed > li strong")).to_have_text("Seen by asking")


def test_nothing_jumps_while_a_page_comes(script, server, open_page):
    """Cumulative layout shift at most 0.1, also on a phone whose scripts come late."""
    script.deployments = [example.deployment(f"wine-{number}") for number in range(20)]
    script.entries = [example.entry(number) for number in range(20, 0, -1)]
    page = open_page("/login", viewport={"width": 360, "height": 740})
    page.route("**/times.js", lambda route: (time.sleep(0.3), route.continue_()))
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach((one) => (window.shift += one.value)))"
        ".observe({ type: 'layout-shift', buffered: true });"
    )
    shifts = {}
    for path in ("/", "/events", "/runs", "/deployments/wine-1"):
        page.goto(server.url + path)
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        shifts[path] = page.evaluate("window.shift")
    assert {} == {path: shift for path, shift in shifts.items() if shift > 0.1}
