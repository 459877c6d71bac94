"""What is known to be secret in an environment: learnt from its files and from Ansible itself."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.execution.known_secrets import KnownSecrets
from tests.integration.loopback_runs import ENVIRONMENT, make_installation

INSTALLATION = make_installation()


def ansible_vault(password: Path, *arguments: str) -> str:
    command = [str(INSTALLATION.executable("ansible-vault")), *arguments, "--vault-password-file", str(password)]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=INSTALLATION.environment).stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> EnvironmentBinding:
    """An inventory with a vaulted file, vaulted values, and passwords in files."""
    folder = tmp_path_factory.mktemp("inventory")
    password, become, beside = folder / "vault", folder / "become", folder / "group_vars" / "all"
    password.write_text("vault password 1\n")
    become.write_text("become password 2\n")
    beside.mkdir(parents=True)
    (folder / "hosts").write_text("h1 ansible_connection=local\n")
    (beside / "whole.yml").write_text("key_name: whole secret 3\nlist: [{deep: deep secret 4}, 80, true]\n")
    (beside / "other.yml").write_text("key_name: other secret 5\n")
    for name in ("whole.yml", "other.yml"):
        ansible_vault(password, "encrypt", str(beside / name))
    inline = ansible_vault(password, "encrypt_string", "inline secret 6\nits second line", "--name", "inline")
    (beside / "plain.yml").write_text(f"plain: not a secret\nnested:\n  {inline.replace(chr(10), chr(10) + '  ')}\n")
    return EnvironmentBinding(
        environment_id=ENVIRONMENT,
        inventory=folder / "hosts",
        vault_password_files=(password,),
        become_password_file=become,
    )


def secrets_of(binding: EnvironmentBinding, **inherited: str) -> tuple[str, ...]:
    return KnownSecrets(installation=INSTALLATION, inherited={**os.environ, **inherited}).of(binding)


def test_every_secret_of_an_inventory_is_known(site):
    """Password files, vaulted files and vaulted values; no key, no number, nothing that is not vaulted."""
    known = secrets_of(site)

    assert {
        "vault password 1",
        "become password 2",
        "whole secret 3",
        "deep secret 4",
        "other secret 5",
        "inline secret 6",
        "its second line",
    } <= set(known)
    assert set() == {"key_name", "80", "true", "not a secret"} & set(known)


def test_one_file_that_cannot_be_opened_hides_none_of_the_others(site, tmp_path):
    """A vault with another password is passed over."""
    other = tmp_path / "other"
    other.write_text("another password\n")
    foreign = Path(site.inventory).parent / "group_vars" / "all" / "foreign.yml"
    foreign.write_text("foreign: foreign secret 7\n")
    ansible_vault(other, "encrypt", str(foreign))
    try:
        known = secrets_of(site)
    finally:
        foreign.unlink()

    assert "whole secret 3" in known
    assert "foreign secret 7" not in known


def test_passed_variables_are_secret_but_for_short_ones_and_paths(site):
    """An allow-list may name tokens."""
    binding = replace(site, pass_environment=("TOKEN_IT_NEEDS", "FLAG", "PLACE", "ABSENT"), vault_password_files=())

    known = secrets_of(binding, TOKEN_IT_NEEDS="passed secret 8", FLAG="yes", PLACE="/run/user/socket")

    assert "passed secret 8" in known
    assert set() == {"yes", "/run/user/socket"} & set(known)


def test_a_changed_vault_is_read_again_and_an_unchanged_one_is_not(site, tmp_path):
    """Asking Ansible takes most of a second."""
    inventory = tmp_path / "hosts"
    inventory.write_text("h1\n")
    variables = tmp_path / "group_vars"
    variables.mkdir()
    binding = replace(site, inventory=inventory)
    book = KnownSecrets(installation=INSTALLATION, inherited=os.environ)
    before = book.of(binding)
    (variables / "all.yml").write_text("x: later secret 9\n")
    ansible_vault(Path(site.vault_password_files[0]), "encrypt", str(variables / "all.yml"))

    after = book.of(binding)
    (tmp_path / "vault-is-gone").write_text("no password of it\n")
    kept = book.of(replace(binding, vault_password_files=(tmp_path / "vault-is-gone",)))

    assert ("later secret 9" in before, "later secret 9" in after, "later secret 9" in kept) == (False, True, True)
