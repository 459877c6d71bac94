"""Gates over hostile packages and answers, and who listens."""

from __future__ import annotations

import os
import socket

import pytest
from mgmt_host import gates, ports


@pytest.mark.parametrize("expect", [{"p": [0.1]}, [1], "p", {"p": None}, {"p": {"data": [1], "tolerance": "x"}}])
def test_a_malformed_expectation_is_a_fault_of_the_package(expect):
    """Artifact, not a traceback."""
    with pytest.raises(gates.HostError) as failure:
        gates.find_mismatch({"outputs": [{"name": "p", "data": [1]}]}, expect)
    assert "artifact" == failure.value.cause


def test_a_number_beyond_floats_is_a_mismatch():
    """A lying server may say anything."""
    answer = {"outputs": [{"name": "p", "data": [10**400]}]}

    assert "output p[0]" in gates.find_mismatch(answer, {"p": {"data": [1.0]}})


def test_the_kernel_tells_whether_a_process_listens():
    """Ours does, another does not, and nobody is unknown."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        seen = ports.listens(os.getpid(), port), ports.listens(os.getppid(), port)

    assert (True, False) == seen
    assert ports.listens(os.getpid(), port) is None


@pytest.mark.parametrize("address", ["::1", "::"])
def test_a_model_is_served_over_ipv6(host, address):
    """Probes, port choice and URL know both families."""
    result = host.act("deployment_launch", 1, host.package(), bind_address=address)

    assert "changed" == result["outcome"], result["message"]
    assert result["identity"]["url"].startswith("http://[::1]:")
