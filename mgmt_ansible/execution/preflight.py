"""The preflight: looks at hosts as a run would find them, side by side, and gives advice with causes. It changes nothing."""

from __future__ import annotations

import secrets
import shlex
import string
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace

from mgmt_ansible import errors
from mgmt_ansible.domain.environments import EnvironmentBinding
from mgmt_ansible.domain.outcomes import Cause
from mgmt_ansible.domain.preflight import (
    Check,
    CheckName,
    CheckStatus,
    HostReport,
    complete,
    failed,
    ok,
    skipped,
    warning,
)
from mgmt_ansible.domain.redaction import redact
from mgmt_ansible.execution import preflight_scripts, ssh_options
from mgmt_ansible.execution.become_options import BecomeOptions, read_become
from mgmt_ansible.execution.host_keys import judge, known_kinds, read_known_hosts
from mgmt_ansible.execution.preflight_connections import PreflightConnection, RefusedError, SilentHostError
from mgmt_ansible.execution.preflight_keys import key_check
from mgmt_ansible.execution.preflight_sockets import Deadline, connect
from mgmt_ansible.execution.ssh_options import SshOptions, TemplateError

_MOST_THREADS = 32
_MESSAGE_LIMIT = 500
_EVIDENCE_LIMIT = 4_000
_OPENSSH = frozenset({"ssh", "smart", "ansible.builtin.ssh"})
_TRUE = frozenset({"true", "yes", "1", "on"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightRequest:
    """What one environment's preflight needs to know.

    Attributes:
        variables: Host -> variables of the inventory.
        settings: Of `ansible.cfg`; see `AnsibleInventory.settings`.
        environment: Variables that runs see.
        known_secrets: Taken out of every text.
        package_bytes: Size of the largest archive to come; 0 when none is known.
        seconds: For each host.
    """

    binding: EnvironmentBinding
    variables: Mapping[str, Mapping[str, object]]
    settings: Mapping[str, object]
    environment: Mapping[str, str]
    known_secrets: tuple[str, ...] = ()
    package_bytes: int = 0
    seconds: float = 10.0


def check_hosts(request: PreflightRequest, tell: Callable[[HostReport], None]) -> tuple[HostReport, ...]:
    """Look at hosts, at most 32 at a time, and return a report for each in the inventory's order.

    Args:
        request: Which hosts, and how they are reached.
        tell: Is called with each report as it comes, from this thread.
    """
    client = ssh_options.client_version(request.environment)
    reports: dict[str, HostReport] = {}
    with ThreadPoolExecutor(max_workers=min(_MOST_THREADS, max(1, len(request.variables)))) as threads:
        looks = [threads.submit(_HostCheck(request, host, client).report) for host in request.variables]
        for done in as_completed(looks):
            report = done.result()
            reports[report.host] = report
            tell(report)
    return tuple(reports[host] for host in request.variables)


def ssh_settings(settings: Mapping[str, object]) -> dict[str, object]:
    """Return the settings of Ansible's ssh connection, by their own names."""
    return {name.removeprefix("ssh."): value for name, value in settings.items() if name.startswith("ssh.")}


class _Stop(Exception):  # noqa: N818 - no error: the rest cannot be looked at
    """The rest cannot be looked at; the message says why."""


class _HostCheck:
    """Looks at one host, check by check, until one makes the rest pointless."""

    def __init__(self, request: PreflightRequest, host: str, client: str) -> None:
        self._request = request
        self._host = host
        self._client = client
        self._variables = request.variables[host]
        self._ssh_settings = ssh_settings(request.settings)
        self._found: list[Check] = []
        self._deadline = Deadline(0)
        self._word = "".join(secrets.choice(string.ascii_lowercase) for _ in range(20))

    def report(self) -> HostReport:
        """Look, and return everything that was found."""
        self._deadline = Deadline(self._request.seconds)
        reason = "not looked at"
        try:
            self._check_all()
        except (_Stop, TemplateError) as exc:
            reason = str(exc)
        except errors.ExecutionError as exc:
            self._found.append(warning(self._next_name(), f"could not be looked at: {exc}", ""))
        return HostReport(
            environment_id=self._request.binding.environment_id,
            host=self._host,
            checks=tuple(self._cleaned(check) for check in complete(self._found, reason)),
            seconds=round(self._deadline.passed, 3),
        )

    def _check_all(self) -> None:
        options = self._options()
        with self._reach(options) as connection:
            self._check_ssh(connection, options)
            self._check_auth(connection, options)
            self._check_terminal(connection)
            self._check_login(connection)
            self._check_work(connection)

    def _options(self) -> SshOptions:
        """Return what OpenSSH would do, unless another program would be asked, or a host in between."""
        connection = self._variables.get("ansible_connection", self._request.settings.get("DEFAULT_TRANSPORT"))
        if ssh_options.resolved("ansible_connection", connection) not in _OPENSSH:
            raise _Stop(f"the connection is {connection}: only ssh is looked at")
        try:
            options = ssh_options.ask_ssh(self._host, self._variables, self._ssh_settings, self._request.environment)
        except TemplateError:
            raise
        except errors.ExecutionError as exc:
            self._found.append(
                failed(CheckName.REACHABLE, Cause.UNREACHABLE, "OpenSSH does not take its options", str(exc))
            )
            raise _Stop("not looked at: there are no options to connect with") from exc
        if options.proxy:
            raise _Stop(f"{options.proxy} stands in between: only OpenSSH itself can go that way, and will in the run")
        return options

    def _reach(self, options: SshOptions) -> PreflightConnection:
        where = f"{options.hostname} port {options.port}"
        try:
            link = connect(options.hostname, options.port, options.address_family, self._deadline)
        except errors.ExecutionError as exc:
            message = f"nobody answers at {where}"
            self._found.append(
                failed(CheckName.REACHABLE, Cause.UNREACHABLE, message, str(exc), options.connect_command)
            )
            raise _Stop("not looked at: the host was not reached") from exc
        self._found.append(ok(CheckName.REACHABLE, f"{where} answers"))
        return PreflightConnection(link, options, self._deadline)

    def _check_ssh(self, connection: PreflightConnection, options: SshOptions) -> None:
        lines = read_known_hosts((*options.user_known_hosts, *options.global_known_hosts))
        try:
            key = connection.negotiate(known_kinds(options.key_names, lines))
        except SilentHostError as exc:
            message = "the port is open, but no usable SSH is behind it"
            command = f"ssh-keyscan -p {options.port} {shlex.quote(options.hostname)}"
            self._found.append(failed(CheckName.SSH, Cause.UNREACHABLE, message, str(exc), command))
            raise _Stop("not looked at: there is no SSH") from exc
        self._found.append(_versions_check(options, f"host {connection.banner}, here {self._client or 'unknown'}"))
        trust = f"mgmt-ansible host trust {self._request.binding.environment_id} {shlex.quote(self._host)}"
        check = key_check(key, judge(key, options.key_names, lines), options, trust_command=trust)
        self._found.append(check)
        if check.status is not CheckStatus.OK:
            raise _Stop("not looked at: nothing is sent to a host whose key is not certain")

    def _check_auth(self, connection: PreflightConnection, options: SshOptions) -> None:
        name, message = CheckName.AUTH, f"{options.user} does not get in"
        try:
            self._found.append(ok(name, f"{options.user} gets in {connection.authenticate()}"))
        except RefusedError as exc:
            proof = "; ".join((str(exc), *exc.untried))
            if options.certain and not exc.untried:
                self._found.append(failed(name, Cause.AUTH, message, proof, options.connect_command))
            else:
                message += " with what could be tried here; OpenSSH may know another way"
                self._found.append(warning(name, message, proof, options.connect_command))
            raise _Stop("not looked at: nobody got in") from exc

    def _check_terminal(self, connection: PreflightConnection) -> None:
        name, message = CheckName.TERMINAL, "the host ends sessions with a terminal"
        try:
            said = connection.run(f"printf '%s\\n' {self._word}", terminal=True).text
        except errors.ExecutionError as exc:
            said = str(exc)
        pipelining = ssh_options.setting("pipelining", self._variables, self._ssh_settings)
        if self._word in said:
            self._found.append(ok(name, "a session with a terminal lives"))
        elif str(pipelining).lower() in _TRUE:
            self._found.append(warning(name, f"{message}; pipelining is on, so that runs need none", said))
        else:
            command = "set pipelining = True below [ssh_connection] in ansible.cfg"
            self._found.append(failed(name, Cause.UNREACHABLE, f"{message}: turn pipelining on", said, command))

    def _check_login(self, connection: PreflightConnection) -> None:
        settings = self._request.settings
        python = self._variables.get("ansible_python_interpreter") or settings.get("INTERPRETER_PYTHON") or "auto"
        tmp = self._variables.get("ansible_remote_tmp") or settings.get("sh.remote_tmp") or "~/.ansible/tmp"
        is_given = not str(python).startswith("auto")
        pythons = [str(python)] if is_given else _pythons(settings)
        script = preflight_scripts.login_script(self._word, pythons=pythons, remote_tmp=str(tmp))
        began = time.time()
        facts = self._ask(connection, "/bin/sh -s", script, "login")
        checks = preflight_scripts.login_checks(facts, began=began, ended=time.time(), python_given=is_given)
        given = {CheckName.PYTHON: python, CheckName.REMOTE_TMP: tmp}
        self._found.extend(_unless_template(check, given.get(check.name)) for check in checks)

    def _check_work(self, connection: PreflightConnection) -> None:
        binding = self._request.binding
        become = read_become(binding, self._variables, self._request.settings)
        if become.unusable:
            raise _Stop(become.unusable)
        script = preflight_scripts.effective_script(self._word, base_dir=binding.base_dir)
        try:
            facts = self._ask(connection, become.command("/bin/sh -s"), script, "effective")
        except errors.ExecutionError as exc:
            if not become.wanted or self._deadline.left == 0:
                raise
            self._found.append(_become_refused(become, str(exc)))
            raise _Stop(f"not looked at: only {become.user} could") from exc
        user = f"{become.user} without a password"
        self._found.append(ok(CheckName.BECOME, user) if become.wanted else skipped(CheckName.BECOME, "become is off"))
        self._found.extend(
            preflight_scripts.effective_checks(
                facts,
                package_bytes=self._request.package_bytes,
                boot_start=binding.boot_start,
                supervision=binding.supervision,
            )
        )

    def _ask(
        self, connection: PreflightConnection, command: str, script: str, name: str
    ) -> preflight_scripts.HostFacts:
        """Run a script to its end.

        Raises:
            ExecutionError: It did not come to its end; the message is what the host said instead.
        """
        text = connection.run(command, script=script).text
        facts = preflight_scripts.read_facts(text, self._word)
        if not facts.ended(name):
            raise errors.ExecutionError(text.strip()[:_EVIDENCE_LIMIT] or "the host's shell said nothing")
        return facts

    def _next_name(self) -> CheckName:
        known = {check.name for check in self._found}
        return next(name for name in CheckName if name not in known)

    def _cleaned(self, check: Check) -> Check:
        evidence = tuple(replace(one, text=self._clean(one.text, _EVIDENCE_LIMIT)) for one in check.evidence)
        message = " ".join(self._clean(check.message, _MESSAGE_LIMIT).split())
        command = self._clean(check.next_command, _EVIDENCE_LIMIT)
        return replace(check, message=message, evidence=evidence, next_command=command)

    def _clean(self, text: str, limit: int) -> str:
        return redact(text, self._request.known_secrets, limit=limit).strip()


def _versions_check(options: SshOptions, versions: str) -> Check:
    forwarded = (("ForwardAgent", options.forward_agent), ("ForwardX11", options.forward_x11))
    words = [word for word, is_on in forwarded if is_on]
    if not words:
        return ok(CheckName.SSH, versions)
    message = f"{' and '.join(words)} on: a hostile host could use what is forwarded; {versions}"
    return warning(CheckName.SSH, message, "", f"set {' no, '.join(words)} no in ssh_config")


def _become_refused(become: BecomeOptions, said: str) -> Check:
    name = CheckName.BECOME
    if become.has_password:
        return warning(name, f"{become.user} needs the password, which is not tried here", said)
    command = f"allow it by visudo (NOPASSWD) or set become_password_file; on the host: {become.command('true')}"
    return failed(name, Cause.SUDO, f"no way to become {become.user} without a password", said, command)


def _pythons(settings: Mapping[str, object]) -> list[str]:
    found = settings.get("INTERPRETER_PYTHON_FALLBACK")
    return [str(one) for one in found] if isinstance(found, list) else ["/usr/bin/python3", "python3"]


def _unless_template(check: Check, value: object) -> Check:
    try:
        ssh_options.resolved(f"what {check.name} needs", value)
    except TemplateError as exc:
        return skipped(check.name, str(exc))
    return check
