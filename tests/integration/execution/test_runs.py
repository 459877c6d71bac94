"""Runs on a real host: outcomes, what reaches Ansible, cancel and timeout."""

from __future__ import annotations

import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from mgmt_ansible import errors
from mgmt_ansible.adapters.worker_pools import ThreadWorkers
from mgmt_ansible.domain.actions import Claim
from mgmt_ansible.domain.deployments import DeploymentTarget
from mgmt_ansible.domain.environments import InventoryHost
from mgmt_ansible.domain.outcomes import Cause, Outcome
from mgmt_ansible.domain.runs import RunStatus
from mgmt_ansible.execution.installations import Installation
from mgmt_ansible.plugins.ansible import AnsiblePlugin
from mgmt_ansible.rendering.runs import render_run
from tests.integration.loopback_runs import (
    ENVIRONMENT,
    Cancel,
    Steps,
    execute,
    make_content,
    make_executor,
    make_request,
    make_spec,
    until,
)

pytestmark = pytest.mark.ssh

SHOW_ENVIRONMENT = """
    - name: Show what a local task sees
      ansible.builtin.command: {argv: [env]}
      delegate_to: localhost
      register: seen
    - name: Keep it
      ansible.builtin.copy: {content: "{{ seen.stdout }}", dest: "DEST", mode: "0600"}
"""


class FixedInventory:
    def resolve(self, environment_id: str) -> tuple[InventoryHost, ...]:
        return (InventoryHost(name="loopback"),)

    snapshot = resolve


def alive(pid: int) -> bool:
    try:
        return "Z" != Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return False


def holder(binding) -> Path:
    return Path(binding.base_dir) / "holder"


def perform(binding, spec, *, cancel=None):
    """Perform an action as the agent does, through plugin and workers."""
    workers = ThreadWorkers(make_executor(binding).execute, size=1)
    plugin = AnsiblePlugin(bindings={ENVIRONMENT: binding}, inventory=FixedInventory(), workers=workers)
    claim = Claim(spec=spec, attempt=1, expires_at=spec.requested_at, heartbeat_seconds=60)
    try:
        return plugin.perform(claim, plugin.plan(spec), Steps(), cancel or Cancel())[0][1]
    finally:
        workers.close()


def test_the_hosts_own_result_is_the_outcome(binding):
    """What the module on the host says comes back as a value."""
    spec = make_spec()
    request = render_run(spec, attempt=1, hosts=("loopback",), run_id="b" * 24, binding=binding)
    content = make_content(
        Path(binding.base_dir) / "content",
        "    - name: Do\n      import_role: {name: deployment}\n      vars:\n        deployment_action: x\n"
        f"        deployment_id: churn\n        deployment_label: Churn\n        deployment_base_dir: {binding.base_dir}\n",
        name="deployment_stop",
    )

    outcome = execute(binding, request, content=content)

    assert (RunStatus.SUCCESSFUL, Outcome.CHANGED) == (outcome.status, outcome.hosts["loopback"].outcome)
    assert outcome.ansible_version.startswith("2.")


def test_only_the_minimal_environment_reaches_ansible(binding, tmp_path):
    """The agent's own environment stays with the agent, but for the allow-list."""
    target = tmp_path / "seen"
    content = make_content(tmp_path / "content", SHOW_ENVIRONMENT.replace("DEST", str(target)))
    allowed = replace(binding, pass_environment=("ALLOWED_VARIABLE",))
    os.environ["LEAKED_VARIABLE"] = "leak"
    try:
        execute(allowed, make_request(), content=content, ALLOWED_VARIABLE="yes", OTHER_VARIABLE="no")
    finally:
        del os.environ["LEAKED_VARIABLE"]

    names = {line.partition("=")[0] for line in target.read_text().splitlines()}
    own = {name for name in names if not name.startswith(("ANSIBLE_", "AWX_", "RUNNER_", "ORIGINAL_"))}
    assert {"ALLOWED_VARIABLE"} == own - {
        "HOME", "USER", "LOGNAME", "PATH", "LANG", "LC_ALL", "LC_MESSAGES", "LC_CTYPE", "PYTHONUNBUFFERED",
        "PWD", "SHLVL", "_", "OLDPWD", "LINES", "COLUMNS", "TERM",
    }  # fmt: skip


def test_nothing_of_a_run_stays_on_disk(binding):
    """Variables, limit and artifacts are gone when the run is."""
    run_id = secrets.token_hex(12)

    execute(binding, make_request("deployment_launch", run_id=run_id))

    assert [] == [path for path in Path("/dev/shm").iterdir() if run_id in path.name]


def test_templates_in_event_fields_run_nowhere(binding, tmp_path):
    """Every text of an event is text, on the agent and on the host."""
    canary = tmp_path / "canary"
    hostile = "{{ lookup('pipe', 'touch " + str(canary) + "') }}{% set x = 1 %}"
    deployment = DeploymentTarget(id="churn", label=hostile, generation=1)
    spec = make_spec(environment_name=hostile, deployment=deployment, timeout_seconds=60.0)
    request = render_run(spec, attempt=1, hosts=("loopback",), run_id="b" * 24, binding=binding)

    outcome = execute(binding, replace(request, playbook="deployment_launch"))

    assert not canary.exists()
    assert f"done: {hostile}" == outcome.hosts["loopback"].message


def test_a_cancel_stops_the_remote_process(binding):
    """A killed ssh does not end the command behind it: the second exec does."""
    outcome = perform(binding, make_spec(), cancel=Cancel(holder(binding).exists))

    assert RunStatus.CANCELED == outcome.status
    assert (Outcome.UNKNOWN, Cause.CANCELED) == (outcome.hosts["loopback"].outcome, outcome.hosts["loopback"].cause)
    assert "the run was canceled; stopped on 1 hosts" == outcome.message
    assert not holder(binding).exists()


def test_a_timeout_stops_the_remote_process(binding):
    """Time over is a cancel by the clock."""
    seen: list[int] = []

    def remember() -> bool:
        if holder(binding).exists() and not seen:
            seen.append(int(holder(binding).read_text() or 0))
        return False

    outcome = perform(binding, make_spec(timeout_seconds=30.0), cancel=Cancel(remember))

    assert (RunStatus.TIMEOUT, Cause.TIMEOUT) == (outcome.status, outcome.hosts["loopback"].cause)
    until(lambda: not alive(seen[0]))


@pytest.mark.parametrize(("seconds", "status"), [(60.0, RunStatus.CANCELED), (30.0, RunStatus.TIMEOUT)])
def test_what_a_task_started_here_ends_with_its_run(binding, tmp_path, seconds, status):
    """Ansible's workers lead sessions of their own, which a signal to the process group does not reach."""
    place = tmp_path / "pid"
    content = make_content(
        tmp_path / "content",
        "    - name: Install\n      delegate_to: localhost\n      ansible.builtin.shell:\n"
        f"        cmd: echo $$ > {place}.new; mv {place}.new {place}; exec tail -f /dev/null\n",
    )
    cancel = Cancel(place.exists) if status is RunStatus.CANCELED else Cancel()

    outcome = execute(binding, make_request(timeout_seconds=seconds), content=content, cancel=cancel)

    assert status == outcome.status
    assert not alive(int(place.read_text()))


def test_several_runs_at_once_do_not_mix(binding):
    """Each run has its own directory, events and outcome."""

    def one(number: int) -> str:
        spec = make_spec(deployment=DeploymentTarget(id="churn", label=f"number {number}", generation=1))
        request = render_run(spec, attempt=1, hosts=("loopback",), run_id=f"{number:024x}", binding=binding)
        return execute(binding, replace(request, playbook="deployment_launch")).hosts["loopback"].message

    with ThreadPoolExecutor(3) as pool:
        messages = list(pool.map(one, range(3)))

    assert ["done: number 0", "done: number 1", "done: number 2"] == messages


def test_a_changed_host_key_is_unreachable_by_host_key(binding, loopback, tmp_path):
    """Host-key checking is on: a host that shows another key is not spoken to."""
    known = tmp_path / "known_hosts"
    kind, key = (loopback.user_key.with_suffix(".pub")).read_text().split()[:2]
    known.write_text(f"[{loopback.address}]:{loopback.port} {kind} {key}\n")
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(loopback.inventory.read_text().replace(str(loopback.known_hosts), str(known)))

    other = replace(binding, environment_id="c" * 24, inventory=inventory)  # connections of an environment are its own

    content = make_content(tmp_path / "content", "    - name: Reach\n      ansible.builtin.ping:\n")
    outcome = execute(other, make_request(environment_id="c" * 24), content=content)

    host = outcome.hosts["loopback"]
    assert (Outcome.UNREACHABLE, Cause.HOST_KEY) == (host.outcome, host.cause)


def test_a_missing_ansible_is_an_error_that_names_the_setting(binding, tmp_path):
    """An agent without Ansible says what to set."""
    with pytest.raises(errors.RunnerUnavailableError, match="ansible/bin_dir"):
        Installation(bin_dir=tmp_path, inherited={}).executable("ansible-playbook-of-nobody")


def test_the_users_own_playbook_and_roles_come_before_ours(binding, tmp_path):
    """A content path of the environment wins."""
    content = make_content(
        tmp_path / "content",
        "    - name: Theirs\n      ansible.builtin.fail: {msg: their own playbook}\n",
        name="deployment_launch",
    )

    outcome = execute(replace(binding, content_path=content), make_request("deployment_launch"))

    assert "task 'Theirs' failed: their own playbook" == outcome.hosts["loopback"].message


def test_a_host_name_that_is_a_pattern_is_refused(binding):
    """A limit holds names, never patterns."""
    with pytest.raises(errors.InventoryError, match=r"web\*"):
        execute(binding, make_request("deployment_launch", hosts=("web*",)))


def test_a_playbook_that_does_not_exist_is_named(binding):
    """The message says what is missing and where it was looked for."""
    with pytest.raises(errors.RenderError, match=r"no_such_playbook\.yml"):
        execute(binding, make_request("no_such_playbook"))


def test_an_unknown_host_key_does_not_ask_but_is_unreachable(binding, loopback, tmp_path):
    """Nobody sits at the agent's terminal: a host that was never approved fails at once, with its cause."""
    known = tmp_path / "known_hosts"
    known.touch()
    variables = {
        **loopback.host_variables(),
        "ansible_ssh_common_args": f"-F /dev/null -o UserKnownHostsFile={known} -o GlobalKnownHostsFile=/dev/null",
    }
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"loopback": variables}}}))
    other = replace(binding, environment_id="d" * 24, inventory=inventory)
    content = make_content(tmp_path / "content", "    - name: Reach\n      ansible.builtin.ping:\n")

    outcome = execute(other, make_request(environment_id="d" * 24, timeout_seconds=30.0), content=content)

    host = outcome.hosts["loopback"]
    assert (RunStatus.FAILED, Outcome.UNREACHABLE, Cause.HOST_KEY) == (outcome.status, host.outcome, host.cause)
    assert "" == known.read_text()
