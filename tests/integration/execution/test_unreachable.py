"""Hosts that never answer: a loopback port that takes no more connections stands for a black hole."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest
import yaml

from mgmt_ansible.domain.outcomes import Cause, Outcome
from mgmt_ansible.domain.runs import RunStatus
from tests.integration.loopback_runs import execute, make_content, make_request

pytestmark = pytest.mark.ssh


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port whose queue is full: further connections get no answer at all."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
        for one in waiting:
            one.close()


def test_a_host_that_never_answers_ends_in_time_and_blocks_no_other(binding, loopback, black_hole, tmp_path):
    """It is unreachable before the run's minute is over; the host beside it did its work."""
    silent = {**loopback.host_variables(), "ansible_port": black_hole}
    inventory = tmp_path / "inventory.yml"
    hosts = {"loopback": loopback.host_variables(), "silent": silent}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    content = make_content(
        tmp_path / "content",
        "    - name: Do\n      import_role: {name: deployment}\n      vars:\n        deployment_action: x\n"
        f"        deployment_id: churn\n        deployment_label: Churn\n        deployment_base_dir: {binding.base_dir}\n",
    )
    request = make_request(hosts=("loopback", "silent"), timeout_seconds=60.0)

    outcome = execute(replace(binding, inventory=inventory), request, content=content)

    assert RunStatus.FAILED == outcome.status
    assert [(Outcome.CHANGED, None), (Outcome.UNREACHABLE, Cause.UNREACHABLE)] == [
        (host.outcome, host.cause) for host in outcome.hosts.values()
    ]
