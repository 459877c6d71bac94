"""A TCP connection to a host that may be hostile: with a deadline and a limit on what it may send."""

from __future__ import annotations

import socket
import time

from mgmt_ansible import errors

_BEFORE_KEYS_BYTES = 64 << 10
"""Enough for version, banner lines and key exchange; paramiko reads them with quadratic cost."""

_AFTER_KEYS_BYTES = 4 << 20
_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}


class Deadline:
    """A moment of the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        """Start now.

        Args:
            seconds: From now.
        """
        self.seconds = seconds
        self._started = time.monotonic()

    @property
    def passed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def left(self) -> float:
        """Seconds until the deadline; never negative."""
        return max(0.0, self.seconds - self.passed)


class BoundedSocket(socket.socket):
    """A connected socket that ends when the deadline has passed or the host has sent too much.

    Attributes:
        received: Bytes so far.
        overflowed: Whether the host sent more than it may.
    """

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        """Take over a connection.

        Args:
            connection: Connected; must not be used any more.
            deadline: For everything.
        """
        super().__init__(connection.family, connection.type, connection.proto, fileno=connection.detach())
        self._deadline = deadline
        self._allowed = _BEFORE_KEYS_BYTES
        self.received = 0
        self.overflowed = False

    def allow_more(self) -> None:
        """Let the host send as much as its answers may need, once its key is known."""
        self._allowed = _AFTER_KEYS_BYTES

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Return what came; nothing, which means the end, after the deadline or too much."""
        if self.received >= self._allowed:
            self.overflowed = True
        if self.overflowed or self._deadline.left == 0:
            return b""
        data = super().recv(bufsize, flags)
        self.received += len(data)
        return data


def connect(hostname: str, port: int, family: str, deadline: Deadline) -> BoundedSocket:
    """Connect by TCP; looking the name up takes as long as this machine's resolver lets it.

    Args:
        hostname: Name or address.
        port: TCP port.
        family: `AddressFamily` of ssh_config(5).
        deadline: For connecting and everything after.

    Raises:
        ExecutionError: Nobody answers; the message says why.
    """
    try:
        found = socket.getaddrinfo(hostname, port, _FAMILIES.get(family, socket.AF_UNSPEC), socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise errors.ExecutionError(f"{hostname} has no address: {exc}") from exc
    refused: list[str] = []
    for kind, _, protocol, _, address in found:
        try:
            return BoundedSocket(_connect_one(kind, protocol, address, deadline), deadline)
        except OSError as exc:
            refused.append(f"{address[0]} port {port}: {exc}")
    raise errors.ExecutionError("; ".join(refused))


def _connect_one(kind: int, protocol: int, address: tuple[object, ...], deadline: Deadline) -> socket.socket:
    connection = socket.socket(kind, socket.SOCK_STREAM, protocol)
    try:
        connection.settimeout(deadline.left or 0.001)
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection
