"""Runtime `command`: a server that knows nothing of us has the whole life of a deployment."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from mgmt_host import entry
from mgmt_host.machine import durable_files, ports, processes
from mgmt_host.running import slots

from tests.unit.mgmt_host.served_packages import ECHO, ROWS, START, act, command_package, predict, times, wheelhouse

WRAPPED = ["sh", "-c", '"$@" & wait', "sh", *START]
"""A shell that stays in front of its server, as start scripts do."""


def launch(host, package, generation=1, action="deployment_launch", **changes):
    """Perform an action with a package of the runtime."""
    return act(host, "command", package, generation, action, **changes)


def test_a_command_is_launched_replaced_and_stopped(host):
    """The predictions are the model's own, the port stays, and nobody listens after the stop."""
    first = launch(host, command_package(host.folder / "one", 2.0))
    was = predict(first["identity"])
    again = launch(host, command_package(host.folder / "same", 2.0))
    second = launch(host, command_package(host.folder / "two", 3.0), 2, "deployment_replace_model")
    now = predict(second["identity"])
    stopped = host.act("deployment_stop", 3)

    assert ("changed", times(2.0)) == (first["outcome"], was), first
    assert ("ok", first["identity"]) == (again["outcome"], again["identity"]), again
    assert ("changed", times(3.0), first["identity"]["port"]) == (second["outcome"], now, second["identity"]["port"])
    assert ("changed", None) == (stopped["outcome"], ports.listener(first["identity"]["port"]))


def test_a_model_that_predicts_otherwise_leaves_the_old_one(host):
    """The smoke gate is asked on another port; the old server never stopped."""
    old = launch(host, command_package(host.folder / "one", 2.0))
    wrong = {"request": ROWS, "answer": times(4.0)}
    failed = launch(host, command_package(host.folder / "two", 3.0, smoke=wrong), 2, "deployment_replace_model")

    assert ("failed", "bad_prediction", True) == (failed["outcome"], failed["cause"], failed["old_model_in_use"])
    assert (old["identity"]["pid"], times(2.0)) == (failed["identity"]["pid"], predict(old["identity"]))


def test_a_server_that_ends_on_the_stable_port_brings_the_old_one_back(host):
    """It was fine beside the old one; `rolled_back`, with its log's end as evidence."""
    launch(host, command_package(host.folder / "one", 2.0))
    port = durable_files.read_json(host.own().state)["stable_port"]
    once = ["sh", "-c", f'[ "$4" = {port} ] && exit 3; exec "$@"', "sh", *START, "3.0"]
    failed = launch(host, command_package(host.folder / "two", 3.0, start=once), 2, "deployment_replace_model")

    assert ("rolled_back", "not_ready") == (failed["outcome"], failed["cause"]), failed
    assert (1, times(2.0)) == (failed["identity"]["generation"], predict(failed["identity"]))


def test_a_shell_in_front_of_its_server_is_fine_and_nothing_of_it_is_left(host):
    """The listener is a descendant of what was started, and ends with it."""
    result = launch(host, command_package(host.folder / "one", 2.0, start=[*WRAPPED, "2.0"]))
    listener = ports.listener(result["identity"]["port"])
    mark = processes.find_mark(listener)
    host.act("deployment_stop", 2)

    assert "changed" == result["outcome"], result
    assert (True, False) == (listener != result["identity"]["pid"], mark.alive)


def test_children_of_a_server_that_died_do_not_keep_its_port(host):
    """Its supervisor ends them before it starts the server again."""
    result = launch(host, command_package(host.folder / "one", 2.0, start=[*WRAPPED, "2.0"]))
    child = processes.find_mark(ports.listener(result["identity"]["port"]))
    os.kill(result["identity"]["pid"], signal.SIGKILL)

    assert processes.wait_gone(child, 60.0)


def test_children_without_supervisor_and_server_are_stopped_too(host):
    """Both were killed; the session they left tells whose child it is."""
    result = launch(host, command_package(host.folder / "one", 2.0, start=[*WRAPPED, "2.0"]))
    slot = slots.find(host.own(), "a")
    child = processes.find_mark(ports.listener(result["identity"]["port"]))
    for mark in (slot.supervisor, slot.server):
        os.kill(mark.pid, signal.SIGKILL)
        processes.wait_gone(mark, 60.0)
    alive = child.alive
    host.act("deployment_stop", 2)

    assert (True, False) == (alive, child.alive)


def test_another_process_on_the_port_is_wrong_model(host):
    """It answers as it should, and nobody here started it."""
    aside = ["sh", "-c", 'setsid -f "$@"; exec sleep 60', "sh", *START, "2.0"]
    result = launch(host, command_package(host.folder / "one", 2.0, start=aside))
    stranger = ports.listener(int(result["evidence"][0]["text"].split(" ")[1].rpartition(":")[2]))
    os.kill(stranger, signal.SIGKILL)

    assert ("failed", "wrong_model", "ss") == (result["outcome"], result["cause"], result["evidence"][0]["kind"])


def test_files_that_were_changed_under_a_server_are_told_by_a_look(host):
    """Nobody knows what it has loaded; a look reads the files only when something touched them."""
    package = command_package(host.folder / "one", 2.0)
    launch(host, package)
    observe = [{"id": "d1", "generation": 1, "digest": package[2]}]
    fine = host.act("environment_status", 0, observe=observe)["observations"][0]
    changed = Path(host.layout.package(package[2])) / "server.py"
    changed.chmod(0o644)
    changed.write_bytes(changed.read_bytes() + b"#")
    seen = host.act("environment_status", 0, observe=observe)["observations"][0]

    assert ("ok", "failed", "wrong_model") == (fine["outcome"], seen["outcome"], seen["cause"]), seen


def test_a_missing_program_is_a_dependency_and_touches_nothing(host):
    """It is looked for before anything is started."""
    result = launch(host, command_package(host.folder / "one", 2.0, start=["no-such-program-here"]))

    assert ("failed", "dependency") == (result["outcome"], result["cause"])
    assert "no-such-program-here" in result["message"]


def test_a_program_of_the_working_directory_is_not_found(host, monkeypatch):
    """An empty or relative part of PATH means wherever the run happens to be."""
    (host.folder / "helper").write_text("#!/bin/sh\n")
    (host.folder / "helper").chmod(0o755)
    monkeypatch.chdir(host.folder)
    monkeypatch.setenv("PATH", f":.:{os.environ['PATH']}:")

    assert "dependency" == launch(host, command_package(host.folder / "one", 2.0, start=["helper"]))["cause"]


def test_a_package_is_served_as_its_own_manifest_says_only(host):
    """An event cannot make a program of what is none."""
    result = host.bring(command_package(host.folder / "one", 2.0), runtime="mlflow")

    assert ("artifact", True) == (result["cause"], "runtime must be mlflow" in result["message"]), result


def test_an_executable_of_the_package_is_started(host):
    """By its place in the package; no smoke request is told as a note."""
    script = b'#!/bin/sh\nexec python3 "$(dirname "$0")/../server.py" "$@"\n'
    start = ["{package}/bin/start", *START[2:], "2.0"]
    package = command_package(host.folder / "one", 2.0, {"bin/start": script}, ["bin/start"], start=start, smoke=None)
    result = launch(host, package)

    assert ("changed", times(2.0)) == (result["outcome"], predict(result["identity"])), result
    assert "smoke_skipped" in result["notes"]


def test_a_smoke_request_without_a_place_to_ask_is_a_fault_of_the_package(host):
    """Told as what it is."""
    result = launch(host, command_package(host.folder / "one", 2.0, predict_path=""))

    assert ("failed", "artifact") == (result["outcome"], result["cause"])


def test_a_server_that_ends_at_once_shows_its_log(host):
    """Its last words are the evidence."""
    start = ["sh", "-c", "echo no licence found; exit 7"]
    result = launch(host, command_package(host.folder / "one", 2.0, start=start))

    assert ("not_ready", "exit code 7") == (result["cause"], result["evidence"][0]["text"])
    assert "no licence found" in result["evidence"][1]["text"]


@pytest.mark.parametrize(
    "line", ["--index-url http://evil/", "-r other.txt", "./local", "a @ file:///x", "/etc/passwd"]
)
def test_requirements_are_names_only(host, line):
    """Where they come from is the agent's to say."""
    package = command_package(
        host.folder / "one", 2.0, {"needs.txt": f"numpy>=1.24  # fine\n{line}\n".encode()}, requirements="needs.txt"
    )
    result = host.bring(package, runtime="command")

    assert ("artifact", True) == (result["cause"], "pip_arguments" in result["message"]), result


def test_requirements_of_the_package_make_its_environment(host, tmp_path):
    """Built once from the wheelhouse, keyed by what they say; `{python}` is its interpreter."""
    server = ECHO.replace(b"import argparse", b"import argparse\nimport tiny").replace(
        b"arguments.factor", b"tiny.FACTOR"
    )
    files = {"server.py": server, "needs.txt": b"# our own\ntiny==1.0\n"}
    start = ["{python}", *START[1:], "2.0"]
    package = command_package(host.folder / "one", 5.0, files, requirements="needs.txt", start=start)
    offered = {"runtime": "command", "wheelhouse_offered": True}
    needs = host.bring(package, **offered, archive=None)["needs"]
    brought = host.bring(package, **offered, wheelhouse=wheelhouse(tmp_path, "tiny", {"tiny.py": "FACTOR = 5.0\n"}))
    result = launch(host, package)

    assert (["archive", "wheelhouse"], ["package", "environment"]) == (needs, [one["name"] for one in brought["steps"]])
    assert ("changed", times(5.0)) == (result["outcome"], predict(result["identity"])), result
    assert {"changed": False, "needs": [], "steps": [], "notes": []} == host.bring(package, **offered)


def test_a_manifest_changed_on_the_host_is_sent_anew(host):
    """It is put away as soon as it is met, but by a rehearsal; what is wrong in the package itself stays and is told."""
    package = command_package(host.folder / "one", 2.0)
    host.bring(package, runtime="command")
    manifest = Path(host.layout.package(package[2])) / "model-package.json"
    manifest.chmod(0o644)
    manifest.write_text("{}")
    wanted = {"digest": package[2], "archive_sha256": package[1], "runtime": "command", "base_dir": host.base_dir}
    rehearsed = entry.run_package(wanted, check=True)
    met = host.bring(package, runtime="command", archive=None)
    needs = host.bring(package, runtime="command", archive=None)["needs"]

    assert ("artifact", "artifact") == (rehearsed["cause"], met["cause"])
    assert "put away" not in rehearsed["message"]
    assert ("put away" in met["message"], needs) == (True, ["archive"])
    assert "changed" == launch(host, package)["outcome"]


def test_the_working_folder_is_the_slots_own(host):
    """The package stays as it was, whatever a server writes beside itself."""
    start = ["sh", "-c", 'echo mine > written; exec "$@"', "sh", *START, "2.0"]
    launch(host, command_package(host.folder / "one", 2.0, start=start))
    deadline = time.monotonic() + 60.0
    written = Path(slots.find(host.own(), "a").folder) / "work" / "written"
    while not written.exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    assert "mine\n" == written.read_text()
