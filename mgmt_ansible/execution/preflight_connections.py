"""An SSH connection of the preflight: paramiko without any policy of its own.

Nothing is sent to a host whose key was not accepted; no key is ever added, no agent or display forwarded, no password tried.
"""

from __future__ import annotations

import base64
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import paramiko
from paramiko.agent import AgentSSH
from paramiko.pkey import UnknownKeyType

from mgmt_ansible import errors
from mgmt_ansible.execution.host_keys import HostKey
from mgmt_ansible.execution.preflight_sockets import BoundedSocket, Deadline
from mgmt_ansible.execution.ssh_options import SshOptions

_MOST_OUTPUT_BYTES = 64 << 10
_MOST_KEYS = 5
"""sshd ends the connection at the sixth (`MaxAuthTries`)."""

_SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
"""Kind of key -> how hosts prove it, where that is not the same word."""


class SilentHostError(errors.ExecutionError):
    """The host accepts TCP, but no SSH came of it."""


class RefusedError(errors.ExecutionError):
    """The host takes none of the keys.

    Attributes:
        untried: Keys that could not be tried, each with the reason.
    """

    def __init__(self, message: str, untried: tuple[str, ...]) -> None:
        """State what was tried."""
        super().__init__(message)
        self.untried = untried


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command printed.

    Attributes:
        text: Both streams, at most 64 KiB.
        status: Exit status; -1 when the host gave none.
    """

    text: str
    status: int


class PreflightConnection:
    """One connection; also a context manager."""

    def __init__(self, link: BoundedSocket, options: SshOptions, deadline: Deadline) -> None:
        """Describe a connection; nothing happens before `negotiate`.

        Args:
            link: To the host; closed at the end.
            options: What OpenSSH would do.
            deadline: For everything.
        """
        logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else its threads write to standard error
        self._link = link
        self._options = options
        self._deadline = deadline
        self._transport: paramiko.Transport | None = None

    def __enter__(self) -> PreflightConnection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._transport is not None:
            self._transport.close()
        self._link.close()

    @property
    def _open(self) -> paramiko.Transport:
        if self._transport is None:
            raise errors.ExecutionError("negotiate first")
        return self._transport

    @property
    def banner(self) -> str:
        """What the host calls its SSH, such as `SSH-2.0-OpenSSH_9.2p1`."""
        return str(self._open.remote_version)[:255]

    def negotiate(self, kinds: tuple[str, ...]) -> HostKey:
        """Agree on keys with the host, and return the key that it proved to have.

        Args:
            kinds: Of keys that are known; the host is asked for them first.

        Raises:
            SilentHostError: No SSH came of it.
        """
        try:
            self._transport = paramiko.Transport(self._link)
            self._transport.banner_timeout = self._deadline.left
            _prefer(self._transport, kinds)
            self._transport.start_client(timeout=max(0.1, self._deadline.left))
            key = self._transport.get_remote_server_key()
        except (paramiko.SSHException, OSError, EOFError, ValueError, UnicodeError) as exc:
            raise SilentHostError(self._why_silent(exc)) from exc
        self._link.allow_more()
        return HostKey(kind=key.get_name(), blob=key.asbytes())

    def _why_silent(self, error: Exception) -> str:
        if self._link.overflowed:
            return f"it sent {self._link.received} bytes instead of agreeing on keys"
        if self._link.received == 0:
            return f"it accepted the connection and said nothing for {self._deadline.passed:.0f} s"
        return f"keys could not be agreed on: {_words(error)}"

    def authenticate(self) -> str:
        """Log in, and return how.

        Raises:
            RefusedError: The host takes none of the keys.
            ExecutionError: The time is over.
        """
        untried: list[str] = []
        tried: list[str] = []
        if self._attempt(None):
            return "without a key"
        for name, key in self._keys(untried):
            if len(tried) == _MOST_KEYS or not self._open.is_active():
                break
            if self._attempt(key):
                return f"with {name}"
            tried.append(name)
        raise RefusedError(f"refused: {', '.join(tried) or 'no key to try'}", tuple(untried))

    def _attempt(self, key: paramiko.PKey | None) -> bool:
        """Try a key, or none; whether the host is content then."""
        transport, user = self._open, self._options.user
        transport.auth_timeout = max(0.1, self._deadline.left)
        try:
            left = transport.auth_none(user) if key is None else transport.auth_publickey(user, key)
        except (paramiko.SSHException, OSError, EOFError, ValueError) as exc:
            if self._deadline.left == 0:
                raise errors.ExecutionError("the host did not answer in time") from exc
            return False
        return not left and transport.is_authenticated()

    def _keys(self, untried: list[str]) -> Iterator[tuple[str, paramiko.PKey]]:
        """Yield the keys that OpenSSH would offer: those of the agent where it is allowed, then those of files."""
        yield from self._agent_keys()
        for path in self._options.identity_files:
            try:
                if path.is_file():
                    yield str(path), paramiko.PKey.from_path(str(path))
            except paramiko.PasswordRequiredException:
                untried.append(f"{path}: it has a passphrase")
            except (TypeError, ValueError, OSError, paramiko.SSHException, UnknownKeyType) as exc:
                untried.append(f"{path}: {'it has a passphrase' if 'assword' in str(exc) else type(exc).__name__}")

    def _agent_keys(self) -> Iterator[tuple[str, paramiko.PKey]]:
        agent = _Agent(self._options.identity_agent) if self._options.identity_agent else None
        allowed = {_public_blob(path) for path in self._options.identity_files} - {b""}
        try:
            for key in agent.get_keys() if agent is not None else ():
                if not self._options.identities_only or key.asbytes() in allowed:
                    yield f"a {key.get_name()} key of the SSH agent", key
        finally:
            if agent is not None:
                agent.close()

    def run(self, command: str, *, script: str = "", terminal: bool = False) -> Answer:
        """Run a command.

        Args:
            command: For the login shell.
            script: For its standard input.
            terminal: Whether the session gets one.

        Raises:
            ExecutionError: The host opens no session, or breaks off.
        """
        try:
            channel = self._open.open_session(timeout=max(0.1, self._deadline.left))
        except (paramiko.SSHException, OSError, EOFError) as exc:
            raise errors.ExecutionError(f"no session: {_words(exc)}") from exc
        with channel, _told_apart():
            channel.settimeout(max(0.1, self._deadline.left))
            channel.set_combine_stderr(True)
            if terminal:
                channel.get_pty()
            channel.exec_command(command)
            broken = _send(channel, script)
            answer = self._read(channel)
            if broken is not None and not answer.text and answer.status < 0:
                raise broken
            return answer

    def _read(self, channel: paramiko.Channel) -> Answer:
        data = bytearray()
        while len(data) < _MOST_OUTPUT_BYTES:
            channel.settimeout(max(0.01, self._deadline.left))
            part = channel.recv(8_192)
            if not part:
                break
            data += part
        ended = channel.status_event.wait(min(1.0, self._deadline.left))
        text = bytes(data[:_MOST_OUTPUT_BYTES]).decode(errors="replace")
        return Answer(text=text, status=channel.exit_status if ended else -1)


def _send(channel: paramiko.Channel, script: str) -> OSError | None:
    """Give a command its standard input; return what broke that off, as one that ends at once still says why.

    Raises:
        TimeoutError: The time is over.
    """
    try:
        if script:
            channel.sendall(script.encode())
        channel.shutdown_write()
    except TimeoutError:
        raise
    except OSError as exc:
        return exc
    return None


@contextmanager
def _told_apart() -> Iterator[None]:
    """Say in one class of error that a session ended before its time."""
    try:
        yield
    except TimeoutError as exc:
        raise errors.ExecutionError("the host did not answer in time") from exc
    except (paramiko.SSHException, OSError, EOFError) as exc:
        raise errors.ExecutionError(f"the host broke off: {_words(exc)}") from exc


class _Agent(AgentSSH):
    """The SSH agent at a path; paramiko's own knows only that of a variable."""

    def __init__(self, path: str) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(2)
        with suppress(OSError, paramiko.SSHException):
            connection.connect(path)
            self._connect(connection)  # type: ignore[attr-defined] # untyped; what paramiko's own agent calls
            return
        connection.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        self._close()  # type: ignore[attr-defined] # as above


def _prefer(transport: paramiko.Transport, kinds: tuple[str, ...]) -> None:
    options = transport.get_security_options()
    wanted = [word for kind in kinds for word in _SIGNATURES.get(kind, (kind,)) if word in options.key_types]
    options.key_types = (*wanted, *(word for word in options.key_types if word not in wanted))


def _public_blob(path: Path) -> bytes:
    public = path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")
    try:
        return base64.b64decode(public.read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return b""


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
