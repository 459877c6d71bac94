"""The page of notifications in a browser: what is told shows by itself, and nothing stands in the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from mgmt_ansible.control_plane.api import create_app
from mgmt_ansible.domain.event_groups import EventGroup
from mgmt_ansible.wire import notifications as shapes
from tests.acceptance.pages.accessibility import barriers
from tests.acceptance.pages.conftest import served
from tests.contract.store.databases import migrated_sqlite
from tests.contract.store.notifying import Desk
from tests.contract.store.sites import Site

pytestmark = pytest.mark.browser


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    made = Site(f"sqlite:///{migrated_sqlite(tmp_path)}", tmp_path)
    body = shapes.NotificationChannelIn(name="ops", channel_type="Slack", payload_url="http://127.0.0.1:9/x")
    channel = made.services.notifications.channels.create_channel(body, actor="ann")
    policy = shapes.NotificationPolicyIn(name="outages", channel_id=channel.id, event_group=EventGroup.PROBLEMS)
    made.services.notifications.policies.create_policy(policy, actor="ann")
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


def test_what_is_told_shows_with_its_answer(site, page):
    """Tried from the page, muted, and read in the log."""
    desk = Desk(site)
    desk.happens()
    desk.dispatch()
    page.goto("/notifications")
    page.get_by_role("button", name="Test ops").click()
    expect(page.locator(".standing")).to_contain_text("ops did not take the test")
    page.goto("/notifications")
    page.get_by_text("Add a policy").click()
    form = page.locator("form[action='/notifications/policies']")
    form.locator("[name=name]").fill("of one place")
    form.locator("[name=environment]").select_option(label=site.environment.name)
    form.get_by_role("button", name="Add").click()
    expect(page.locator("tr", has_text="of one place")).to_contain_text(f"environment {site.environment.name}")
    page.get_by_text("Mute for a while").click()
    page.get_by_role("button", name="Mute", exact=True).click()
    expect(page.locator("#policies-title ~ *, section").nth(1)).to_contain_text("Muted")
    page.get_by_role("link", name="Health is failing").click()
    expect(page.locator("h1")).to_have_text("Health is failing")
    page.get_by_role("button", name="Send it again").click()
    expect(page.locator(".facts")).to_contain_text("again")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_stands_in_the_way(site, page, scheme, width):
    """Serious and critical findings of axe, and whatever sticks out: none."""
    desk = Desk(site)
    desk.happens()
    desk.dispatch()
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    (one,) = desk.log()
    for path in ("/notifications", f"/notifications/log/{one.id}"):
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert [] == barriers(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
