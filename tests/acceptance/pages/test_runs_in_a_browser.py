"""Runs, packages and environments in a browser, over the control plane as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from mgmt_ansible.control_plane.api import create_app
from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.outcomes import Cause, Evidence, HostOutcome, Outcome, Step
from mgmt_ansible.domain.preflight import CheckName, HostReport, failed
from mgmt_ansible.domain.reports import HostsReport, PreflightReport
from tests.acceptance.pages.accessibility import barriers
from tests.acceptance.pages.conftest import served
from tests.contract.api.test_run_pages import end, say
from tests.contract.store.databases import migrated_sqlite
from tests.contract.store.sites import Site

pytestmark = pytest.mark.browser


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    made = Site(f"sqlite:///{migrated_sqlite(tmp_path)}", tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def page(site, chromium: Browser) -> Iterator[Page]:
    token = site.services.access.create_token(name="ada", kind="user").token
    link = site.services.access.create_login_link(site.services.access.authenticate(f"Bearer {token}"))
    with served(create_app(site.services)) as server:
        context = chromium.new_context(base_url=server.url, reduced_motion="reduce")
        opened = context.new_page()
        opened.goto(link.path)
        expect(opened.locator("h1")).to_have_text("Deployments")
        yield opened
        context.close()
        site.services.wakeups.stop()


def test_a_log_is_followed_to_its_end(site, page):
    """Lines come by themselves, lost ones are counted, and hosts show when the run has ended."""
    site.create()
    claim = site.take()
    say(site, claim, "TASK [first] ***")
    page.goto("/runs/r1")
    say(site, claim, "ok: [h1]", "<b>not bold</b>", first=2)
    say(site, claim, "fatal: [h2]: FAILED!", first=6)
    expect(page.locator("#L6")).to_have_class("line-failing")
    expect(page.locator("#L3 > span")).to_have_text("<b>not bold</b>")
    expect(page.locator("#log .gap")).to_have_text("2 lines lost")
    end(site, claim, HostOutcome(host="h1", outcome=Outcome.CHANGED, message="It serves."))
    expect(page.locator("#host-h1")).to_contain_text("It serves.")
    expect(page.locator("#log-follow")).to_be_hidden()


def test_a_log_is_searched(site, page):
    """Enter goes from hit to hit, also to one that is not in the page yet."""
    site.create()
    claim = site.take()
    for first in (1, 3001):
        say(site, claim, *(f"line {number}" for number in range(first, first + 3000)), first=first)
    end(site, claim, log_lines=6000)
    page.goto("/runs/r1")
    page.locator("#log-find").fill("line 199")
    expect(page.locator("#log-hits")).to_have_text("11 lines")
    page.keyboard.press("Enter")
    expect(page.locator("#log li.at")).to_have_id("L199")
    page.locator("#log-find").fill("line 5999")
    page.keyboard.press("Enter")
    expect(page.locator("#L5999")).to_be_in_viewport(timeout=60_000)
    assert page.url.endswith("/runs/r1?first=4001#L5999")


def test_a_log_is_wrapped_or_not_and_left_where_one_reads(site, page):
    """Nobody who reads a line loses it to the next one; the first failure is one click away; 5,000 lines stay."""
    site.create()
    claim = site.take()
    say(site, claim, *("x" * 400 for _ in range(50)), "fatal: [h2]: FAILED!", *("y" for _ in range(2000)))
    page.goto("/runs/r1?first=1")
    page.locator("#log-wrap").click()
    expect(page.locator("#log")).to_have_class("log")
    page.locator("#log-failure").click()
    expect(page.locator("#L51")).to_be_in_viewport()
    page.locator("#log-follow").click()
    expect(page.locator("#log-follow")).to_have_attribute("aria-pressed", "false")
    say(site, claim, *("z" for _ in range(3500)), first=2052)
    expect(page.locator("#L5551")).to_have_count(1, timeout=60_000)
    expect(page.locator("#L5551")).not_to_be_in_viewport()
    assert 5000 == page.locator("#log li").count()


def test_a_view_of_runs_can_be_saved(site, page):
    """With its columns."""
    site.create()
    say(site, site.take())
    page.goto("/runs?status=running&column=status")
    page.locator(".views summary").click()
    page.get_by_label("Name of this view").fill("Going on")
    page.get_by_role("button", name="Save").click()
    page.goto("/runs")
    page.locator(".views summary").click()
    page.get_by_role("link", name="Going on").click()
    expect(page.locator("thead th")).to_have_text(["Run", "Status"])


def test_a_package_is_uploaded_and_a_refusal_is_said(page, tmp_path):
    """The file goes as it is; what is wrong with it is told where it was chosen."""
    archive = tmp_path / "model.archive"
    archive.write_bytes(b"any bytes are a package here")
    page.goto("/packages/new")
    for version, words in (("1", "other content"), ("3", "")):
        page.locator("#upload [name=name]").fill("fraud")
        page.locator("#upload [name=version]").fill(version)
        page.locator("#upload [name=archive]").set_input_files(archive)
        page.get_by_role("button", name="Upload").click()
        if words:
            expect(page.locator("#upload-state")).to_contain_text(words)
    expect(page.locator("h1")).to_have_text("fraud 3")


def too_wide(page: Page) -> list[str]:
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return ["wider than the window"] if wide else []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_no_page_has_a_serious_barrier_or_is_wider_than_a_phone(site, page, scheme, width):
    """Serious and critical findings of axe, and whatever sticks out: none."""
    site.create()
    claim = site.take()
    say(site, claim, "TASK [x] " + "*" * 70, "ok: [h1]", "changed: [h1]", "fatal: [h2]: " + "x" * 300)
    broken = HostOutcome(
        host="h2",
        outcome=Outcome.FAILED,
        cause=Cause.DISK,
        message="No room",
        steps=(Step(name="install", seconds=1.5, changed=True),),
        evidence=(Evidence(kind="df", text="/var 100%"),),
    )
    end(site, claim, HostOutcome(host="h1", outcome=Outcome.CHANGED), broken)
    trouble = failed(CheckName.AUTH, Cause.AUTH, "refused", "no key", "ssh-add -l")
    site.services.agents.report(
        site.agent,
        [
            HostsReport(
                id="h", environment_id=site.environment.id, hosts=(InventoryHost(name="h2"),), taken_at=site.clock()
            ),
            PreflightReport(
                id="p",
                environment_id=site.environment.id,
                hosts=(HostReport(environment_id=site.environment.id, host="h2", checks=(trouble,)),),
                taken_at=site.clock(),
            ),
        ],
    )
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 800})
    found = {}
    others = ("/access", "/audit?verify=yes", "/deployments/d1/owner")
    place = f"/environments/{site.environment.id}"
    forms = (
        "/environments/new",
        f"{place}/edit",
        f"{place}/agent",
        "/packages/new",
        f"/packages/{site.newer.id}/delete",
    )
    for path in (
        "/runs",
        "/runs/r1",
        "/environments",
        place,
        "/packages",
        f"/packages/{site.package.id}",
        *forms,
        *others,
    ):
        page.goto(path)
        found[path] = [*barriers(page), *too_wide(page)]
    for path, button, shown in (
        (f"{place}/agent", "Show the three lines", "Install Show"),
        (f"{place}/agent", "show a token and a configuration once", "Files of show"),
        ("/access", "Make the token", "Token Make"),
    ):
        page.goto(path)
        page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
        pressed = page.get_by_role("button", name=button)
        page.locator("form", has=pressed).locator("[name=name]").fill(button[:4])
        pressed.click()
        expect(page.get_by_role("heading", name=shown)).to_be_visible()
        found[button] = [*barriers(page), *too_wide(page)]
    assert {path: [] for path in found} == found
