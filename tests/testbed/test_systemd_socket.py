"""Traffic kind `systemd_socket` on a host with the real systemd, through all of the agent's side."""

from __future__ import annotations

import json

import pytest

from tests.matrix import models
from tests.testbed.agents import STOP, Agent
from tests.testbed.commands import wait_until

pytestmark = pytest.mark.timeout(900)
DEPLOYMENT = "held"
HELD = "systemctl list-units --all --plain --no-legend 'mgmt-ansible-held-*.socket' | cut -d' ' -f1"
RELAY = "systemctl kill --signal=SIGKILL $(systemctl list-units --plain --no-legend 'mgmt-ansible-held-proxy-*.service' | cut -d' ' -f1)"
LEFT = "ls /etc/systemd/system /etc/systemd/system/*.wants | grep mgmt-ansible-held"
ASK = """\
import json, sys, urllib.request as u
body = json.dumps({"rows": [[1.0]]}).encode()
print(u.urlopen(u.Request(sys.argv[1], body, {"Content-Type": "application/json"}), timeout=60).read().decode())
"""


def act(agent, action, generation, model=None, port=None, **binding):
    """Perform an action; return what the host made of it, which is a change."""
    archive = model.archive if model else None
    outcome = agent.begin(action, DEPLOYMENT, generation, archive, port=port, binding=binding).outcome()
    assert outcome["outcome"] == "changed", outcome
    return outcome


def answer(host, url):
    """Ask once on the host; return what is answered, which raises when nobody does."""
    return json.loads(host.enter("python3", "-c", ASK, url).stdout)


def test_systemd_holds_the_stable_port_while_models_and_relay_come_and_go(systemd_host, tmp_path):
    """A replacement, a kill of the relay and a reboot: nobody is refused, on a port below 1024; after a stop nothing is left."""
    systemd_host.dirty = True
    agent = Agent(systemd_host, traffic="systemd_socket")
    first, second = (models.command(tmp_path, number) for number in (1, 2))
    launched = act(agent, "deployment_launch", 1, first, port=81)
    url = launched["identity"]["url"]
    old = answer(systemd_host, url)

    replaced = act(agent, "deployment_replace_model", 2, second)
    new = answer(systemd_host, url)
    assert (0, url) == (replaced["receipt"]["failed"], replaced["identity"]["url"]), replaced
    assert old != new

    systemd_host.enter("sh", "-c", RELAY)
    assert new == answer(systemd_host, url)

    systemd_host.reboot()
    wait_until(lambda: systemd_host.enter("python3", "-c", ASK, url, check=False).returncode == 0, "the model")
    assert new == answer(systemd_host, url)

    moved = act(agent, "deployment_replace_model", 3, first, traffic="none")
    assert "moved_to_none" in moved["notes"]
    assert old == answer(systemd_host, url)
    assert systemd_host.enter("sh", "-c", HELD).stdout == ""

    back = act(agent, "deployment_replace_model", 4, second)
    assert "moved_to_systemd_socket" in back["notes"]
    stopped = act(agent, STOP, 5)
    assert "nothing listens on port" in stopped["message"]
    assert systemd_host.enter("sh", "-c", LEFT, check=False).stdout == ""


def test_processes_cannot_be_behind_a_socket_of_systemd(systemd_host, tmp_path):
    """The refusal says what to set."""
    agent = Agent(systemd_host, traffic="systemd_socket", supervision="process")
    outcome = agent.begin("deployment_launch", "refused", 1, models.command(tmp_path, 1).archive).outcome()
    assert (outcome["outcome"], outcome["cause"]) == ("failed", "dependency"), outcome
    assert "set supervision to systemd" in outcome["message"]
