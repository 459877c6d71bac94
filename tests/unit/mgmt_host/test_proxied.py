"""A deployment behind its own HAProxy, with real processes: launched, replaced, broken and stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import urllib.request
from pathlib import Path

import pytest
from mgmt_host import entry
from mgmt_host.failures import HostError
from mgmt_host.machine import durable_files, http_probe, ports, processes
from mgmt_host.running import boot, slots
from mgmt_host.switching import haproxy, traffic, traffic_kinds

from tests.unit.mgmt_host.conftest import Host
from tests.unit.mgmt_host.served_packages import act, pack
from tests.unit.mgmt_host.test_operations import wait_for

pytestmark = pytest.mark.skipif(haproxy.find_program() is None, reason="HAProxy is not on this machine")
SLOW = Path(__file__).with_name("slow_server.py").read_bytes()


@pytest.fixture
def host(host):
    """Return a host whose deployments get a proxy each."""
    host.traffic = "haproxy"
    return host


@pytest.fixture
def packages(host):
    """Return two packages with servers that start fast."""
    return host.make_cheap()


def served(result):
    """Return the generation that answers at the stable address of a result."""
    identity = result["identity"]
    answer = http_probe.ask("127.0.0.1", identity["port"], "/v2/models/d1")
    return answer.json()["parameters"]["generation"]


def proxy_of(host):
    """Return the mark of the running proxy."""
    return slots.proxy(host.own()).server


def test_a_launched_model_answers_behind_its_proxy(host, packages):
    """The stable port is the proxy's, and the model itself listens on loopback only, wherever clients ask."""
    result = host.act("deployment_launch", 1, packages[0], bind_address="0.0.0.0")
    identity = result["identity"]

    assert ("changed", 1) == (result["outcome"], served(result)), result
    assert proxy_of(host).pid == ports.listener(identity["port"]) != identity["pid"]
    assert identity["pid"] == ports.listener(identity["slot_port"])
    assert f"127.0.0.1:{identity['slot_port']} " in ports.describe(identity["slot_port"])
    assert f"0.0.0.0:{identity['port']} " in ports.describe(identity["port"])
    assert f":{identity['port']}/" in identity["url"]


def test_a_proxy_that_leads_elsewhere_is_not_stable(host, packages):
    """Whether it keeps requests from the live slot, or gives them to another port of it."""
    host.act("deployment_launch", 1, packages[0])
    own, live = host.own(), slots.find_live(host.own())
    traffic.require_stable(own, live)
    haproxy.set_state(own.traffic, live.name, haproxy.MAINT)
    with pytest.raises(HostError, match="the proxy does not lead to slot a"):
        traffic.require_stable(own, live)
    haproxy.lead(own.traffic, live.name, ports.FIRST)
    with pytest.raises(HostError, match="the proxy does not lead to slot a"):
        traffic.require_stable(own, live)


@pytest.mark.parametrize("action", ["deployment_replace_model", "deployment_relaunch", "deployment_rollback"])
def test_a_replacement_loses_nothing_and_keeps_the_proxy(host, packages, action):
    """The same port, the same proxy, one model, and no probe failed."""
    first, proxy = host.act("deployment_launch", 1, packages[0]), proxy_of(host)
    result = host.act(action, 2, packages[1])

    assert ("changed", 2, 0) == (result["outcome"], served(result), result["receipt"]["failed"]), result
    assert (first["identity"]["port"], proxy) == (result["identity"]["port"], proxy_of(host))
    assert [False, True] == [slot.running for slot in slots.list_slots(host.own())]


def test_the_same_replacement_again_changes_nothing(host, packages):
    """What serves behind the proxy already is ok."""
    host.act("deployment_launch", 1, packages[0])
    first = host.act("deployment_replace_model", 2, packages[1])
    effects = host.effects()
    again = host.act("deployment_replace_model", 2, packages[1])

    assert ("ok", first["identity"], effects) == (again["outcome"], again["identity"], host.effects())


def test_a_model_that_fails_its_gate_gets_no_request(host, packages):
    """The old one answers all the time, and the receipt says so."""
    first = host.act("deployment_launch", 1, packages[0])
    host.let_servers_die(2, 0.3)
    result = host.act("deployment_replace_model", 2, packages[1], minimum_healthy_seconds=3)

    assert ("failed", True, first["identity"]) == (result["outcome"], result["old_model_in_use"], result["identity"])
    assert (1, 0) == (served(first), result["receipt"]["failed"])
    assert [True, False] == [slot.running for slot in slots.list_slots(host.own())]


def test_a_switch_that_cannot_be_recorded_is_taken_back_without_a_gap(host, packages):
    """The old model never stopped."""
    first = host.act("deployment_launch", 1, packages[0])
    Path(f"{host.own().state}.new").mkdir()
    result = host.act("deployment_replace_model", 2, packages[1])

    assert ("rolled_back", first["identity"], 0) == (
        result["outcome"],
        result["identity"],
        result["receipt"]["failed"],
    ), result
    assert {"a": "ready", "b": "maint"} == states(host)
    assert "127.0.0.1:{} disabled".format(first["identity"]["slot_port"]) not in configuration(host)


def states(host):
    """Return what the proxy says of its slots."""
    return {name: server.state for name, server in haproxy.list_servers(host.own().traffic).items()}


def configuration(host):
    """Return what the proxy starts with next time."""
    return Path(host.own().traffic, haproxy.CONFIGURATION).read_text()


def test_a_proxy_that_dies_comes_back_to_the_live_model(host, packages):
    """Its supervisor starts it with what the last switch has written."""
    host.act("deployment_launch", 1, packages[0])
    result = host.act("deployment_replace_model", 2, packages[1])
    dead = proxy_of(host)
    os.kill(dead.pid, signal.SIGKILL)
    wait_for(lambda: proxy_of(host) not in (None, dead), 60)
    wait_for(lambda: http_probe.ask("127.0.0.1", result["identity"]["port"], "/v2/health/ready"), 60)

    assert (2, {"a": "maint", "b": "ready"}) == (served(result), states(host))


def end_proxy(host):
    """End the proxy and its supervisor, as nobody does."""
    proxy = slots.proxy(host.own())
    slots.stop(proxy, 5.0)
    return proxy


def test_a_look_tells_that_no_proxy_runs(host, packages):
    """The model is fine, and nobody reaches it."""
    host.act("deployment_launch", 1, packages[0])
    end_proxy(host)
    wanted = {"id": "d1", "generation": 1, "digest": packages[0][2]}
    seen = host.act("deployment_status", 1, observe=[wanted])

    assert ("failed", "not_ready", "missing") == (seen["outcome"], seen["cause"], seen["observations"][0]["drift"])
    assert "the proxy does not answer" in seen["message"]


def test_the_next_action_starts_a_proxy_that_was_ended(host, packages):
    """The model stays as it is."""
    first = host.act("deployment_launch", 1, packages[0])
    end_proxy(host)
    result = host.act("deployment_launch", 1, packages[0], attempt=2)

    assert ("ok", first["identity"], 1) == (result["outcome"], result["identity"], served(result))


def test_a_foreign_process_on_the_stable_port_is_told(host, packages):
    """Whoever took it while no proxy ran."""
    result = host.act("deployment_launch", 1, packages[0])
    end_proxy(host)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", result["identity"]["port"]))
        taken.listen()
        wanted = {"id": "d1", "generation": 1, "digest": packages[0][2]}
        seen = host.act("deployment_status", 1, observe=[wanted])["observations"][0]
        again = host.act("deployment_relaunch", 2, packages[0])

    assert ("wrong_model", "foreign_process") == (seen["cause"], seen["drift"])
    assert "changed" != again["outcome"]
    assert again["identity"] is None


def test_a_unit_of_the_proxy_may_read_its_program_and_write_its_folder(host, packages):
    """Units hide everything else from what they run."""
    host.act("deployment_launch", 1, packages[0])
    config = slots.proxy(host.own()).config

    assert ([config["program_dir"]], [host.own().traffic]) == (config["reads"], config["writes"])


def test_a_taken_port_is_refused_before_anything_runs(host, packages):
    """port_in_use names the process, and nothing is left of the launch."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = host.act("deployment_launch", 1, packages[0], port=taken.getsockname()[1])

    assert ("failed", "port_in_use") == (result["outcome"], result["cause"])
    assert f"pid={os.getpid()}" in result["evidence"][0]["text"]
    assert not Path(host.own().traffic).exists()


def test_a_stop_leaves_neither_models_nor_proxy(host, packages):
    """Nobody listens, and a later launch comes back to the same port."""
    first = host.act("deployment_launch", 1, packages[0])
    result = host.act("deployment_stop", 2)

    assert ("changed", None) == (result["outcome"], ports.listener(first["identity"]["port"]))
    assert [False] * 3 == [place.running for place in slots.list_places(host.own())]
    assert not Path(host.own().traffic).exists()
    assert first["identity"]["port"] == host.act("deployment_launch", 3, packages[0])["identity"]["port"]


def test_the_boot_program_starts_model_and_proxy(host, packages):
    """As after a reboot: nothing runs, then both do."""
    result = host.act("deployment_launch", 1, packages[0])
    for place in slots.list_places(host.own()):
        slots.stop(place, 5.0)

    assert 0 == boot.start_all(host.base_dir)
    wait_for(lambda: http_probe.ask("127.0.0.1", result["identity"]["port"], "/v2/health/ready"), 60)
    assert 1 == served(result)


def test_a_deployment_without_a_proxy_is_moved_behind_one(host, packages):
    """By its first replacement, with a note; the port stays."""
    first = host.act("deployment_launch", 1, packages[0], traffic="none")
    result = host.act("deployment_replace_model", 2, packages[1])

    assert ("changed", 2, first["identity"]["port"]) == (result["outcome"], served(result), result["identity"]["port"])
    assert ("moved_to_haproxy" in result["notes"], "haproxy") == (
        True,
        durable_files.read_json(host.own().state)["traffic"],
    )
    assert "moved_to_haproxy" not in host.act("deployment_replace_model", 3, packages[0])["notes"]


def test_a_deployment_is_moved_away_from_its_proxy(host, packages):
    """The new server takes the port, and the proxy is gone."""
    first = host.act("deployment_launch", 1, packages[0])
    result = host.act("deployment_replace_model", 2, packages[1], traffic="none")
    identity = result["identity"]

    assert ("changed", 2, first["identity"]["port"]) == (result["outcome"], served(result), identity["port"])
    assert (identity["pid"], identity["port"]) == (ports.listener(identity["port"]), identity["slot_port"])
    assert (True, False) == ("moved_to_none" in result["notes"], slots.proxy(host.own()).running)


@pytest.mark.parametrize(("before", "after"), [("none", "haproxy"), ("haproxy", "none")])
def test_a_move_that_cannot_be_recorded_is_taken_back(host, packages, before, after):
    """The old model answers as it did before, with its own kind of traffic."""
    first = host.act("deployment_launch", 1, packages[0], traffic=before)
    Path(f"{host.own().state}.new").mkdir()
    result = host.act("deployment_replace_model", 2, packages[1], traffic=after)

    assert ("rolled_back", 1, 1) == (result["outcome"], result["identity"]["generation"], served(first)), result
    assert (before == "haproxy") == slots.proxy(host.own()).running
    slot = slots.find(host.own(), result["identity"]["slot"])
    assert before == traffic_kinds.kind_of(slot.config)


def slow(host, name):
    """Return a package whose server takes its time."""
    start = ["python3", "{package}/server.py", "--port", "{port}", "--address", "{address}"]
    serve = {"start": start, "health_path": "/health", "predict_path": "/predict"}
    manifest = {"schema": 1, "runtime": "command", "model": "server.py", "serve": serve}
    return pack(host.folder / name, manifest, {"server.py": SLOW, "name": name.encode()})


def ask_slowly(identity, seconds, answers):
    """Ask for an answer that takes that long, in a thread; what came goes to the list."""

    def ask():
        body = json.dumps({"seconds": seconds}).encode()
        try:
            with urllib.request.urlopen(identity["url"], body, timeout=60) as answer:
                answers.append(json.load(answer)["port"])
        except OSError as error:
            answers.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def open_requests(host):
    """Return how many requests the slots have to answer."""
    return sum(server.open for server in haproxy.list_servers(host.own().traffic).values())


def test_what_the_old_model_has_begun_it_may_end(host):
    """It stops when nothing is open any more, however long that takes within the limit."""
    first = act(host, "command", slow(host, "one"))
    answers: list[object] = []
    asking = ask_slowly(first["identity"], 3.0, answers)
    wait_for(lambda: open_requests(host), 60)
    result = act(host, "command", slow(host, "two"), 2, "deployment_replace_model")
    asking.join()

    assert ("changed", [first["identity"]["slot_port"]]) == (result["outcome"], answers), result
    assert "drain_cut" not in result["notes"]


def test_a_drain_has_a_deadline(host):
    """What is not answered by then is cut, and a note says so."""
    first = act(host, "command", slow(host, "one"))
    answers: list[object] = []
    asking = ask_slowly(first["identity"], 30.0, answers)
    wait_for(lambda: open_requests(host), 60)
    result = act(host, "command", slow(host, "two"), 2, "deployment_replace_model", drain_timeout_seconds=0.1)
    asking.join()

    assert ("changed", True, True) == (
        result["outcome"],
        "drain_cut" in result["notes"],
        isinstance(answers[0], str),
    )


def test_a_path_that_is_too_long_for_a_socket_is_fine(tmp_path_factory):
    """The proxy works in its folder, and is asked through a descriptor of it."""
    host = Host(tmp_path_factory.mktemp("deep") / ("x" * 100) / ("y" * 100))
    host.traffic = "haproxy"
    try:
        result = host.act("deployment_launch", 1, host.make_cheap()[0])
        assert ("changed", 1) == (result["outcome"], served(result)), result
    finally:
        host.stop_all()


def test_requests_are_held_while_a_model_comes_back(host, packages):
    """Its supervisor starts it again, and who asked meanwhile waits instead of being refused."""
    result = host.act("deployment_launch", 1, packages[0])
    dead = processes.find_mark(result["identity"]["pid"])
    os.kill(dead.pid, signal.SIGKILL)
    assert processes.wait_gone(dead, 60)
    answer = http_probe.ask("127.0.0.1", result["identity"]["port"], "/v2/health/ready", seconds=60)

    assert 200 == answer.status


def test_check_mode_knows_how_long_a_foreign_server_takes(host):
    """As long as the last one did."""
    act(host, "command", slow(host, "one"), traffic="none")
    package = {"digest": "0" * 64, "runtime": "command", "id": "p2"}
    asked = {**host.parameters("deployment_replace_model", 2, traffic="none"), "package": package}
    result = entry.run_deployment(asked, check=True)

    assert " s, which the last one took to start, without an answer" in result["message"]


@pytest.mark.parametrize("said", ["", "a,b\n1", "# pxname,svname,status,addr,scur,qcur\nslots,a,UP,x,1,1"])
def test_a_proxy_that_talks_nonsense_is_no_proxy(tmp_path, said):
    """Whatever listens there."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / haproxy.SOCKET))
        listening.listen()
        thread = threading.Thread(target=answer_once, args=(listening, said))
        thread.start()
        found = haproxy.find_servers(str(tmp_path))
        thread.join()

    assert not found


def answer_once(listening, said):
    """Answer one question."""
    connection, _ = listening.accept()
    with connection:
        connection.recv(1000)
        connection.sendall(said.encode())


def test_a_kind_that_nobody_knows_is_refused(host, packages):
    """Not guessed."""
    result = host.act("deployment_launch", 1, packages[0], traffic="nginx")

    assert ("failed", "playbook_error") == (result["outcome"], result["cause"])
