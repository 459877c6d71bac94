"""Notifications reach only what they may, and texts of entries stay texts in all of them."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest

from mgmt_ansible import errors
from mgmt_ansible.control_plane.notifying import addresses, apprise_channels
from mgmt_ansible.control_plane.notifying.couriers import Courier, CourierLostError
from mgmt_ansible.control_plane.notifying.jobs import Address, apprise_job, job_of
from mgmt_ansible.domain.health import Health
from mgmt_ansible.domain.notices import Notice, chat_safe, compose
from mgmt_ansible.domain.notifications import Verdict
from mgmt_ansible.wire.notifications import ChannelType
from tests.acceptance.listeners import HttpListener, free_port, hanging

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
REFUSED_URLS = [
    "", "x", "//example.org/x", "file:///etc/passwd", "gopher://example.org/", "ftp://example.org/", "javascript:alert(1)", "http://",
    "http:///x", "http://example.org:0/", "http://example.org:99999/", "http://example.org\r\nX: y/", "http://example.org/a b",
    "http://example.org/\x00", "http://ex\u0430mple.org/", "http://user:pw@example.org/", "http://example.org@127.0.0.1/", "http://example.org\\@127.0.0.1/",
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://0/", "http://[::1]/",
    "http://[::ffff:127.0.0.1]/", "http://[::127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[fe80::1%25lo]/",
    "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://192.168.0.1/", "http://[fd00::1]/", "http://[::1/", "http://example.org/#x",
]  # fmt: skip
REFUSED_APPRISE = [
    "", "slack", "file:///etc/passwd", "exec://x", "dbus://", "syslog://", "windows://", "json://h/?template=/etc/passwd",
    "slack://a/b/c/?template=file:///etc/passwd", "mailtos://u:p@h/?pgpkey=/etc/passwd", "mailto://h/?%2BSubject=x", "mailto://h/?+Bcc=x@y",
    "json://h/?-x=y", "json://h/?:x=y", "discord://a/b?attach=/etc/passwd", "ntfy://h/t?attach=http://x", "mailto://h/\r\nx", "json://h/#x", "mailto://h/?store=/x",
]  # fmt: skip
FORBIDDEN = {
    "a program": "__import__('subprocess').run(['true'])",
    "a shell": "__import__('os').system('true')",
    "a fork": "__import__('os').fork()",
    "a library": "__import__('ctypes').CDLL(None)",
    "a written file": "open('/tmp/x', 'w')",
    "a user's file": "open('/etc/passwd')",
    "a removed file": "__import__('os').remove('/tmp/none')",
    "a local socket": "socket.socket(socket.AF_UNIX).connect('/run/x')",
    "loopback": "socket.socket().connect(('127.0.0.1', 9))",
    "loopback by name": "socket.create_connection(('localhost', 9))",
    "loopback as octets": "socket.socket().connect((b'127.0.0.1', 9))",
    "loopback as number": "socket.socket().connect(('2130706433', 9))",
    "no host": "socket.socket().connect(('', 9))",
    "loopback mapped": "socket.socket(socket.AF_INET6).connect(('::ffff:127.0.0.1', 9))",
    "metadata": "socket.socket().connect_ex(('169.254.169.254', 80))",
    "a datagram": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('10.0.0.1', 53))",
    "a listener": "socket.socket().bind(('127.0.0.1', 0))",
    "a library for HTTP": "__import__('urllib.request').request.urlopen('http://127.0.0.1:9/')",
    "asyncio": "__import__('asyncio').run(__import__('asyncio').open_connection('127.0.0.1', 9))",
    "mail": "__import__('smtplib').SMTP('127.0.0.1', 9)",
    "another hook": "sys.addaudithook(lambda *_: None)",
}
_PROBE = """
import json, socket, sys
import asyncio, ctypes, os, smtplib, subprocess, urllib.request
from mgmt_ansible.control_plane.notifying import guard
refused, found = guard.install(()), {}
for name, code in json.loads(sys.argv[1]).items():
    refused.clear()
    try:
        eval(code)
    except Exception:
        pass
    found[name] = bool(refused)
print(json.dumps(found))
"""


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_an_address_that_is_none_or_not_public_is_refused(url: str):
    """As it is entered; the message does not say it again."""
    with pytest.raises(errors.InvalidRequestError, match=r"^payloadUrl: "):
        addresses.checked_url(url, ())


@pytest.mark.parametrize(
    "url", ["https://hooks.slack.com/services/T/B/x", "http://1.1.1.1:8080/x?a=b", "http://[2606:4700::1111]/"]
)
def test_a_public_address_is_taken(url: str):
    """Also as a number."""
    assert url == addresses.checked_url(url, ())
    assert "http://127.0.0.1:9/" == addresses.checked_url("http://127.0.0.1:9/", LOOPBACK)


@pytest.mark.parametrize("url", REFUSED_APPRISE)
def test_what_apprise_may_not_do_is_refused(url: str):
    """No service but those listed, no option that could name a file or a header."""
    with pytest.raises(errors.InvalidRequestError, match=r"^appriseUrl: "):
        apprise_channels.checked_url(url, apprise_channels.SCHEMES)


def test_the_settings_may_let_in_fewer_services():
    """The others are refused."""
    with pytest.raises(errors.InvalidRequestError, match=r"one of mailtos$"):
        apprise_channels.checked_url("slack://a/b/c", ["mailtos"])


def test_the_guard_refuses_whatever_library_asks():
    """All in one process, as the guard cannot be taken away again."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", _PROBE, json.dumps(FORBIDDEN)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert dict.fromkeys(FORBIDDEN, True) == json.loads(done.stdout)


@pytest.fixture
def listener() -> Iterator[HttpListener]:
    made = HttpListener()
    made.start()
    yield made
    made.stop()


def post(url: str) -> dict[str, object]:
    return {"kind": "http", "url": url, "headers": {}, "body": "{}", "verify": True}


def test_a_name_is_judged_by_what_it_resolves_to(listener: HttpListener):
    """`localhost` is public by its spelling."""
    with Courier(timeout_seconds=60, networks=()) as courier:
        answer = courier.send(post(f"http://localhost:{listener.port}/"))
        mail = courier.send(
            {
                "kind": "apprise",
                "url": f"mailto://localhost:{listener.port}?from=a@b.org",
                "subject": "s",
                "text": "t",
                "type": "info",
            }
        )

    for one in (answer, mail):
        assert (False, True) == (one["delivered"], one["final"])
        assert "notifications/allowed_networks" in one["text"]
    assert [] == listener.taken


@pytest.mark.parametrize("where", ["http://169.254.169.254/", "/there", "file:///etc/passwd"])
def test_no_redirect_is_followed(listener: HttpListener, where: str):
    """Neither by us nor by Apprise."""
    listener.status, listener.answer_headers = 307, {"Location": where}
    with Courier(timeout_seconds=60, networks=("127.0.0.0/8",)) as courier:
        ours = courier.send(post(listener.url))
        theirs = courier.send(
            {
                "kind": "apprise",
                "url": f"json://127.0.0.1:{listener.port}/",
                "subject": "s",
                "text": "t",
                "type": "info",
            }
        )

    assert [(False, True, 307)] * 2 == [(one["delivered"], one["final"], one["code"]) for one in (ours, theirs)]
    assert 2 == len(listener.taken)


def test_silence_ends_a_try():
    """By the socket's own timeout."""
    port = free_port()
    with hanging(port), Courier(timeout_seconds=0.3, networks=("127.0.0.0/8",)) as courier:
        answer = courier.send(post(f"http://127.0.0.1:{port}/"))

    assert (False, False, "no answer in time") == (answer["delivered"], answer["final"], answer["text"])


def test_an_answer_without_end_is_killed():
    """An octet now and then keeps a library waiting; the process is killed, and the next message has another."""
    port = free_port()
    with hanging(port, drip=True), Courier(timeout_seconds=0.3, networks=("127.0.0.0/8",)) as courier:
        first = courier.send(post("http://127.0.0.1:9/"))  # the start of a process may take longer
        with pytest.raises(CourierLostError, match="not sent in time"):
            courier.send(post(f"http://127.0.0.1:{port}/"))
        again = courier.send(post("http://127.0.0.1:9/"))

    assert [False, False] == [first["delivered"], again["delivered"]]


HOSTILE = "\r\nBcc: evil@example.org\r\n\r\n<script>alert(1)</script> <!channel> <@U1> @here [x](http://evil.example) ![](http://evil.example/p) {{7*7}} ${x} %s \x1b[31m\u202e"
NOTICE = Notice(
    id="n" * 24,
    verdict=Verdict.TELL,
    event_id="e",
    sequence=1,
    event_type="mgmt_ansible.x",
    health=Health.FAILING,
    title=HOSTILE,
    message=HOSTILE,
    timestamp=datetime(2026, 11, 1, tzinfo=UTC),
    environment_id="env",
    environment_name=HOSTILE,
    deployment_id="d",
    deployment_label=HOSTILE,
    host=HOSTILE,
    actor=HOSTILE,
)


def test_a_subject_is_one_line():
    """No text begins a header, and none of ours is made up by a text."""
    message = compose(replace(NOTICE, title="x\r\nBcc: y\u2028z\x85w"), public_url="https://m.example.org")

    assert not {"\r", "\n", "\x1b", "\u2028", "\x85", "\u202e"} & set(message.subject)
    assert len(message.subject) <= 200
    assert 1 == len([line for line in message.text.splitlines() if line.startswith("Type: ")])
    assert [] == [line for line in message.text.splitlines() if line.startswith(("Bcc", "<"))]


def test_a_chat_finds_no_mention_link_or_tag():
    """Whoever it speaks to."""
    safe = chat_safe(HOSTILE)

    for bad in ("<", ">", "@here", "@U1", "](", "!channel>"):
        assert bad not in safe


@pytest.mark.parametrize("kind", [ChannelType.SLACK, ChannelType.MS_TEAMS])
def test_what_chats_get_is_safe(kind: ChannelType):
    """In every text of the body."""
    address = Address(payload_url="https://example.org/", headers={})
    job = job_of(kind, {}, address, NOTICE, event=None, public_url="", mail_url="", now=NOTICE.timestamp)  # type: ignore[arg-type]
    body = json.dumps(json.loads(str(job["body"])), ensure_ascii=False)

    for bad in ("<", ">", "@here", "](", "\x1b", "\u202e"):
        assert bad not in body
    assert "{{7*7}} ${x} %s" in body


def test_apprise_gets_plain_text():
    """Its own markup, emojis and formats are off."""
    job = apprise_job("tgram://token/chat?format=html", NOTICE, compose(NOTICE))

    assert "format=html" not in str(job["url"])
    assert "format=text" in str(job["url"])
    assert not {"<", ">"} & set(str(job["text"]) + str(job["subject"]))


@pytest.mark.parametrize("scheme", apprise_channels.SCHEMES)
def test_every_service_is_where_the_table_says(scheme: str):
    """In a file of its own, with that scheme: an upgrade that moves one fails here."""
    module, name = apprise_channels.MODULES[scheme]
    found = find_spec("apprise")
    assert found is not None
    plugins = Path(str(found.origin)).parent / "plugins"
    files = [plugins / f"{module}.py", *(plugins / module).glob("*.py")]
    (text,) = (path.read_text() for path in files if path.is_file() and f"class {name}(" in path.read_text())

    assert f'"{scheme}"' in text


def test_pieces_of_a_secret_url_are_secret_too():
    """What a library says of a failure holds its path or its password."""
    address = Address(
        apprise_url="mmost://us%40er:pass-word@127.0.0.1/tok-en?x=va-lue",
        payload_url="https://h.example/services/T0/B0",
        headers={},
    )

    assert {"tok-en", "pass-word", "us@er", "va-lue", "services/T0/B0"} <= set(address.secrets)
    assert not {"h.example", "127.0.0.1"} & set(address.secrets)
