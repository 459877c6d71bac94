"""What every failure brings along: the log's end, who listens, room on the disk, the kernel's words; bounded, each once."""

from __future__ import annotations

import pytest
from mgmt_host import entry
from mgmt_host.observing import proofs

from tests.unit.mgmt_host.golden_packages import golden_package
from tests.unit.mgmt_host.served_packages import act, command_package, times

KMSG = [
    "4,1,100,-;usb 1-1: new device\n",
    "6,2,200,-;python3 invoked oom-killer: gfp_mask=0xcc0\n",
    "3,3,300,-;Memory cgroup out of memory: Killed process 77 (python3) total-vm:1kB\n DEVICE=x\n",
    "6,4,400,-;oom_reaper: reaped process 77\n",
    "broken",
]


def kinds(result):
    """Return which evidence there is, sorted."""
    return sorted(one["kind"] for one in result["evidence"])


def test_a_refused_prediction_brings_log_listener_and_disk(host):
    """Before, there was only what the model answered."""
    result = host.act("deployment_launch", 1, golden_package(host, "swapped", 3.0, golden_of=2.0))

    assert ("bad_prediction", ["df", "golden", "log_tail", "ss"]) == (result["cause"], kinds(result))
    port = next(one["text"] for one in result["evidence"] if one["kind"] == "ss")
    assert "LISTEN 127.0.0.1:" in port


def test_a_rolled_back_host_brings_them_too(host, tmp_path):
    """Of the model that did not come up; the old one serves."""
    old, new = host.make_cheap()
    host.act("deployment_launch", 1, old)
    host.make_servers_die_on_the_stable_port(2)
    result = host.act("deployment_replace_model", 2, new)

    assert {"df", "log_tail", "ss", "exit"} <= set(kinds(result)), result
    assert len(kinds(result)) == len(set(kinds(result)))


def test_a_failed_replace_of_anothers_server_brings_them(host, tmp_path):
    """Its own log says what it was."""
    act(host, "command", command_package(tmp_path / "good", 2.0))
    wrong = command_package(tmp_path / "wrong", 3.0, smoke={"request": {"rows": [[1.0]]}, "answer": times(9.0)})
    result = act(host, "command", wrong, 2, "deployment_replace_model")

    assert ["df", "http", "log_tail", "ss"] == kinds(result)
    assert all(0 < len(one["text"]) <= 8000 for one in result["evidence"])


def test_a_refused_package_brings_the_disk(host):
    """It has no log and no port yet."""
    archive, _, digest = host.package()
    refused = host.bring((archive, "0" * 64, digest))

    assert ("artifact", ["df", "digest"]) == (refused["cause"], kinds(refused))


@pytest.mark.parametrize(("action", "outcome"), [("deployment_stop", "ok"), ("deployment_launch", "changed")])
def test_what_is_fine_brings_nothing(host, action, outcome):
    """Evidence is for failures."""
    package = host.make_cheap()[0] if action == "deployment_launch" else None
    result = host.act(action, 1, package)

    assert (outcome, []) == (result["outcome"], result["evidence"])


def test_a_dry_run_brings_nothing_more(host):
    """It tells the difference alone."""
    parameters = host.parameters("deployment_launch", 1, host.package())

    assert {"diff"} == set(kinds(entry.run_deployment(parameters, check=True)))


def test_the_kernels_words_about_memory_are_found():
    """Without the head of each record, whatever else it says."""
    found = list(proofs.find_oom_lines(iter(KMSG)))

    assert ["python3 invoked oom-killer: gfp_mask=0xcc0", KMSG[2].split(";")[1].split("\n")[0]] == found[:2]
    assert 3 == len(found)


def test_memory_that_ran_out_brings_the_kernels_words(host, monkeypatch):
    """Where they may be read; else the memory cgroup's counter is the proof."""
    monkeypatch.setattr(proofs, "_records", lambda: iter(KMSG))
    inputs = entry.Inputs.from_parameters(host.parameters("deployment_launch", 1), False)
    told = proofs.complete({"outcome": "failed", "cause": "oom_killed", "evidence": []}, inputs)

    assert ["df", "oom"] == sorted(one["kind"] for one in told)
    assert "Killed process 77" in next(one["text"] for one in told if one["kind"] == "oom")


def test_a_kernel_that_may_not_be_read_is_no_fault(host, monkeypatch):
    """As for an account without root."""

    def refuse():
        raise PermissionError

    monkeypatch.setattr(proofs, "_records", refuse)
    inputs = entry.Inputs.from_parameters(host.parameters("deployment_launch", 1), False)

    assert ["df"] == [
        one["kind"] for one in proofs.complete({"outcome": "failed", "cause": "oom_killed", "evidence": []}, inputs)
    ]
