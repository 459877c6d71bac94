"""How Ansible would call OpenSSH for a host, and what OpenSSH itself makes of it: `ssh -G`, never a parser of ours."""

from __future__ import annotations

import getpass
import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.domain.redaction import clean_text

_TIMEOUT_SECONDS = 10
_TEMPLATE = re.compile(r"\{\{|\{%|\{#")
_NAMES: Mapping[str, tuple[str, ...]] = {
    "host": ("ansible_ssh_host", "ansible_host"),
    "port": ("ansible_ssh_port", "ansible_port"),
    "remote_user": ("ansible_ssh_user", "ansible_user"),
    "private_key_file": ("ansible_ssh_private_key_file", "ansible_private_key_file"),
    "ssh_executable": ("ansible_ssh_executable",),
    "ssh_args": ("ansible_ssh_args",),
    "ssh_common_args": ("ansible_ssh_common_args",),
    "ssh_extra_args": ("ansible_ssh_extra_args",),
    "host_key_checking": ("ansible_ssh_host_key_checking", "ansible_host_key_checking"),
    "pipelining": ("ansible_ssh_pipelining", "ansible_pipelining"),
    "password": ("ansible_ssh_password", "ansible_ssh_pass", "ansible_password"),
}
"""Option of Ansible's ssh connection -> variables that set it; the later wins. Source: `ansible-doc -t connection ssh`."""


class TemplateError(errors.ExecutionError):
    """A variable still holds a template or a vaulted value; only a run resolves it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshOptions:
    """What OpenSSH would do for one host; sources: `ssh -G`, ssh_config(5).

    Attributes:
        original: The name that `ssh` is given.
        alias: `HostKeyAlias`, or empty.
        proxy: `ProxyJump` or `ProxyCommand` as words, or empty.
        identity_agent: Socket of the SSH agent that runs may use, or None.
        certain: False when OpenSSH can do what paramiko cannot try (passwords, Kerberos, PKCS#11); then a refusal proves
            nothing.
        strict: `yes`, `ask`, `accept-new`, `no` or `off`.
        known_hosts_elsewhere: The option that looks host keys up outside of files, or empty.
        connect_command: How a person does the same by hand.
    """

    original: str
    hostname: str
    port: int
    user: str
    address_family: str
    alias: str
    proxy: str
    identity_files: tuple[Path, ...]
    identities_only: bool
    identity_agent: str | None
    certain: bool
    user_known_hosts: tuple[Path, ...]
    global_known_hosts: tuple[Path, ...]
    known_hosts_elsewhere: str
    hash_known_hosts: bool
    strict: str
    forward_agent: bool
    forward_x11: bool
    connect_command: str

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names under which known_hosts may hold the host, the exact one first."""
        if self.alias:
            return (self.alias.lower(),)
        name = self.hostname.lower()
        return (name,) if self.port == 22 else (f"[{name}]:{self.port}", name)  # noqa: PLR2004 - the port of SSH


def setting(name: str, variables: Mapping[str, object], settings: Mapping[str, object]) -> object:
    """Return an option of Ansible's ssh connection.

    Args:
        name: Ansible's own, such as `ssh_common_args`.
        variables: Of the host.
        settings: Of `ansible.cfg`; a variable wins.

    Raises:
        TemplateError: The variable is not resolved.
    """
    found = settings.get(name)
    for variable in _NAMES[name]:
        if variable in variables:
            found = resolved(variable, variables[variable])
    return found


def resolved(name: str, value: object) -> object:
    """Return a variable's value.

    Raises:
        TemplateError: It still holds a template, or is vaulted.
    """
    if isinstance(value, Mapping) or (isinstance(value, str) and _TEMPLATE.search(value)):
        raise TemplateError(f"{name} holds a template or a vaulted value, which only a run resolves")
    return value


def ask_ssh(
    host: str, variables: Mapping[str, object], settings: Mapping[str, object], environment: Mapping[str, str]
) -> SshOptions:
    """Return what OpenSSH would do for a host of the inventory.

    Args:
        host: Inventory name.
        variables: Of the host.
        settings: Of Ansible's ssh connection, from `ansible.cfg`.
        environment: Of runs.

    Raises:
        TemplateError: A variable is not resolved.
        ExecutionError: OpenSSH is missing or refuses the options; the message is its own.
    """
    address = str(setting("host", variables, {}) or host)
    arguments = _arguments(variables, settings)
    executable = str(setting("ssh_executable", variables, settings) or "ssh")
    text = _call([executable, "-G", *arguments, "--", address], environment)
    has_password = any(variables.get(name) for name in _NAMES["password"]) or bool(settings.get("password"))
    command = shlex.join([executable, *arguments, address])
    return read_options(text, original=address, environment=environment, password=has_password, command=command)


def _arguments(variables: Mapping[str, object], settings: Mapping[str, object]) -> list[str]:
    """Return the options in Ansible's own order, where the first of several wins."""
    pairs = (("port", "Port"), ("private_key_file", "IdentityFile"), ("remote_user", "User"))
    values = [(option, setting(name, variables, settings)) for name, option in pairs]
    given = [f'-o{option}="{value}"' for option, value in values if value]
    if str(setting("host_key_checking", variables, settings)).lower() in ("false", "no", "0"):
        given.insert(0, "-oStrictHostKeyChecking=no")
    before = _split("ssh_args", variables, settings)
    return [
        *before,
        *given,
        *_split("ssh_common_args", variables, settings),
        *_split("ssh_extra_args", variables, settings),
    ]


def _split(name: str, variables: Mapping[str, object], settings: Mapping[str, object]) -> list[str]:
    try:
        return shlex.split(str(setting(name, variables, settings) or ""))
    except ValueError as exc:
        raise errors.ExecutionError(f"{name} cannot be split into words: {exc}") from exc


def _call(command: list[str], environment: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise errors.ExecutionError(f"{command[0]} -G does not answer: {exc}") from exc
    if done.returncode != 0:
        raise errors.ExecutionError(f"{command[0]} refuses its options: {clean_text(done.stderr.strip(), limit=1_000)}")
    return done.stdout


def client_version(environment: Mapping[str, str], executable: str = "ssh") -> str:
    """Return what `ssh -V` says, such as `OpenSSH_10.4p1 Debian-1, OpenSSL 3.5.0`; empty when it says nothing."""
    try:
        done = subprocess.run(
            [executable, "-V"], env=environment, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return clean_text((done.stderr or done.stdout).strip(), limit=200)


def read_options(
    text: str, *, original: str, environment: Mapping[str, str], password: bool, command: str
) -> SshOptions:
    """Return what `ssh -G` printed.

    Args:
        text: Its output: a lower-case keyword and a value a line.
        original: The name that it was given.
        environment: Of runs.
        password: Whether Ansible knows a password for the host.
        command: See `SshOptions.connect_command`.

    Raises:
        ExecutionError: The text is not of `ssh -G`.
    """
    read = _Read(text, original, environment)
    others = (read.word("gssapiauthentication") == "yes", read.is_set("pkcs11provider"), password)
    elsewhere = [name for name in ("knownhostscommand", "revokedhostkeys") if read.is_set(name)]
    dns = ["verifyhostkeydns"] if read.word("verifyhostkeydns") == "yes" else []
    return SshOptions(
        original=original,
        hostname=read.word("hostname"),
        port=read.port,
        user=read.word("user"),
        address_family=read.word("addressfamily"),
        alias=read.word("hostkeyalias") if read.is_set("hostkeyalias") else "",
        proxy=read.proxy,
        identity_files=read.paths("identityfile"),
        identities_only=read.word("identitiesonly") == "yes",
        identity_agent=read.agent,
        certain=not any(others),
        user_known_hosts=read.files("userknownhostsfile"),
        global_known_hosts=read.files("globalknownhostsfile"),
        known_hosts_elsewhere=", ".join([*elsewhere, *dns]),
        hash_known_hosts=read.word("hashknownhosts") == "yes",
        strict={"true": "yes", "false": "no", "": "ask"}.get(
            read.word("stricthostkeychecking"), read.word("stricthostkeychecking")
        ),
        forward_agent=read.word("forwardagent") not in ("no", ""),
        forward_x11=read.word("forwardx11") == "yes",
        connect_command=command,
    )


class _Read:
    """The lines of `ssh -G`, with the tokens of ssh_config(5) filled in."""

    def __init__(self, text: str, original: str, environment: Mapping[str, str]) -> None:
        self._values: dict[str, list[str]] = {}
        for line in text.splitlines():
            name, _, value = line.partition(" ")
            self._values.setdefault(name.lower(), []).append(value.strip())
        if "hostname" not in self._values or "port" not in self._values:
            raise errors.ExecutionError("ssh -G printed no host name and port")
        self._environment = environment
        self._home = environment.get("HOME") or str(Path.home())
        self._tokens = {
            "%%": "%",
            "%d": self._home,
            "%h": self.word("hostname"),
            "%n": original,
            "%p": self.word("port"),
            "%r": self.word("user"),
            "%u": getpass.getuser(),
        }

    def word(self, name: str) -> str:
        return self._values.get(name, [""])[0]

    def is_set(self, name: str) -> bool:
        return self.word(name).lower() not in ("", "none", "internal")

    @property
    def port(self) -> int:
        return int(self.word("port"))

    @property
    def proxy(self) -> str:
        for name, words in (("proxyjump", "ProxyJump"), ("proxycommand", "ProxyCommand")):
            if self.is_set(name):
                return f"{words} {self.word(name)}"
        return ""

    @property
    def agent(self) -> str | None:
        """`IdentityAgent` wins over the variable, which runs see only when the environment passes it."""
        named = self.word("identityagent")
        if named.lower() == "none":
            return None
        if named and named != "SSH_AUTH_SOCK":
            expanded = self._expand(named)
            return self._environment.get(named[1:]) if named.startswith("$") else expanded
        return self._environment.get("SSH_AUTH_SOCK")

    def paths(self, name: str) -> tuple[Path, ...]:
        expanded = (self._expand(value) for value in self._values.get(name, ()) if value.lower() != "none")
        return tuple(dict.fromkeys(Path(value) for value in expanded if value is not None))

    def files(self, name: str) -> tuple[Path, ...]:
        """Return the paths of a line that holds several; one with blanks is recognised when it exists."""
        whole = self.word(name)
        parts = [whole] if Path(self._expand(whole) or whole).exists() else whole.split()
        expanded = (self._expand(part) for part in parts if part.lower() != "none")
        return tuple(Path(value) for value in expanded if value is not None)

    def _expand(self, value: str) -> str | None:
        """Return a path with `~` and tokens filled in; None when it holds one that is not known here."""
        parts = re.split(r"(%.)", value)
        if any(part.startswith("%") and part not in self._tokens for part in parts):
            return None
        filled = "".join(self._tokens.get(part, part) for part in parts)
        return f"{self._home}/{filled[2:]}" if filled.startswith("~/") else filled
