"""Traffic kinds: what is chosen, refused and foretold, where no systemd is needed to see it."""

from __future__ import annotations

from pathlib import Path

import pytest
from mgmt_host.machine import durable_files, ports
from mgmt_host.running import slots, systemd_manager
from mgmt_host.switching import haproxy, relay, traffic, traffic_kinds

SHORT = "under a second without an answer"
HELD = {"traffic": "systemd_socket", "stable_address": "127.0.0.1", "stable_port": 8000}


@pytest.mark.skipif(systemd_manager.is_here(), reason="systemd is process 1 here, and would hold a port")
def test_a_socket_of_systemd_is_refused_where_there_is_no_systemd(host):
    """Before anything is started; the message says what else there is."""
    result = host.act("deployment_launch", 1, host.make_cheap()[0], traffic="systemd_socket")

    assert ("failed", "dependency") == (result["outcome"], result["cause"])
    assert "use haproxy or none" in result["message"]
    assert not any(slot.running for slot in slots.list_places(host.own()))


@pytest.mark.parametrize("kind", ["none", "haproxy"])
def test_a_port_that_is_not_for_this_account_is_refused_before_anything_is_changed(host, monkeypatch, kind):
    """Not as one in use: what to do is said; a launch leaves but its tombstone, and a dry run says the same."""
    monkeypatch.setattr(ports, "rights", lambda: 0)
    monkeypatch.setattr(ports, "_FIRST_OF_ALL", "/nonexistent")
    monkeypatch.setattr(haproxy, "find_program", lambda: "/usr/sbin/haproxy")
    package = host.make_cheap()[0]
    dry, result = (host.act("deployment_launch", 1, package, traffic=kind, port=81, check=way) for way in (True, False))

    assert ("failed", "dependency") == (result["outcome"], result["cause"])
    assert "not listen on port 81: launch with one from 1024 on, or let the agent become root" in result["message"]
    assert dry["message"] == result["message"]
    assert ["fence"] == [step["name"] for step in result["steps"]]
    assert not (Path(host.own().folder) / "releases").exists()


def test_an_unknown_kind_is_refused_by_name(host):
    """The refusal lists the kinds there are."""
    result = host.act("deployment_launch", 1, host.make_cheap()[0], traffic="nginx")

    assert "traffic must be one of auto, haproxy, systemd_socket, none, not 'nginx'" == result["message"]


def test_a_relay_starts_with_the_slot_that_is_live(host):
    """And with the port of the other one, which gets nothing."""
    own = host.own()
    for name, port in (("a", 20001), ("b", 20002)):
        slots.find(own, name).configure({**HELD, "port": port})
    Path(own.traffic).mkdir(parents=True)
    traffic.write_configuration(own, HELD, slots.find(own, "b"))

    servers = relay.parse((Path(own.traffic) / relay.CONFIGURATION).read_text())
    assert {"a": (20001, haproxy.MAINT), "b": (20002, haproxy.READY)} == {
        name: (server.port, server.state) for name, server in servers.items()
    }


def test_check_mode_says_what_a_replacement_behind_a_socket_costs(host, monkeypatch):
    """No request is refused, and unused connections are closed."""
    packages = host.make_cheap()
    host.act("deployment_launch", 1, packages[0])
    live = slots.find_live(host.own())
    durable_files.write_json(live.path("slot.json"), {**live.config, "traffic": "systemd_socket"})
    monkeypatch.setattr(traffic_kinds, "choose", lambda _: traffic_kinds.Choice("systemd_socket", "it is asked for"))
    result = host.act("deployment_replace_model", 2, packages[1], check=True)

    assert "; traffic systemd_socket (it is asked for), side_by_side (" in result["message"]
    assert result["message"].endswith(": no request is refused, and connections that clients do not use are closed")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("haproxy", "haproxy", ("haproxy (the agent's configuration says so)", "no request is lost")),
        ("none", "haproxy", ("haproxy after none (the agent's configuration says so)", SHORT)),
        ("none", "none", ("none (the agent's configuration says so)", SHORT)),
        ("none", "auto", ("haproxy after none (HAProxy is on this host)", SHORT)),
    ],
)
@pytest.mark.skipif(haproxy.find_program() is None, reason="HAProxy is not on this machine")
def test_check_mode_tells_kind_reason_way_and_downtime(host, before, after, said):
    """Before anybody decides."""
    packages = host.make_cheap()
    host.act("deployment_launch", 1, packages[0], traffic=before)
    result = host.act("deployment_replace_model", 2, packages[1], check=True, traffic=after)

    kind, cost = said
    assert f"; traffic {kind}, side_by_side (a copy of the running model takes " in result["message"]
    assert result["message"].endswith(f" MB of memory are free): {cost}")
