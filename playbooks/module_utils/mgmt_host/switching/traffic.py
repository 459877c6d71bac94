"""Traffic: where the stable port of a deployment leads to, and the proxy that holds it. See `traffic_kinds`."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import Any

from ..failures import HostError, evidence
from ..layout import DeploymentLayout
from ..machine import http_probe, ports, processes
from ..proving import drift
from ..running import slots
from . import haproxy, relay, traffic_kinds

_START_SECONDS = 30.0
_CLOSE_SECONDS = 5.0
_POLL_SECONDS = 0.01
_SERVER_ERROR = 500
_KEPT = ("deployment_id", "label", "boot_start", "stop_timeout_seconds", "program_dir")


def start_proxy(own: DeploymentLayout, config: dict[str, Any], live: slots.Slot | None) -> None:
    """Start a deployment's proxy, leading to a slot or to none, and wait until it holds the stable port.

    Args:
        own: Whose.
        config: Of a slot behind it.
        live: Gets the requests.

    Raises:
        HostError: `port_in_use`, or it does not come up; with its log.
        OSError: The disk refuses.
    """
    proxy, command = slots.proxy(own), _proxy_command(own, config)
    slots.stop(proxy, float(config["stop_timeout_seconds"]))
    os.makedirs(own.traffic, mode=0o700, exist_ok=True)
    _forget_socket(own)
    write_configuration(own, config, live)
    kept = {key: config[key] for key in _KEPT if key in config}
    said = {
        "schema": 1,
        "carrier": config.get("proxy_carrier", "process"),
        "port": config["stable_port"],
        "bind_address": config["stable_address"],
        "command": command,
        "reads": [config["program_dir"]],
        "writes": [own.traffic],
        "environment": {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            processes.SLOT_VARIABLE: proxy.folder,
        },
    }
    if traffic_kinds.kind_of(config) == traffic_kinds.SYSTEMD_SOCKET:
        address = http_probe.bracketed(config["stable_address"])
        said["listen"] = "{}:{}".format(address, config["stable_port"])
        _start_held(proxy, dict(kept, **said))
    else:
        slots.start(proxy, dict(kept, **said))
    slots.wait_supervised(proxy)
    _wait_answering(own)


def _proxy_command(own: DeploymentLayout, config: dict[str, Any]) -> list[str]:
    if traffic_kinds.kind_of(config) == traffic_kinds.SYSTEMD_SOCKET:
        return [sys.executable, "-I", "-S", config["program_dir"], "relay", own.traffic]
    program = haproxy.find_program()
    if program is None:
        raise HostError("dependency", "HAProxy is not on this host any more: install the package haproxy")
    return haproxy.command(program, own.traffic)


def _start_held(proxy: slots.Slot, config: dict[str, Any]) -> None:
    try:
        slots.start(proxy, config)
    except HostError:
        ports.require_free(config["bind_address"], config["port"])
        raise


def write_configuration(own: DeploymentLayout, config: dict[str, Any], live: slots.Slot | None) -> None:
    """Write what the proxy starts with next time: who is live now.

    Raises:
        OSError: The disk refuses.
    """
    numbers = {slot.name: int(slot.config.get("port") or haproxy.NO_PORT) for slot in slots.list_slots(own)}
    name = live.name if live is not None else ""
    if traffic_kinds.kind_of(config) == traffic_kinds.SYSTEMD_SOCKET:
        haproxy.write(own.traffic, relay.render(numbers, name), relay.CONFIGURATION)
    else:
        haproxy.write(own.traffic, haproxy.render(config["stable_address"], config["stable_port"], numbers, name))


def lead_to(own: DeploymentLayout, slot: slots.Slot) -> None:
    """Let a running proxy give new requests to a slot alone; the stable address answers when this returns.

    Raises:
        HostError: The proxy does not do so.
    """
    haproxy.lead(own.traffic, slot.name, int(slot.config["port"]))
    require_stable(own, slot)


def retire(own: DeploymentLayout, slot: slots.Slot, seconds: float) -> int:
    """Let a running proxy give nothing new to a slot, and wait until what it had is answered.

    Returns:
        How many requests were not after that long; they are cut when the slot stops.
    """
    try:
        if haproxy.list_servers(own.traffic)[slot.name].state == haproxy.MAINT:
            return 0
        haproxy.set_state(own.traffic, slot.name, haproxy.DRAIN)
        left = _wait_drained(own, slot.name, seconds)
        haproxy.set_state(own.traffic, slot.name, haproxy.MAINT)
    except (HostError, KeyError):
        return 0  # no proxy runs: it comes up with the configuration, which leads to the live slot alone
    return left


def hold(own: DeploymentLayout, slot: slots.Slot, seconds: float) -> int:
    """Let requests wait at a running proxy instead of reaching a slot, until what it had is answered; nothing without a proxy.

    Returns:
        How many requests it still had after that long; they are cut when the slot stops.
    """
    if not traffic_kinds.is_proxied(slot.config) or haproxy.find_servers(own.traffic) is None:
        return 0
    haproxy.hold(own.traffic, slot.name)
    port, deadline = int(slot.config["port"]), time.monotonic() + seconds
    while True:
        left = ports.count_connected(port)
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(_POLL_SECONDS)


def open_to(own: DeploymentLayout, slot: slots.Slot) -> bool:
    """Let the stable address lead to a slot, starting the proxy where it does not run; nothing for one without a proxy.

    Returns:
        Whether the proxy had to be started.

    Raises:
        HostError: The proxy does not come up or does not lead there.
        OSError: The disk refuses.
    """
    config = slot.config
    if not traffic_kinds.is_proxied(config):
        return False
    before = slots.proxy(own).config
    if (before.get("bind_address"), "listen" in before) != (
        config["stable_address"],
        traffic_kinds.kind_of(config) == traffic_kinds.SYSTEMD_SOCKET,
    ):
        close(own, _CLOSE_SECONDS)  # the agent's configuration names another address or kind by now
    if haproxy.find_servers(own.traffic) is None:
        start_proxy(own, config, slot)
        require_stable(own, slot)
        return True
    lead_to(own, slot)
    write_configuration(own, config, slot)
    return False


def close(own: DeploymentLayout, seconds: float) -> bool:
    """Let go of the stable port, wait until what the proxy had is answered, and stop it; return whether it ran.

    Raises:
        HostError: It cannot be killed.
    """
    with suppress(HostError, KeyError):  # it does not answer: then nothing is under way
        haproxy.close_stable_port(own.traffic)
        for name in slots.NAMES:
            _wait_drained(own, name, seconds)
    return stop_proxy(own)


def stop_proxy(own: DeploymentLayout) -> bool:
    """Stop the proxy at once; return whether it ran.

    Raises:
        HostError: It cannot be killed.
    """
    proxy = slots.proxy(own)
    return slots.stop(proxy, float(proxy.config.get("stop_timeout_seconds", 10.0)))


def require_stable(own: DeploymentLayout, slot: slots.Slot) -> None:
    """Check that the stable address leads to a slot, as its proxy and the kernel say; nothing for one without a proxy.

    Raises:
        HostError: `not_ready`, or `wrong_model`: another process holds the port.
    """
    config = slot.config
    if not traffic_kinds.is_proxied(config):
        return
    proxy, port = slots.proxy(own), int(config["stable_port"])
    found = haproxy.find_servers(own.traffic)
    server = proxy.server
    if found is None or server is None or ports.listens(server.pid, port) is False:
        missing = HostError("not_ready", "the proxy does not answer", proxy.log_evidence(), drift.MISSING)
        raise drift.find_holder(own, port) or missing
    told = found.get(slot.name)
    if told is None or (told.state, told.port) != (haproxy.READY, config["port"]):
        raise HostError("not_ready", "the proxy does not lead to slot {}".format(slot.name), proxy.log_evidence())
    address = http_probe.local_address(config["stable_address"])
    answer = http_probe.ask(address, port, slot.served.health_path)
    if answer is None or answer.status >= _SERVER_ERROR:
        said = [evidence("http", answer.text())] if answer else []
        raise HostError("not_ready", "the stable address does not answer", [*said, *proxy.log_evidence()])


def _wait_drained(own: DeploymentLayout, name: str, seconds: float) -> int:
    deadline = time.monotonic() + seconds
    while True:
        left = haproxy.list_servers(own.traffic)[name].open
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(_POLL_SECONDS)


def _forget_socket(own: DeploymentLayout) -> None:
    path = os.path.join(own.traffic, haproxy.SOCKET)
    if os.path.lexists(path):
        os.unlink(path)


def _wait_answering(own: DeploymentLayout) -> None:
    proxy, path = slots.proxy(own), os.path.join(own.traffic, haproxy.SOCKET)
    deadline = time.monotonic() + _START_SECONDS
    while not (os.path.exists(path) and haproxy.find_servers(own.traffic)):
        if proxy.carried.exits or time.monotonic() >= deadline:
            raise _not_up(proxy)
        time.sleep(_POLL_SECONDS)


def _not_up(proxy: slots.Slot) -> HostError:
    config = proxy.config
    port, log = int(config["port"]), proxy.log_evidence()
    if not ports.is_free(config["bind_address"], port):
        message = "port {} is in use; free it or launch with another port".format(port)
        return HostError("port_in_use", message, [evidence("ss", ports.describe(port)), *log])
    return HostError("not_ready", "the proxy did not come up", log)
