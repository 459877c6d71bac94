"""What a host's key means for a run."""

from __future__ import annotations

import shlex

from mgmt_ansible.domain.outcomes import Cause
from mgmt_ansible.domain.preflight import Check, CheckName, failed, ok, skipped, warning
from mgmt_ansible.execution.host_keys import Finding, HostKey, Verdict
from mgmt_ansible.execution.ssh_options import SshOptions

_TOLERANT = frozenset({"accept-new", "no", "off"})
_NAME = CheckName.HOST_KEY


def key_check(key: HostKey, finding: Finding, options: SshOptions, *, trust_command: str) -> Check:
    """Return what a verdict about a host's key means; only with `ok` anything may be sent to the host.

    Args:
        key: That the host proved to have.
        finding: Of its known_hosts files.
        options: What OpenSSH would do.
        trust_command: What approves the key.
    """
    shown = f"{key.kind} {key.fingerprint}"
    match finding.verdict:
        case Verdict.KNOWN:
            return ok(_NAME, f"{shown}, as in {finding.lines[0].place}")
        case Verdict.CERTIFICATE:
            place = finding.lines[0].place
            return skipped(_NAME, f"{place} names an authority: OpenSSH itself will check the certificate in the run")
        case Verdict.REVOKED:
            return failed(
                _NAME, Cause.HOST_KEY, "the host's key is revoked", _places(shown, finding), "give it a new one"
            )
        case Verdict.CHANGED:
            message = "the host's key is another one than before: the host was set up anew, or it is not the host"
            return failed(_NAME, Cause.HOST_KEY, message, _places(shown, finding), removal(finding, options))
        case Verdict.UNKNOWN:
            return _unknown(shown, finding, options, trust_command)


def _unknown(shown: str, finding: Finding, options: SshOptions, trust_command: str) -> Check:
    if options.known_hosts_elsewhere:
        message = f"not in files, and only OpenSSH itself can ask {options.known_hosts_elsewhere}: it will in the run"
        return skipped(_NAME, message)
    if options.strict in _TOLERANT:
        message = f"the host's key is not known, and StrictHostKeyChecking {options.strict} takes any"
        return warning(_NAME, message, shown, trust_command)
    return failed(_NAME, Cause.HOST_KEY, "the host's key is not known", _places(shown, finding), trust_command)


def removal(finding: Finding, options: SshOptions) -> str:
    """Return the command that takes the lines of a finding out of their file."""
    path = shlex.quote(str(finding.lines[0].path))
    return f"ssh-keygen -f {path} -R {shlex.quote(options.key_names[0])}"


def _places(shown: str, finding: Finding) -> str:
    known = "".join(
        f"\n{line.place}: {f'{line.marker} ' if line.marker else ''}{line.key.kind} {line.key.fingerprint}"
        for line in finding.lines
    )
    return f"the host shows {shown}{known}"
