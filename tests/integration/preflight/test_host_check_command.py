"""`mgmt-ansible host check`, as a person or a program calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mgmt_ansible.quickstart.loopback import LoopbackHost
from tests.integration.preflight.conftest import ENVIRONMENT
from tests.integration.preflight.places import Place, make_place

pytestmark = pytest.mark.ssh


@pytest.fixture
def place(sshd: LoopbackHost, known_hosts: Path, tmp_path: Path) -> Place:
    """Two hosts: one is there, one is not."""
    return make_place(sshd, known_hosts, tmp_path)


def _fill_cache(place: Place) -> None:
    cache = place.folder / "mgmt-ansible-agent-data" / "packages"
    cache.mkdir(parents=True)
    with (cache / "large.tar").open("wb") as file:
        file.truncate(1 << 42)


def test_a_good_host_exits_with_0_and_tells_warnings(place: Place) -> None:
    """The table counts what is ok; a given size wins over the agent's cache."""
    _fill_cache(place)
    done = place.call("check", ENVIRONMENT, "web1", "--package-size", "1M")

    assert (0, "") == (done.returncode, done.stderr)
    assert "web1" in done.stdout
    assert "web2" not in done.stdout


def test_a_bad_host_exits_with_1_and_says_what_to_type(place: Place) -> None:
    """The others are looked at all the same; the evidence stands below the table."""
    done = place.call("check")

    assert (1, "") == (done.returncode, done.stderr)
    assert "web2  reachable" in done.stdout
    assert "web2 reachable:\n    127.0.0.1 port" in done.stdout
    assert "nobody answers" in done.stdout


def test_json_holds_every_check_of_every_host(place: Place) -> None:
    """One object a host, in the inventory's order."""
    done = place.call("check", "--json")

    web1, web2 = json.loads(done.stdout)
    assert [("web1", False), ("web2", True)] == [(one["host"], one["failed"]) for one in (web1, web2)]
    assert 13 == len(web1["checks"]) == len(web2["checks"])
    assert {"name": "reachable", "status": "failed", "cause": "unreachable"}.items() <= web2["checks"][0].items()


def test_the_largest_package_of_the_agents_cache_must_fit(place: Place) -> None:
    """It is what may come again."""
    _fill_cache(place)
    done = place.call("check", ENVIRONMENT, "web1")

    assert 1 == done.returncode
    assert "disk" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("check", ENVIRONMENT, "web9"), 4, "host web9 is not among those"),
        (("check", "f" * 24), 4, "is not in the agent's configuration"),
        (("check", "--package-size", "much"), 2, "'much' is no size"),
        (("check", "--agent-config", "/nowhere.yaml"), 2, "/nowhere.yaml"),
    ],
)
def test_what_cannot_be_done_is_said(place: Place, arguments: tuple[str, ...], exit_code: int, words: str) -> None:
    """In one sentence, with the exit code of its error."""
    done = place.call(*arguments)

    assert exit_code == done.returncode
    assert words in done.stderr
