"""Names of runtimes: ours, and those that users add."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mgmt_ansible import errors
from mgmt_ansible.domain.capabilities import Capability, needed_for
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.wire import agent_v1
from tests.unit.agent.scripted import PACKAGE, make_spec


@pytest.mark.parametrize("runtime", ["onnx", "scorer", "a" * 32])
def test_a_package_may_have_a_runtime_that_a_user_added(runtime):
    """An agent of an older version is not handed it."""
    package = replace(PACKAGE, runtime=runtime)
    spec = make_spec(deployment=DeploymentTarget(id="d", label="D", generation=1, package=package))

    assert (runtime != "onnx") == (Capability.RUNTIMES in needed_for(spec))


@pytest.mark.parametrize("runtime", ["", "Onnx", "a" * 33, "on nx", "../x", "onnx\n"])
def test_what_is_no_name_of_a_runtime_is_refused(runtime):
    """Also when it comes over the wire."""
    with pytest.raises(ValueError, match="no name of a runtime"):
        replace(PACKAGE, runtime=runtime)
    body = agent_v1.to_json(
        agent_v1.ACTION_SPEC, make_spec(deployment=DeploymentTarget(id="d", label="D", generation=1, package=PACKAGE))
    )
    with pytest.raises(errors.InvalidRequestError, match="runtime"):
        agent_v1.parse_json(
            agent_v1.ACTION_SPEC, body.replace(b'"runtime":"onnx"', b'"runtime":' + json.dumps(runtime).encode())
        )
