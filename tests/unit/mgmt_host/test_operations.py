"""Launch, replace, relaunch, stop and cancel on a host of its own, with real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from mgmt_host import fence
from mgmt_host.inputs import Inputs
from mgmt_host.machine import durable_files, http_probe, ports, processes
from mgmt_host.running import slots


def infer(result, deployment_id="d1"):
    """Return the first output's data for the row [1, 2]."""
    body = {"inputs": [{"name": "X", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}]}
    path = f"/v2/models/{deployment_id}/infer"
    answer = http_probe.ask("127.0.0.1", result["identity"]["port"], path, json.dumps(body).encode())
    return answer.json()["outputs"][0]["data"]


def names_in(folder):
    """Return the names of a folder's entries."""
    return {path.name for path in Path(folder).iterdir()}


def wait_for(condition, seconds=60.0):
    """Return the condition's first true value; AssertionError when it stays false."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("the condition stayed false")


def test_a_launched_model_predicts(host):
    """A launch ends with a model that answers on the recorded port."""
    result = host.act("deployment_launch", 1, host.package(3.0))

    assert ("changed", [3.0, 6.0]) == (result["outcome"], infer(result))


def test_the_kernel_says_who_listens(host):
    """The pid of the identity is the listener's, with its start time."""
    identity = host.act("deployment_launch", 1, host.package())["identity"]

    assert (identity["pid"], identity["start_time"]) == (
        ports.listener(identity["port"]),
        processes.find_start_time(identity["pid"]),
    )


def test_the_server_keeps_the_package_open(host):
    """Every file of the package is among the process's descriptors."""
    package = host.package()
    pid = host.act("deployment_launch", 1, package)["identity"]["pid"]
    opened = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}

    folder = Path(host.layout.package(package[2]))
    assert {str(path) for path in folder.iterdir()} <= opened


def test_the_same_launch_again_changes_nothing(host):
    """Equal pair, wanted release serves: ok."""
    package = host.package()
    first = host.act("deployment_launch", 1, package)
    effects = host.effects()
    again = host.act("deployment_launch", 1, package)

    assert ("ok", first["identity"], effects) == (again["outcome"], again["identity"], host.effects())


def test_replacing_moves_the_stable_port(host):
    """The new model answers where the old one did, and the gap was measured."""
    first = host.act("deployment_launch", 1, host.package(2.0))
    result = host.act("deployment_replace_model", 2, host.package(5.0))

    assert ("changed", [5.0, 10.0]) == (result["outcome"], infer(result))
    assert first["identity"]["port"] == result["identity"]["port"]
    assert result["gap_seconds"] == result["receipt"]["longest_gap_seconds"] >= 0
    assert min(result["receipt"][phase]["probes"] for phase in ("before", "after")) > 0


def test_one_process_is_left_after_replacing(host):
    """The old model and the candidate are gone."""
    host.act("deployment_launch", 1, host.package(2.0))
    result = host.act("deployment_replace_model", 2, host.package(5.0))

    running = [slot.name for slot in slots.list_slots(host.own()) if slot.running]
    assert [result["identity"]["slot"]] == running


def test_relaunching_serves_anew(host):
    """Another process serves the same package under the new generation."""
    package = host.package()
    first = host.act("deployment_launch", 1, package)
    result = host.act("deployment_relaunch", 2, package)

    assert ("changed", 2) == (result["outcome"], result["identity"]["generation"])
    assert first["identity"]["pid"] != result["identity"]["pid"]


def test_stopping_leaves_no_listener_but_the_tombstone(host):
    """Nothing listens; lock and fence stay."""
    port = host.act("deployment_launch", 1, host.package())["identity"]["port"]
    result = host.act("deployment_stop", 2)

    assert ("changed", None) == (result["outcome"], ports.listener(port))
    assert {"lock", "fence.json", "effects.jsonl"} <= names_in(host.own().folder)


def test_stopping_what_is_not_there_is_ok(host):
    """A stop is about the state, not the act."""
    assert "ok" == host.act("deployment_stop", 1)["outcome"]


def test_a_launch_after_a_stop_comes_back_to_its_port(host):
    """Clients keep their address."""
    package = host.package()
    first = host.act("deployment_launch", 1, package)
    host.act("deployment_stop", 2)

    assert first["identity"]["port"] == host.act("deployment_launch", 3, package)["identity"]["port"]


def test_a_lower_pair_is_superseded(host):
    """An old model does not come back, and the host's own pair is told."""
    package = host.package()
    host.act("deployment_stop", 5, attempt=3)
    result = host.act("deployment_launch", 5, package, attempt=2)

    assert ("superseded", {"generation": 5, "attempt": 3}) == (result["outcome"], result["fence"])


def test_a_lower_holder_is_stopped(host):
    """A run that hangs under an older pair ends."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as hung:
        Path(host.own().folder).mkdir(parents=True)
        mark = processes.find_mark(hung.pid)
        old = Inputs.from_parameters(
            {
                "action": "deployment_stop",
                "deployment_id": "d1",
                "generation": 1,
                "attempt": 1,
                "base_dir": host.base_dir,
            }
        )
        fence.write(host.own(), old, holder=mark)
        host.act("deployment_stop", 2)

        assert -signal.SIGTERM == hung.wait(50)


def test_a_failed_launch_leaves_only_the_tombstone(host):
    """A model that cannot be loaded ends as not_ready with its log."""
    result = host.act("deployment_launch", 1, host.package(model=b"not a model"))

    assert ("failed", "not_ready", False) == (result["outcome"], result["cause"], result["old_model_in_use"])
    assert ["effects.jsonl", "fence.json", "lock", "result.json"] == sorted(names_in(host.own().folder))
    assert {"df", "exit", "log_tail", "ss"} == {proof["kind"] for proof in result["evidence"]}


def test_a_wrong_smoke_prediction_fails_the_launch(host):
    """The gate compares numbers."""
    smoke = {"request": {"inputs": [{"name": "X", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}]}}
    smoke["expect"] = {"Y": {"data": [7, 7]}}
    result = host.act("deployment_launch", 1, host.package(smoke=smoke))

    assert ("failed", "bad_prediction") == (result["outcome"], result["cause"])


def test_a_taken_port_is_refused_with_its_listener(host):
    """port_in_use names the process."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = host.act("deployment_launch", 1, host.package(), port=taken.getsockname()[1])

    assert ("failed", "port_in_use") == (result["outcome"], result["cause"])
    assert f"pid={os.getpid()}" in result["evidence"][0]["text"]


def test_a_failed_replacement_never_touches_the_old_model(host):
    """The old process goes on, and the result says so."""
    first = host.act("deployment_launch", 1, host.package(2.0))
    result = host.act("deployment_replace_model", 2, host.package(model=b"broken"))

    assert ("failed", True) == (result["outcome"], result["old_model_in_use"])
    assert first["identity"] == result["identity"]


def test_a_switch_that_fails_brings_the_old_model_back(host):
    """The new model passes its gate but dies on the stable port: rolled_back."""
    host.act("deployment_launch", 1, host.package(2.0))
    host.make_servers_die_on_the_stable_port(generation=2)
    result = host.act("deployment_replace_model", 2, host.package(5.0))

    assert ("rolled_back", "not_ready", True, 1) == (
        result["outcome"],
        result["cause"],
        result["old_model_in_use"],
        result["identity"]["generation"],
    )
    assert [2.0, 4.0] == infer(result)


def test_when_neither_answers_it_is_said_loudly(host):
    """The new model dies on the stable port and the old one cannot come back: degraded."""
    host.act("deployment_launch", 1, host.package(2.0))
    host.make_servers_die_on_the_stable_port(generation="[12]")
    result = host.act("deployment_replace_model", 2, host.package(5.0))

    assert ("degraded", False, None) == (result["outcome"], result["old_model_in_use"], result["identity"])


def test_only_five_releases_stay(host):
    """Older generations are pruned."""
    package = host.package()
    for generation in range(1, 8):
        host.act("deployment_relaunch", generation, package)

    assert {"3", "4", "5", "6", "7"} == names_in(host.own().releases)


def test_a_killed_server_is_started_again(host):
    """The supervisor restarts on failure."""
    first = host.act("deployment_launch", 1, host.package())["identity"]
    os.kill(first["pid"], signal.SIGKILL)
    slot = slots.find(host.own(), "a")

    wait_for(lambda: slot.server is not None and slot.server.pid != first["pid"])
    assert -signal.SIGKILL == slot.process["last_exit"]["code"]


def test_what_a_killed_run_left_is_swept(host):
    """A candidate outside the live slot does not outlive the next action."""
    package = host.package()
    host.act("deployment_launch", 1, package)
    live, left = (slots.find(host.own(), name) for name in "ab")
    config = dict(live.config, port=ports.choose(host.layout, "d1", "127.0.0.1", {live.config["port"]}))
    slots.start(left, dict(config, command=[*config["command"][:-1], left.folder]))
    wait_for(lambda: left.running)
    host.act("deployment_launch", 1, package)

    assert (True, False) == (live.running, left.running)


def test_a_canceled_pair_is_refused_when_it_comes_late(host):
    """Cancel first, module later: nothing starts."""
    package = host.package()
    host.act("deployment_cancel", 1)
    result = host.act("deployment_launch", 1, package)

    assert ("failed", "canceled") == (result["outcome"], result["cause"])


def test_a_later_attempt_may_follow_a_cancel(host):
    """Only exactly that pair is canceled."""
    package = host.package()
    host.act("deployment_cancel", 1)

    assert "changed" == host.act("deployment_launch", 1, package, attempt=2)["outcome"]


def test_cancel_stops_a_holder_and_its_candidate(host):
    """The recorded holder of exactly the pair ends, and the old model still serves."""
    package = host.package()
    first = host.act("deployment_launch", 1, package)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as holder:
        asked = {
            "action": "deployment_replace_model",
            "deployment_id": "d1",
            "generation": 2,
            "attempt": 1,
            "base_dir": host.base_dir,
        }
        fence.write(host.own(), Inputs.from_parameters(asked), holder=processes.find_mark(holder.pid))
        result = host.act("deployment_cancel", 2)

        assert (-signal.SIGTERM, "changed") == (holder.wait(50), result["outcome"])
    assert first["identity"]["pid"] == ports.listener(first["identity"]["port"])


def test_cancel_in_the_middle_of_a_switch_brings_the_old_model_back(host):
    """Old stopped, new not proved: the recorded release serves again."""
    host.act("deployment_launch", 1, host.package(2.0))
    asked = {
        "action": "deployment_replace_model",
        "deployment_id": "d1",
        "generation": 2,
        "attempt": 1,
        "base_dir": host.base_dir,
    }
    dead = processes.ProcessMark(2**22 + 1, 1, processes.boot_id())
    fence.write(host.own(), Inputs.from_parameters(asked), holder=dead)
    slots.stop(slots.find(host.own(), "a"), 5.0)
    result = host.act("deployment_cancel", 2)

    assert [2.0, 4.0] == infer(result)


def test_check_mode_forecasts_and_touches_nothing(host):
    """Changed is told, nothing is made."""
    result = host.act("deployment_launch", 1, host.package(), check=True)

    assert ("changed", False) == (result["outcome"], Path(host.own().folder).exists())


def test_check_mode_tells_both_ends_of_a_change(host):
    """What serves now, what would, and by which steps; the old one serves on untouched."""
    old, new = host.package(), host.package(3.0)
    served = host.act("deployment_launch", 1, old)
    before = Path(host.own().fence).read_bytes()
    result = host.act("deployment_rollback", 2, new, check=True)

    difference = result["evidence"][0]["text"].splitlines()
    assert f"generation 1, package {old[2][:12]}" in difference[0]
    assert "generation 2, package {}, port {}".format(new[2][:12], served["identity"]["port"]) in difference[1]
    assert "install package" in result["message"]
    assert "switch from generation 1" in result["message"]
    assert (before, [2.0, 4.0]) == (Path(host.own().fence).read_bytes(), infer(served))


def test_check_mode_of_a_stop_tells_that_nothing_would_serve(host):
    """And of a stop where nothing runs, that nothing would change."""
    assert "ok" == host.act("deployment_stop", 1, check=True)["outcome"]
    host.act("deployment_launch", 1, host.package())
    result = host.act("deployment_stop", 2, check=True)

    assert ("changed", "+ nothing serves") == (result["outcome"], result["evidence"][0]["text"].splitlines()[1])


def test_the_minimum_healthy_time_is_kept(host):
    """The gate lasts at least as long as asked."""
    result = host.act("deployment_launch", 1, host.package(), minimum_healthy_seconds=0.5)

    assert next(step["seconds"] for step in result["steps"] if step["name"] == "gate") >= 0.5


def test_the_boot_program_starts_what_was_wanted(host):
    """As after a reboot: nothing runs, then the recorded release does."""
    result = host.act("deployment_launch", 1, host.package())
    slots.stop(slots.find(host.own(), "a"), 5.0)
    program = slots.find(host.own(), "a").config["program_dir"]
    subprocess.run([sys.executable, "-I", "-S", program, "boot", host.base_dir], check=True)

    port = result["identity"]["port"]
    wait_for(lambda: http_probe.ask("127.0.0.1", port, "/v2/health/ready"))


def test_state_survives_as_json(host):
    """state.json names what was last proved."""
    result = host.act("deployment_launch", 1, host.package())

    assert result["identity"] == durable_files.read_json(host.own().state)["identity"]
