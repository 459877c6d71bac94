"""`scripts/loss`: models are replaced under load, with each kind of traffic, and what clients lost is counted.

Sixty closed-loop clients, half of them on kept connections, ask a blocking server (`blocking_server.py`, runtime `command`) and
an asynchronous one (runtime `onnx`), while another deployment on the same host is launched and stopped all the time. `systemd_socket`
is played on a test host with systemd, over ssh. With `--large` two models do not fit there, and the old one is stopped first. The last
lines count.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections import Counter

from mgmt_host.switching import haproxy

from tests.loss import places

KINDS = ("haproxy", "systemd_socket", "none")
SERVERS = ("blocking", "asynchronous")
_NEIGHBOUR = "neighbour"


class Load:
    """The clients; a context manager. `counts` is theirs, once it has ended."""

    def __init__(self, place, identity, body, clients):
        path = identity["url"].partition(str(identity["port"]))[2]
        asked = {"port": identity["port"], "path": path, "body": json.dumps(body), "answers": places.FACTORS}
        asked |= {"keep": clients // 2, "fresh": clients - clients // 2}
        self.counts = {}
        self._command = place.clients_command(asked)

    def __enter__(self):
        self._process = places.start(self._command)
        return self

    def __exit__(self, *_):
        said, _ = self._process.communicate("", timeout=120)
        self.counts = json.loads(said)


class Neighbour:
    """Launches and stops another deployment of the same host, again and again; a context manager."""

    def __init__(self, place, package):
        self.rounds = 0
        self._place = place
        self._package = package
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _run(self):
        generation = 0
        while not self._ended.is_set():
            for action in ("deployment_launch", "deployment_stop"):
                generation += 1
                result = self._place.perform(action, generation, self._package, "command", _NEIGHBOUR)
                assert result["outcome"] == "changed", result
            self.rounds += 1


def play(kind, on, server, replacements, clients):
    """Replace a model that many times under load; return the clients' counts."""
    with places.PLACES[on](kind, server) as (place, packer):
        runtime, body, made = places.make_packages(place, packer, server)
        neighbour = places.make_neighbour(place, packer)
        launched = place.perform("deployment_launch", 1, made[0], runtime)
        assert launched["outcome"] == "changed", launched
        receipts = []
        with Neighbour(place, neighbour) as beside, Load(place, launched["identity"], body, clients) as load:
            for number in range(1, replacements + 1):
                result = place.perform("deployment_replace_model", number + 1, made[number % 2], runtime)
                assert result["outcome"] == "changed", result
                assert ("stopped_first" in result["notes"]) == (server == places.LARGE), result
                receipts.append(result["receipt"])
    _tell(f"{kind} on {on}", server, load.counts, receipts, beside.rounds)
    return load.counts


def _tell(kind, server, counts, receipts, rounds):
    for clients, count in counts.items():
        reasons = ", ".join(f"{number} {reason}" for reason, number in count["reasons"].items())
        told = f"{count['failed']} failed of {count['asked']}, longest {count['longest']:.2f} s"
        say(f"{kind}, {server} server, {clients} connections: {told}" + (f" ({reasons})" if reasons else ""))
    sums = [sum(one[name] for one in receipts) for name in ("failed", "slow", "probes")]
    gap, slowest = (max(one[name] or 0.0 for one in receipts) for name in ("longest_gap_seconds", "slowest_seconds"))
    say("{}, {} server: {} probes failed, {} slow of {} by the receipts".format(kind, server, *sums))
    say(f"    longest gap {gap:.2f} s, slowest answer {slowest:.2f} s; neighbour launched and stopped {rounds} times")


def main():
    """Run the command line; 1 when a proxy lost anything."""
    asked = _arguments()
    totals = {}
    for kind in asked.traffic or KINDS:
        began, total = time.monotonic(), Counter()
        servers = (places.LARGE,) if asked.large else SERVERS
        for place, server in enumerate(servers):
            share = asked.replacements // len(servers) + (place < asked.replacements % len(servers))
            for count in play(kind, _place_of(kind, asked), server, share, asked.clients).values():
                total.update(asked=count["asked"], failed=count["failed"])
        totals[kind] = total
        say(f"{kind}: {asked.replacements} replacements, {asked.clients} clients, {time.monotonic() - began:.0f} s")
    for kind, total in totals.items():
        say(f"loss: {kind} {total['failed']} failed of {total['asked']}")
    return int(any(total["failed"] for kind, total in totals.items() if kind == "haproxy"))


def _place_of(kind, asked):
    return "systemd" if kind == "systemd_socket" or asked.large else asked.on


def _arguments():
    parser = argparse.ArgumentParser(prog="scripts/loss", description=__doc__)
    parser.add_argument("--replacements", type=int, default=20, help="per kind of traffic, shared by the servers")
    parser.add_argument("--clients", type=int, default=60)
    parser.add_argument("--on", choices=sorted(places.PLACES), default="loopback", help="systemd: a test host, as root")
    parser.add_argument("--large", action="store_true", help="a model of which two do not fit on the test host")
    parser.add_argument("--traffic", action="append", choices=KINDS, help="repeatable; all of them by default")
    asked = parser.parse_args()
    if haproxy.find_program() is None and "haproxy" in (asked.traffic or KINDS):
        parser.error("HAProxy is not on this machine: apt-get install haproxy")
    return asked


def say(text):
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201 - the script's own voice


sys.exit(main())
