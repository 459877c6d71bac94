"""Rendering: exact values, and no text that Ansible could read as a template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible import errors
from mgmt_ansible.domain.actions import ActionType
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.domain.run_parameters import RunParameter
from mgmt_ansible.domain.runs import RunRequest
from mgmt_ansible.domain.runtime_rows import RuntimeRow
from mgmt_ansible.rendering.runs import render_cancel, render_look, render_run
from mgmt_ansible.rendering.unsafe import wrap_unsafe
from tests.unit.agent.scripted import ENVIRONMENT, PACKAGE, make_spec

BINDING = EnvironmentBinding(environment_id=ENVIRONMENT, inventory=PurePath("/etc/ansible/hosts"))


def render(spec=None, *, binding=BINDING, render=render_run, hosts=("h1", "h2")) -> RunRequest:
    return render(spec or make_spec(), attempt=2, hosts=hosts, run_id="b" * 24, binding=binding)


def strings(value: object) -> Iterator[str]:
    """Every string that is not the value of the unsafe mark."""
    match value:
        case str():
            yield value
        case {"__ansible_unsafe": str()}:
            return
        case Mapping():
            for item in value.values():
                yield from strings(item)
        case list():
            for item in value:
                yield from strings(item)


def unwrap_unsafe(value: object) -> object:
    """Return the value that `wrap_unsafe` was given, with lists for sequences."""
    match value:
        case {"__ansible_unsafe": str(text), **others} if not others:
            return text
        case Mapping():
            return {key: unwrap_unsafe(item) for key, item in value.items()}
        case list():
            return [unwrap_unsafe(item) for item in value]
        case _:
            return value


def test_a_launch_is_this_request():
    """The whole value, as the host contract has it."""
    request = render()

    assert {
        "mgmt_event": {
            "schema": 1,
            "action": "deployment_launch",
            "action_id": "a" * 24,
            "attempt": 2,
            "environment": {"id": ENVIRONMENT, "name": "test"},
            "deployment": {"id": "churn", "label": "Churn", "generation": 1, "port": None},
            "package": {
                "id": "c" * 24,
                "name": "churn",
                "version": "1",
                "digest": "d" * 64,
                "archive_sha256": "f" * 64,
                "archive_bytes": 10,
                "runtime": "onnx",
            },
            "deployments": [],
            "settings": {
                "base_dir": "",
                "bind_address": "0.0.0.0",
                "traffic": "auto",
                "drain_timeout_seconds": 30.0,
                "boot_start": True,
                "supervision": "auto",
                "container_engine": "auto",
                "secret_files": [],
                "pip_arguments": [],
                "wheelhouse": False,
                "runtime_row": None,
                "runtime_role": "",
                "minimum_healthy_seconds": 0.0,
                "ready_timeout_seconds": 60.0,
                "stop_timeout_seconds": 10.0,
            },
            "key_values": [],
        }
    } == unwrap_unsafe(request.variables)
    assert ("deployment_launch", ("h1", "h2"), "f" * 64) == (request.playbook, request.hosts, request.archive_digest)


def test_a_secret_travels_as_a_name_and_a_path():
    """A list, as names are no keys of the schema; both are data."""
    request = render(binding=replace(BINDING, secret_files={"API_KEY": "/etc/{{ x }}"}))
    settings = request.variables["mgmt_event"]["settings"]

    assert [{"name": "API_KEY", "path": "/etc/{{ x }}"}] == unwrap_unsafe(settings["secret_files"])


def test_a_text_is_marked_unsafe():
    """The mark that Ansible's JSON loader knows."""
    assert {"a": [{"__ansible_unsafe": "{{ x }}"}, 1, None, True]} == wrap_unsafe({"a": ["{{ x }}", 1, None, True]})


def test_key_values_are_data():
    """Names and values are marked like any text; they stand nowhere else, neither as keys nor in settings."""
    told = (RunParameter(name="{{ x }}", value="{% y %}"), RunParameter(name="n", value=3.0))
    variables = render(make_spec(key_values=told)).variables
    without = render(make_spec()).variables

    assert [
        {"name": {"__ansible_unsafe": "{{ x }}"}, "value": {"__ansible_unsafe": "{% y %}"}},
        {"name": {"__ansible_unsafe": "n"}, "value": 3.0},
    ] == variables["mgmt_event"].pop("key_values")
    assert [] == without["mgmt_event"].pop("key_values")
    assert without == variables


def test_a_status_names_every_deployment_to_look_at():
    """One run looks at all deployments of an environment."""
    targets = (
        DeploymentTarget(id="one", label="One", generation=3, package=PACKAGE),
        DeploymentTarget(id="two", label="Two", generation=4),
    )
    request = render(make_spec(ActionType.ENVIRONMENT_STATUS, deployment=None, deployments=targets))

    assert [
        {"id": "one", "generation": 3, "digest": "d" * 64, "attempt": 0, "wait_seconds": 0.0},
        {"id": "two", "generation": 4, "digest": None, "attempt": 0, "wait_seconds": 0.0},
    ] == unwrap_unsafe(request.variables)["mgmt_event"]["deployments"]
    assert request.archive_digest is None


def test_a_deployments_status_looks_at_that_deployment():
    """Without a list, the action's own deployment is meant."""
    event = unwrap_unsafe(render(make_spec(ActionType.DEPLOYMENT_STATUS)).variables)["mgmt_event"]

    assert ["churn"] == [deployment["id"] for deployment in event["deployments"]]


def test_a_cancel_keeps_attempt_and_deployment_but_needs_no_package():
    """The second exec stops the holder of this very attempt."""
    request = render(render=render_cancel)
    event = unwrap_unsafe(request.variables)["mgmt_event"]

    assert ("deployment_cancel", "deployment_cancel", 2) == (request.playbook, event["action"], event["attempt"])
    assert request.archive_digest is None


def test_looks_and_cancels_have_time_for_every_batch_of_forks():
    """200 hosts, 50 at a time, are asked in four batches; a cancel may have to start the old model again."""
    hosts = tuple(f"h{number}" for number in range(200))

    look = render(render=partial(render_look, wait_seconds=20.0), hosts=hosts)
    cancel = render(render=render_cancel, hosts=hosts)

    assert (60 + 4 * 25, 60 + 4 * (30 + 30 + 60)) == (look.timeout_seconds, cancel.timeout_seconds)


def test_the_same_action_rendered_again_has_the_same_hash():
    """`run export` compares hashes; the run's own id is no part of it."""
    again = render_run(make_spec(), attempt=2, hosts=("h1", "h2"), run_id="9" * 24, binding=BINDING)

    assert render().hash == again.hash


def test_another_base_directory_has_another_hash():
    """What the hosts are told is part of the hash."""
    assert render().hash != render(binding=replace(BINDING, base_dir="/srv/other")).hash


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (make_spec(environment_id="0" * 24), "is not"),
        (make_spec(deployment=None), "needs a deployment"),
        (make_spec(deployment=DeploymentTarget(id="x", label="x", generation=1)), "needs a model package"),
        (make_spec(environment_name="\ud800"), "mgmt_event/environment/name: the text is not valid Unicode"),
    ],
)
def test_an_action_that_cannot_be_rendered_says_what_is_missing(spec, message):
    """Refused before anything is executed."""
    with pytest.raises(errors.RenderError, match=message):
        render(spec)


def test_no_hosts_are_no_run():
    """A limit of nobody would be a limit of nothing."""
    with pytest.raises(errors.RenderError, match="at least one host"):
        render(hosts=())


@pytest.mark.parametrize("key", ["{{ x }}", "Upper", "", "a b", 1])
def test_a_key_that_is_not_of_the_schema_is_refused(key):
    """Keys are never marked, so they are never from outside."""
    with pytest.raises(errors.RenderError, match="is not a key"):
        wrap_unsafe({key: "x"})


TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]))


@given(label=TEXT, name=TEXT, version=TEXT, environment=TEXT, port=st.none() | st.integers(1, 65_535))
def test_no_bare_string_reaches_ansible(label, name, version, environment, port):
    """Whatever the texts are, all of them are marked, and unmarking gives them back."""
    package = replace(PACKAGE, name=name, version=version)
    deployment = DeploymentTarget(id="churn", label=label, generation=1, package=package, port=port)
    request = render(make_spec(environment_name=environment, deployment=deployment))

    assert [] == list(strings(request.variables))
    assert label == unwrap_unsafe(request.variables)["mgmt_event"]["deployment"]["label"]


def test_a_dry_run_is_the_changes_own_run_in_check_mode():
    """The same playbook, variables and package; nothing else tells the host."""
    change = make_spec(type=ActionType.DEPLOYMENT_ROLLBACK)
    dry = replace(change, type=ActionType.DEPLOYMENT_DRY_RUN, would=ActionType.DEPLOYMENT_ROLLBACK)

    assert replace(render(change), check=True) == render(dry)


def test_a_dry_run_of_a_look_is_refused():
    """A look changes nothing anyway."""
    dry = make_spec(type=ActionType.DEPLOYMENT_DRY_RUN, would=ActionType.DEPLOYMENT_STATUS)

    with pytest.raises(errors.RenderError, match="a change that it tells of"):
        render(dry)


def test_the_row_of_a_runtime_that_a_user_added_travels_as_data():
    """Of the agent's own configuration, every text of it marked; of the package's runtime alone."""
    start = ("scorer", "{{ x }}", "{port}")
    mine = RuntimeRow(name="scorer", start=start, health_path="/h", environment=(("A", "{{ y }}"),), role="scorer")
    other = RuntimeRow(name="other", start=("other",), health_path="/h")
    binding = replace(BINDING, runtimes=("scorer",), runtime_rows=(other, mine))
    deployment = DeploymentTarget(
        id="churn", label="Churn", generation=1, package=replace(PACKAGE, runtime="scorer"), port=None
    )
    spec = make_spec(deployment=deployment)
    settings = render_run(spec, attempt=1, hosts=("h1",), run_id="b" * 24, binding=binding).variables["mgmt_event"][
        "settings"
    ]

    assert {"__ansible_unsafe": "{{ x }}"} == settings["runtime_row"]["start"][1]
    assert mine.to_event() == retupled(unwrap_unsafe(settings["runtime_row"]))
    assert "scorer" == unwrap_unsafe(settings["runtime_role"])


def retupled(value):
    """Return a JSON value with tuples for lists."""
    if isinstance(value, list):
        return tuple(retupled(one) for one in value)
    return {key: retupled(one) for key, one in value.items()} if isinstance(value, dict) else value
