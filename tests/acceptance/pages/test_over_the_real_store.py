"""The pages over the control plane as it is: database, services, edge, sessions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from mgmt_ansible.control_plane.api import create_app
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from tests.acceptance.pages.conftest import served
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
        expect(opened.locator("#live")).to_have_attribute("data-state", "live")
        yield opened
        context.close()
        site.services.wakeups.stop()


def test_a_launch_is_followed_from_its_acceptance_to_passing(site, page):
    """The open list shows a new deployment, its launch, and that it serves, without a reload."""
    expect(page.locator(".empty h2")).to_have_text("No deployments yet")
    site.create("d1")
    expect(page.locator("#row-d1 .badge")).to_have_text("Launching")
    site.run()
    expect(page.locator("#row-d1 .badge")).to_have_text("Ready")
    expect(page.locator("#row-d1 .judged").first).to_have_text("Passing")


def test_a_failed_replacement_is_seen_with_its_reason(site, page):
    """An open deployment page gets the failed entry on top."""
    site.create("d1")
    site.run()
    page.goto("/deployments/d1")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    site.replace("d1")
    expect(page.locator(".standing")).to_contain_text("Replacing model")
    site.report(site.take(), ActionStatus.FAILED, message="not ready within 60 s")
    expect(page.locator(".feed > li").first).to_contain_text("At risk")  # no host was touched: the old model serves
    expect(page.locator("#content")).to_contain_text("not ready within 60 s")


def test_signing_out_is_final(site, page):
    """The button ends the session on the server, not only in the browser."""
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_have_text("Sign in")
    page.goto("/")
    expect(page.locator("h1")).to_have_text("Sign in")


def test_a_stopped_deployment_offers_to_relaunch(site, page):
    """The next command fits the state."""
    site.create("d1")
    site.run()
    site.act(ActionType.DEPLOYMENT_STOP)
    site.run()
    page.goto("/deployments/d1")
    expect(page.locator(".next")).to_contain_text("mgmt-ansible deployment relaunch d1 --wait")


def test_a_rollback_is_asked_done_and_seen(site, page):
    """From the button over the question to the old version, through the real edge."""
    site.create("d1")
    site.run()
    site.replace("d1")
    site.run()
    page.goto("/deployments/d1")
    page.get_by_role("link", name="Roll back").click()
    expect(page.locator("#dialog")).to_contain_text("fraud 1, generation 3")
    page.locator("#dialog [data-confirmed]").click()
    expect(page.locator(".standing")).to_contain_text("Replacing model")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    site.run()
    expect(page.locator(".standing")).to_contain_text("Ready")
    expect(page.locator(".facts")).to_contain_text("fraud 1")
    page.get_by_role("link", name="History").click()
    expect(page.locator(".timeline li").first).to_contain_text("Rollback succeeded")
