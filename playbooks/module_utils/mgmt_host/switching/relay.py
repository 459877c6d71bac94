"""The relay of traffic kind `systemd_socket`: it takes connections from a port that systemd holds, and leads them to a slot.

```
 client --kept connection--> systemd's socket | relay | --> 127.0.0.1: slot a (ready)  slot b (maint)
```
It is told what to do by the same lines as HAProxy, see `haproxy`, and reads no HTTP. A client that speaks after it was answered
asks anew: that is led to whatever slot is ready by then, and waits while none is. So a kept connection moves to the new model
between two requests. A connection that nobody uses, to a slot that gets nothing more, is closed: see `relay_connections`.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import socket
from contextlib import suppress

from .haproxy import DRAIN, MAINT, READY, SLOT_ADDRESS, SOCKET
from .relay_connections import MOST_CONNECTIONS, Client, Relay, Server

CONFIGURATION = "relay.json"
_SWEEP_SECONDS = 0.05
_LOOK_SECONDS = 1.0
_FIRST_PASSED = 3
"""Number of the first file that systemd passes (sd_listen_fds(3))."""

_LAST_PORT = 65535
_SAID = {READY: "no check", DRAIN: "DRAIN", MAINT: "MAINT"}


def perform(relay: Relay, line: str) -> str:
    """Do what a line of the control socket says; return what is to be answered."""
    said = [_perform(relay, command.split()) for command in line.split(";") if command.strip()]
    relay.changed()
    return "\n".join(filter(None, said))


def _perform(relay: Relay, words: list[str]) -> str:
    if words[:2] == ["show", "stat"]:
        return _table(relay)
    if words == ["shutdown", "frontend", "stable"]:
        if relay.listening is not None:
            relay.listening.close()
        return ""
    if words[:2] == ["set", "server"] and len(words) > 3:  # noqa: PLR2004 - set server slots/NAME WHAT
        return _set(relay.servers.get(words[2].partition("/")[2]), words[3:])
    return "Unknown command: {}".format(" ".join(words)[:100])


def _set(server: Server | None, words: list[str]) -> str:
    if server is None:
        return "No such server."
    if len(words) == 2 and words[0] == "state" and words[1] in _SAID:  # noqa: PLR2004 - state WORD
        server.state = words[1]
    elif words[:1] + words[2:3] == ["addr", "port"] and words[1] == SLOT_ADDRESS and _is_port(words[3:]):
        server.port = int(words[3])
    else:
        return "Not understood: {}".format(" ".join(words)[:100])
    return ""


def _is_port(words: list[str]) -> bool:
    return len(words) == 1 and words[0].isdecimal() and 0 < int(words[0]) <= _LAST_PORT


def _table(relay: Relay) -> str:
    rows = ["# svname,status,addr,scur,qcur"]
    waiting = relay.count_waiting()
    for name, server in sorted(relay.servers.items()):
        waits = waiting if server.state == READY else 0
        rows.append(
            "{},{},{}:{},{},{}".format(
                name, _SAID[server.state], SLOT_ADDRESS, server.port, relay.count_open(name), waits
            )
        )
    return "\n".join(rows)


def render(ports: dict[str, int], live: str) -> str:
    """Return the configuration with which it starts: where the slots listen, and which one gets requests; empty: none."""
    return json.dumps({"ports": ports, "live": live}, sort_keys=True) + "\n"


def parse(text: str) -> dict[str, Server]:
    """Return what such a configuration says."""
    said = json.loads(text)
    live = said["live"]
    return {name: Server(int(port), READY if name == live else MAINT) for name, port in said["ports"].items()}


def serve(folder: str) -> int:
    """Relay what comes in at the socket that systemd passed, until told to stop; return an exit code."""
    os.chdir(folder)  # the path of a socket may have no more than 107 bytes
    os.umask(0o077)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if os.environ.get("LISTEN_FDS") != "1" or os.environ.get("LISTEN_PID") != str(os.getpid()):
        print("systemd passed no socket", flush=True)  # noqa: T201 - to the log
        return 1
    with open(CONFIGURATION, encoding="utf-8") as stream:
        servers = parse(stream.read())
    asyncio.run(_serve(servers, socket.socket(fileno=_FIRST_PASSED)))
    return 0


async def _serve(servers: dict[str, Server], passed: socket.socket) -> None:
    relay = Relay(servers)  # in the loop: before Python 3.10 its event belongs to one
    loop, stopped = asyncio.get_running_loop(), []

    def stop() -> None:
        stopped.append(True)
        relay.woken.set()

    loop.add_signal_handler(signal.SIGTERM, stop)
    relay.listening = await loop.create_server(lambda: Client(relay), sock=passed, backlog=MOST_CONNECTIONS)
    control = await asyncio.start_unix_server(lambda *pair: _answer(relay, *pair), path=SOCKET)
    print("relaying", flush=True)  # noqa: T201 - to the log
    while not stopped:
        seconds = _SWEEP_SECONDS if relay.sweep() else _LOOK_SECONDS
        relay.woken.clear()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(relay.woken.wait(), seconds)
    control.close()
    relay.listening.close()


async def _answer(relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        line = await reader.readline()
        writer.write(perform(relay, line.decode("ascii", "replace")).encode() + b"\n")
        await writer.drain()
    except (OSError, ValueError):
        return  # who asked has gone, or never ends its line
    finally:
        writer.close()
