"""The secrets of `selftest leaks`: a fresh one for every channel, planted where it belongs."""

from __future__ import annotations

import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.domain.redaction import secret_forms
from mgmt_ansible.execution.installations import Installation
from mgmt_ansible.quickstart.data_folder import DataFolder, write_private

PASSED_VARIABLE = "LEAK_CANARY_PASSED"
"""On the environment's allow-list; its value is a secret."""

_SEED_LINE = 4
"""Counted from 0, the frame included (source: OpenSSH, PROTOCOL.key)."""

_PLAYBOOK = """\
- name: Tell everything that a playbook can know
  hosts: all
  gather_facts: false
  vars:
    told:
      - "{{ leak_canary_file }}"
      - "{{ leak_canary_value }}"
      - "{{ lookup('env', 'LEAK_CANARY_PASSED') }}"
      - "{{ lookup('file', 'BECOME') }}"
      - "{{ lookup('file', 'VAULT') }}"
      - "{{ lookup('file', 'KEY') }}"
  tasks:
    - name: Tell {{ leak_canary_file }}
      ansible.builtin.debug:
        msg: "{{ told }} {{ told | to_json }} {{ told | map('b64encode') }} {{ told | map('urlencode') }}"
    - name: Fail with it
      ansible.builtin.fail:
        msg: "index https://user:{{ leak_canary_value }}@index.example/simple refused {{ told }}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One secret of one channel.

    Attributes:
        channel: For people, such as `vaulted value`.
        value: Never printed.
        belongs: Paths of the files in which it may stand.
    """

    channel: str
    value: str
    belongs: tuple[Path, ...] = ()

    @property
    def needles(self) -> tuple[bytes, ...]:
        """What is searched for: the value in every form, but only what cannot be there by chance."""
        return tuple(form.encode() for form in secret_forms([self.value]) if len(form) >= 16)  # noqa: PLR2004


class Planted:
    """The secrets that are made before anything starts; the other ones are read from where the programs put them.

    Attributes:
        agent_settings: For the environment in the agent's configuration.
        secrets: What was planted.
    """

    def __init__(self, folder: DataFolder, installation: Installation) -> None:
        """Plant; the folder is made already.

        Raises:
            QuickstartError: `ansible-vault` does not work here.
        """
        self._folder = folder
        self._installation = installation
        own = folder.root / "secrets"
        own.mkdir(mode=0o700)
        self._become, self._vault = own / "become", own / "vault"
        become, vault, whole, inline, passed = (make_canary() for _ in range(5))
        write_private(self._become, f"{become}\n")
        write_private(self._vault, f"{vault}\n")
        self._encrypt(whole, inline)
        self._write_playbook()
        os.environ[PASSED_VARIABLE] = passed
        self.agent_settings: dict[str, object] = {
            "become_password_file": str(self._become),
            "vault_password_files": [str(self._vault)],
            "pass_environment": [PASSED_VARIABLE],
            "content_path": str(folder.root / "content"),
        }
        self.secrets = (
            Secret(channel="become password", value=become, belongs=(self._become,)),
            Secret(channel="vault password", value=vault, belongs=(self._vault,)),
            Secret(channel="vaulted file", value=whole),
            Secret(channel="vaulted value", value=inline),
            Secret(channel="passed variable", value=passed),
        )

    def found_later(self) -> tuple[Secret, ...]:
        """Return the secrets that sshd, control plane and agent made for themselves; call it once all have started."""
        folder = self._folder
        admin, key, host_key = folder.control_plane / "admin.token", folder.sshd / "user_key", folder.sshd / "host_key"
        return (
            Secret(channel="user token", value=_read(admin), belongs=(admin, folder.client_file)),
            Secret(channel="agent token", value=_read(folder.agent_token), belongs=(folder.agent_token,)),
            Secret(channel="private key", value=_key_line(key), belongs=(key,)),
            Secret(channel="host's private key", value=_key_line(host_key), belongs=(host_key,)),
        )

    def _encrypt(self, whole: str, inline: str) -> None:
        variables = self._folder.sshd / "group_vars" / "all"
        variables.mkdir(parents=True, mode=0o700)
        self._folder.sshd.chmod(0o700)
        encrypted = self._ansible_vault(f"leak_canary_file: {whole}\n", "encrypt", "-", "--output", "-")
        (variables / "vault.yml").write_text(encrypted)
        value = self._ansible_vault(inline, "encrypt_string", "--stdin-name", "leak_canary_value")
        (variables / "plain.yml").write_text(value)

    def _ansible_vault(self, text: str, *arguments: str) -> str:
        command = [str(self._installation.executable("ansible-vault")), *arguments]
        done = subprocess.run(
            [*command, "--vault-password-file", str(self._vault)],
            input=text,
            env=self._installation.environment,
            cwd=self._folder.root,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise errors.QuickstartError(f"ansible-vault failed: {done.stderr.strip()[-500:]}")
        return done.stdout

    def _write_playbook(self) -> None:
        """Replace ours for a failing replacement: it tells whatever it can."""
        folder = self._folder.root / "content" / "playbooks"
        folder.mkdir(parents=True)
        places = {"BECOME": self._become, "VAULT": self._vault, "KEY": self._folder.sshd / "user_key"}
        text = _PLAYBOOK
        for word, path in places.items():
            text = text.replace(f"'{word}'", f"'{path}'")
        (folder / "deployment_replace_model.yml").write_text(text)


def make_canary() -> str:
    """Return a fresh secret."""
    return f"canary-{secrets.token_hex(16)}"


def _read(path: Path) -> str:
    return path.read_text().strip()


def _key_line(path: Path) -> str:
    """Return the line of an ed25519 key that holds its seed; the ones before it hold nothing but the public half."""
    return path.read_text().splitlines()[_SEED_LINE]
