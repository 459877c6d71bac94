"""A Slack-compatible server and a mail server get what the policies say, once; while they are away nothing else waits."""

from __future__ import annotations

import base64
import hashlib
import hmac
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mgmt_ansible.control_plane.notifying.delivering import Patience
from mgmt_ansible.control_plane.notifying.options import NotifyingOptions
from mgmt_ansible.domain.actions import ActionStatus, ActionType
from mgmt_ansible.domain.event_groups import EventGroup
from mgmt_ansible.wire import notifications as shapes
from tests.acceptance.listeners import HttpListener, MailListener, hanging
from tests.contract.store.databases import migrated_sqlite
from tests.contract.store.sites import Site, notifying_here

DEADLINE = 60.0
ANSWER_SECONDS = 120.0
"""How long an answer may take: the listeners share a busy process with the tests, and a try that is not waited for is made twice."""

PATIENCE = Patience(tries=1000, retry_seconds=0.05, longest_wait_seconds=0.05, places=4)
SECRET = "of-the-webhook"


@pytest.fixture
def slack() -> Iterator[HttpListener]:
    listener = HttpListener()
    listener.start()
    yield listener
    listener.stop()


@pytest.fixture
def other() -> Iterator[HttpListener]:
    listener = HttpListener()
    listener.start()
    yield listener
    listener.stop()


@pytest.fixture
def mail() -> Iterator[MailListener]:
    listener = MailListener()
    listener.start()
    yield listener
    listener.stop()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated_sqlite(tmp_path_factory.mktemp("notifications"))


@pytest.fixture
def site(template: Path, tmp_path: Path, mail: MailListener) -> Iterator[Site]:
    path = tmp_path / "control-plane.sqlite3"
    shutil.copy(template, path)
    mail_url = f"mailto://127.0.0.1:{mail.port}?from=mgmt@example.org"
    options = notifying_here(
        tmp_path, mail_url=mail_url, public_url="https://mgmt.example.org", timeout_seconds=ANSWER_SECONDS
    )
    made = impatient_for_the_next(path, options)
    yield made
    made.store.close()


def impatient_for_the_next(path: Path, options: NotifyingOptions) -> Site:
    """A site that tries again at once."""
    return Site(f"sqlite:///{path}", path.parent, replace(options, patience=PATIENCE, poll_seconds=0.05))


def channel(site: Site, kind: shapes.ChannelType, **fields: object) -> shapes.NotificationChannel:
    body = shapes.NotificationChannelIn(name=f"{kind} channel", channel_type=kind, **fields)
    return site.services.notifications.channels.create_channel(body, actor="ann")


def policy(site: Site, to: shapes.NotificationChannel, group: EventGroup, **fields: object) -> None:
    body = shapes.NotificationPolicyIn(name="p", channel_id=to.id, event_group=group, **fields)
    site.services.notifications.policies.create_policy(body, actor="ann")


def wait_until(site: Site, condition: Callable[[], bool]) -> None:
    """Wait; meanwhile the database's clock, by which tries wait, goes on."""
    pause = threading.Event()
    for _ in range(int(DEADLINE * 50)):
        if condition():
            return
        site.clock.pass_seconds(0.02)
        pause.wait(0.02)
    pytest.fail("it did not happen in time")


def statuses(site: Site) -> list[str]:
    return [one.status for one in site.services.notifications.log.list_log(limit=500).data]


def fail_and_heal(site: Site) -> None:
    """A launch fails, and a relaunch heals it: warning, failing, passing for whoever listens."""
    site.create("wine")
    site.report(site.take(), ActionStatus.FAILED, message="port 80 is <b>in use</b> @channel <!here>")
    site.act(ActionType.DEPLOYMENT_RELAUNCH, "wine")
    site.run()


def test_slack_and_mail_get_what_the_policies_say_once(site: Site, slack: HttpListener, mail: MailListener):
    """The failure, and that it is over; a webhook everything, signed; Mattermost by Apprise."""
    hook = channel(site, shapes.ChannelType.SLACK, payload_url=f"{slack.url}/services/T/B/x")
    post = channel(site, shapes.ChannelType.EMAIL, email_address="ops@example.org")
    all_of_it = channel(site, shapes.ChannelType.WEBHOOK, payload_url=f"{slack.url}/all", secret_token=SECRET)
    apprise = channel(site, shapes.ChannelType.APPRISE, apprise_url=f"mmost://127.0.0.1:{slack.port}/token")
    for one in (hook, post, apprise):
        policy(site, one, EventGroup.PROBLEMS)
    policy(site, all_of_it, EventGroup.DEPLOYMENTS)
    with site.services.notifications.running():
        fail_and_heal(site)
        wait_until(site, lambda: set(statuses(site)) == {"delivered"} and len(statuses(site)) == 11)

    by_path = {
        path: [one for one in slack.taken if one.path == path] for path in ("/services/T/B/x", "/all", "/hooks/token")
    }
    assert {"/services/T/B/x": 2, "/all": 5, "/hooks/token": 2} == {path: len(found) for path, found in by_path.items()}
    failed, recovered = (one.json["text"] for one in by_path["/services/T/B/x"])
    assert failed.startswith("[FAILING] Label of wine: Launch failed\n")
    assert recovered.startswith("[RECOVERED] Label of wine: Relaunch succeeded\n")
    assert "https://mgmt.example.org/deployments/wine" in failed
    for text in (failed, by_path["/hooks/token"][0].json["text"]):
        assert not {"<", ">"} & set(text)
        assert "@channel" not in text
    assert "Traceback" not in failed
    assert ["[FAILING] Label of wine: Launch failed", "[RECOVERED] Label of wine: Relaunch succeeded"] == [
        one["subject"] for one in mail.mails
    ]
    assert "port 80 is <b>in use</b> @channel <!here>" in mail.mails[0].get_content()
    assert {"text/plain"} == {one.get_content_type() for one in mail.mails}
    told = {one.id for one in site.services.notifications.log.list_log(channel_id=post.id).data}
    assert told == {one["X-Mgmt-Ansible-Notification"] for one in mail.mails}
    check_signatures(by_path["/all"])
    words = [one.json["event_type"].rpartition(".")[2] for one in by_path["/all"]]
    assert "deployment_creation deployment_launch_started deployment_launch_failed" == " ".join(words[:3])


def check_signatures(taken: list) -> None:
    assert len(taken) == len({one.headers["webhook-id"] for one in taken})
    for one in taken:
        signed = f"{one.headers['webhook-id']}.{one.headers['webhook-timestamp']}.".encode() + one.body
        digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
        assert "v1," + base64.b64encode(digest).decode() == one.headers["webhook-signature"]


@pytest.mark.parametrize("hangs", [False, True], ids=["dead", "hanging"])
def test_their_outage_delays_nothing_and_loses_nothing(
    site: Site, slack: HttpListener, mail: MailListener, other: HttpListener, hangs: bool
):
    """Actions and reports go on while both are away, another channel is told, and both are told when they are back, once."""
    hook = channel(site, shapes.ChannelType.SLACK, payload_url=f"{slack.url}/services/T/B/x")
    post = channel(site, shapes.ChannelType.EMAIL, email_address="ops@example.org")
    healthy = channel(site, shapes.ChannelType.WEBHOOK, payload_url=other.url)
    for one in (hook, post, healthy):
        policy(site, one, EventGroup.PROBLEMS)
    slack.stop()
    mail.stop()

    def all_goes_on() -> None:
        for _ in range(3):
            fail_and_heal(site)
            site.act(ActionType.DEPLOYMENT_STOP, "wine")
            site.run()
            site.services.deployments.delete("wine", site.asker, ignore_management_agent=True)
        wait_until(site, lambda: len(other.taken) == 6)

    with site.services.notifications.running():
        if hangs:
            with hanging(slack.port) as one, hanging(mail.port) as two:
                all_goes_on()
                wait_until(site, lambda: bool(one and two))
        else:
            all_goes_on()
        assert [] == [one for one in site.services.notifications.log.list_log(limit=500).data if one.status == "failed"]
        assert (0, 0) == (len(slack.taken), len(mail.mails))
        slack.start()
        mail.start()
        wait_until(site, lambda: set(statuses(site)) == {"delivered"})

    assert (6, 6) == (len(slack.taken), len(mail.mails))
    assert ["FAILING", "RECOVERED"] * 3 == [one.json["text"][1:].partition("]")[0] for one in slack.taken]
    assert 6 == len({one["X-Mgmt-Ansible-Notification"] for one in mail.mails})


def test_a_try_that_nobody_answers_ends_and_is_made_again(template: Path, tmp_path: Path, slack: HttpListener):
    """Nobody ends it from outside: its own timeout does, each time; what comes of it is no failure of the message."""
    path = shutil.copy(template, tmp_path / "x.sqlite3")
    site = impatient_for_the_next(path, notifying_here(tmp_path, timeout_seconds=0.1))
    policy(site, channel(site, shapes.ChannelType.SLACK, payload_url=f"{slack.url}/x"), EventGroup.PROBLEMS)
    slack.stop()

    with hanging(slack.port) as came, site.services.notifications.running():
        fail_and_heal(site)
        wait_until(site, lambda: len(came) > 2)

    assert ["pending", "pending"] == statuses(site)
    site.store.close()


def test_the_end_waits_for_nobody_who_does_not_answer(template: Path, tmp_path: Path, slack: HttpListener):
    """A message on its way and a channel that is tried have a second, not the minutes that both might take."""
    shutil.copy(template, tmp_path / "x.sqlite3")
    site = Site(f"sqlite:///{tmp_path}/x.sqlite3", tmp_path, notifying_here(tmp_path, timeout_seconds=ANSWER_SECONDS))
    hook = channel(site, shapes.ChannelType.WEBHOOK, payload_url=slack.url)
    policy(site, hook, EventGroup.PROBLEMS)
    slack.stop()
    tested: list[shapes.NotificationTest] = []
    tester = threading.Thread(
        target=lambda: tested.append(site.services.notifications.channels.test_channel(hook.id, actor="ann"))
    )

    with hanging(slack.port) as came:
        with site.services.notifications.running():
            fail_and_heal(site)
            tester.start()
            wait_until(site, lambda: len(came) == 2)
            began = time.monotonic()
        tester.join(DEADLINE)
        seconds = time.monotonic() - began

    assert [False] == [one.delivered for one in tested]
    assert seconds < ANSWER_SECONDS / 2
    assert {"pending"} == set(statuses(site))
    site.store.close()
