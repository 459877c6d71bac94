"""Inventories as users have them: Ansible itself reads each, and a run reaches the host it names."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from mgmt_ansible import errors
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.domain.outcomes import HostOutcome, Outcome
from mgmt_ansible.execution.inventories import AnsibleInventory, listed_hosts
from mgmt_ansible.quickstart.loopback import LoopbackHost
from tests.integration.loopback_runs import ENVIRONMENT, execute, make_content, make_installation, make_request

pytestmark = pytest.mark.ssh

PROVE = """
    - name: Prove
      ansible.builtin.import_role: {name: deployment}
      vars:
        deployment_action: deployment_status
        deployment_id: churn
        deployment_label: "{{ said | default('') }}"
        deployment_base_dir: BASE
"""


def bind(inventory: Path, **fields: object) -> EnvironmentBinding:
    return EnvironmentBinding(environment_id=ENVIRONMENT, inventory=inventory, **fields)  # type: ignore[arg-type]


def ask(binding: EnvironmentBinding, **inherited: str) -> AnsibleInventory:
    return AnsibleInventory(
        bindings={ENVIRONMENT: binding}, installation=make_installation(**inherited), inherited=inherited
    )


def names(binding: EnvironmentBinding) -> list[str]:
    return [host.name for host in ask(binding).resolve(ENVIRONMENT)]


def reach(binding: EnvironmentBinding, tmp_path: Path) -> HostOutcome:
    """Run the stand-in on the first host of the environment; the message says what its variables said."""
    content = make_content(tmp_path / "content", PROVE.replace("BASE", str(tmp_path)))
    name = names(binding)[0]
    return execute(binding, make_request(hosts=(name,)), content=content).hosts[name]


def ini(variables: dict[str, object]) -> str:
    return " ".join(f"{key}={shlex.quote(str(value))}" for key, value in variables.items())


def test_ini_with_ranges_and_groups(loopback: LoopbackHost, tmp_path):
    """`web[01:03]` is three hosts, in order; children are groups too."""
    inventory = tmp_path / "hosts"
    inventory.write_text(
        f"[web]\nweb[01:03] {ini(loopback.host_variables())}\n[db]\ndb1\n[serving:children]\nweb\n[web:vars]\nsaid=ini\n"
    )
    binding = bind(inventory, pattern="serving")

    assert ["web01", "web02", "web03"] == names(binding)
    assert [("serving", "web")] * 3 == [host.groups for host in ask(binding).snapshot(ENVIRONMENT)]
    assert "done: ini" == reach(binding, tmp_path).message


def test_yaml(loopback: LoopbackHost, tmp_path):
    """A YAML inventory with variables of hosts and groups."""
    inventory = tmp_path / "inventory.yml"
    hosts = {"app1": loopback.host_variables(), "app2": loopback.host_variables()}
    inventory.write_text(yaml.safe_dump({"apps": {"hosts": hosts, "vars": {"said": "yaml"}}}))
    binding = bind(inventory, pattern="apps:!app2")

    assert ["app1"] == names(binding)
    assert "done: yaml" == reach(binding, tmp_path).message


def test_executable_script(loopback: LoopbackHost, tmp_path):
    """A dynamic inventory is run by Ansible, with the variables that the allow-list lets through."""
    listed = {
        "serving": {"hosts": ["dynamic1"], "vars": {"said": "script"}},
        "_meta": {"hostvars": {"dynamic1": loopback.host_variables()}},
    }
    script = tmp_path / "inventory.py"
    script.write_text(f"#!{sys.executable}\nprint({json.dumps(json.dumps(listed))})\n")
    script.chmod(0o755)
    binding = bind(script, pattern="serving")

    assert ["dynamic1"] == names(binding)
    assert "done: script" == reach(binding, tmp_path).message


def test_directory_with_group_vars_and_a_vaulted_file(loopback: LoopbackHost, tmp_path):
    """group_vars beside the inventory count, the vault is opened by its password file, and its values stay there."""
    folder = tmp_path / "inventory"
    (folder / "group_vars" / "serving").mkdir(parents=True)
    (folder / "hosts.ini").write_text("[serving]\nvaulted1\n")
    (folder / "group_vars" / "serving" / "ansible.yml").write_text(yaml.safe_dump(loopback.host_variables()))
    secret = folder / "group_vars" / "serving" / "vault.yml"
    secret.write_text("said: opened\n")
    password = tmp_path / "vault-password"
    password.write_text("a long vault password\n")
    vault = Path(sys.executable).with_name("ansible-vault")
    subprocess.run([vault, "encrypt", "--vault-password-file", password, secret], check=True, capture_output=True)
    binding = bind(folder, vault_password_files=(password,))

    assert ["vaulted1"] == names(binding)
    assert "done: [redacted]" == reach(binding, tmp_path).message


def test_constructed_plugin(loopback: LoopbackHost, tmp_path):
    """Groups that a plugin constructs from variables can be the pattern."""
    folder = tmp_path / "inventory"
    folder.mkdir()
    hosts = {
        "one": {**loopback.host_variables(), "tier": "gold", "said": "constructed"},
        "two": {**loopback.host_variables(), "tier": "tin"},
    }
    (folder / "10-hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    (folder / "20-constructed.yml").write_text(
        "plugin: ansible.builtin.constructed\nstrict: true\nkeyed_groups:\n  - {key: tier, prefix: tier}\n"
    )
    binding = bind(folder, pattern="tier_gold")

    assert ["one"] == names(binding)
    assert "done: constructed" == reach(binding, tmp_path).message


def ssh_section(name: str, host: LoopbackHost, *, more: str = "") -> str:
    return f"""\
Host {name}
  HostName {host.address}
  Port {host.port}
  User {host.user}
  IdentityFile {host.user_key}
  IdentitiesOnly yes
  UserKnownHostsFile {host.known_hosts}
  StrictHostKeyChecking yes
  {more}
"""


def test_proxy_jump_through_a_second_host(loopback: LoopbackHost, tmp_path):
    """A host behind a jump host of the user's ssh_config is reached through it: the jump host's log proves it."""
    with LoopbackHost(tmp_path / "jump", name="jump", extra_config="AllowTcpForwarding yes") as jump:
        ssh_config = tmp_path / "ssh_config"
        ssh_config.write_text(ssh_section("jump", jump) + ssh_section("inner", loopback, more="ProxyJump jump"))
        variables = {
            "ansible_ssh_common_args": f"-F {ssh_config} -o ControlPath=none",
            "ansible_python_interpreter": sys.executable,
            "said": "jumped",
        }
        inventory = tmp_path / "inventory.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": {"inner": variables}}}))

        assert "done: jumped" == reach(bind(inventory), tmp_path).message
        assert "Accepted publickey" in jump.log_path.read_text()


def test_a_pattern_that_matches_nothing_is_an_empty_tuple(loopback: LoopbackHost, tmp_path):
    """No hosts is a value; the plan makes a failure of it."""
    assert [] == names(bind(loopback.inventory, pattern="nobody"))


@pytest.mark.parametrize("text", ["all:\n  hosts: [unclosed\n", "\x00\x01"])
def test_an_inventory_that_ansible_refuses_is_an_error_with_its_words(tmp_path, text):
    """An inventory with a mistake is not an empty one."""
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(text)

    with pytest.raises(errors.InventoryError, match=r"inventory|cannot be used"):
        names(bind(inventory))


def test_a_script_that_fails_is_an_error(tmp_path):
    """A dynamic inventory whose source is away must not look empty."""
    script = tmp_path / "inventory.sh"
    script.write_text("#!/bin/sh\necho the source is away >&2\nexit 3\n")
    script.chmod(0o755)

    with pytest.raises(errors.InventoryError, match="the source is away"):
        names(bind(script))


def test_a_host_whose_name_is_a_template_is_refused(tmp_path):
    """Names from a dynamic source are outside data."""
    script = tmp_path / "inventory.sh"
    script.write_text("""#!/bin/sh\necho '{"g": {"hosts": ["{{ lookup(1) }}"]}}'\n""")
    script.chmod(0o755)

    with pytest.raises(errors.InventoryError, match="cannot be used"):
        names(bind(script))


def test_hosts_run_what_they_are_asked(loopback: LoopbackHost, tmp_path):
    """The stand-in's result is `changed`, so that the tests above prove a real run."""
    assert Outcome.CHANGED == reach(replace(bind(loopback.inventory)), tmp_path).outcome


@pytest.mark.parametrize("text", ["", "hosts\n", "  hosts (2):\n    one\n", "  hosts (x):\n"])
def test_a_list_of_another_shape_is_refused(text):
    """A list that Ansible never prints is an error, not fewer hosts."""
    with pytest.raises(errors.InventoryError):
        listed_hosts(text)
