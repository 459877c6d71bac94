"""The guard: what the process that sends may not do, whatever a library in it tries.

An audit hook of the interpreter (PEP 578) is asked before each connection is made, with the numeric address that is really connected
to, so that neither another spelling, nor a redirect, nor a name that resolves differently the second time gets around it. Programs
are never started, files never written, and read only where Python and its certificates lie. A hook cannot be taken away again, which
is why this is a process of its own.
"""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Iterable
from pathlib import Path

from mgmt_ansible.domain.reachable import Network, is_reachable

_CONNECTIONS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_PROGRAMS = frozenset(
    {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "pty.spawn"}
)
_CHANGES = frozenset(
    {"os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate"}
)
_REFUSED = (
    frozenset({"ctypes.dlopen", "ctypes.dlsym", "socket.bind", "subprocess.Popen", "sys.addaudithook"})
    | _PROGRAMS
    | _CHANGES
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_SYSTEM_FILES = ("/etc/hosts", "/etc/localtime", "/etc/mime.types", "/etc/resolv.conf", "/usr/share/zoneinfo")
_ADDRESS_PARTS = (2, 4)


class RefusedError(PermissionError):
    """Something that this process may not do; the message says what would allow it."""


def install(networks: Iterable[Network]) -> list[str]:
    """Refuse from now on, for as long as the process lives, all but connections to public addresses and to these networks.

    Returns:
        What was refused, in sentences: a list that grows, as libraries keep such errors for themselves.
    """
    allowed = tuple(networks)
    readable = _readable_places()
    refused: list[str] = []

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        try:
            if event in _CONNECTIONS:
                _check_connection(arguments[1], allowed)
            elif event == "open":
                _check_open(arguments, readable)
            elif event in _REFUSED:
                _refuse(event)
        except RefusedError as exc:
            refused.append(str(exc))
            raise

    sys.addaudithook(watch)
    return refused


def _refuse(event: str) -> None:
    raise RefusedError(f"{event} is not allowed where notifications are sent")


def _check_connection(address: object, allowed: tuple[Network, ...]) -> None:
    host = address[0] if isinstance(address, tuple) and len(address) in _ADDRESS_PARTS else None
    if not isinstance(host, str) or not is_reachable(host, allowed):
        shown = host if isinstance(host, str) else "a local socket"
        raise RefusedError(
            f"the address {shown} is not public: an administrator can open its network by the setting notifications/allowed_networks"
        )


def _check_open(arguments: tuple[object, ...], readable: tuple[str, ...]) -> None:
    path, _, flags = arguments
    if isinstance(path, int):
        return
    if isinstance(flags, int) and flags & _WRITING:
        raise RefusedError("no file is written where notifications are sent")
    place = os.path.realpath(os.fsdecode(path)) if isinstance(path, str | bytes | os.PathLike) else ""
    if not any(place == one or place.startswith(one + os.sep) for one in readable):
        raise RefusedError("no file of the user is read where notifications are sent")


def _readable_places() -> tuple[str, ...]:
    """Return where Python, its libraries and the certificates lie."""
    paths = ssl.get_default_verify_paths()
    certificates = (paths.cafile, paths.capath, paths.openssl_cafile, paths.openssl_capath)
    given = (os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"))
    package = str(Path(__file__).parents[2])
    folders = (sys.prefix, sys.base_prefix, *(entry for entry in sys.path if entry), package)
    return tuple(os.path.realpath(one) for one in (*folders, *certificates, *given, *_SYSTEM_FILES) if one)
