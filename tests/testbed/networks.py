"""A bridge in a network namespace of its own (the hub), and a namespace for each host behind it; no way out."""

from __future__ import annotations

from pathlib import Path

from tests.testbed import plans
from tests.testbed.commands import run

_NAMESPACES = Path("/run/netns")


def make_hub(plan: plans.Plan) -> None:
    """Make the hub with its bridge."""
    run("ip", "netns", "add", plan.hub)
    _batch(
        plan.hub,
        "link set lo up",
        "link add br0 type bridge",
        f"addr add {plans.NETWORK}.1/24 dev br0",
        "link set br0 up",
    )


def make_host(plan: plans.Plan, host: plans.HostPlan) -> None:
    """Make a host's namespace and its cable to the bridge."""
    namespace, cable = plan.namespace(host), cable_of(host)
    run("ip", "netns", "add", namespace)
    _batch(
        plan.hub,
        f"link add {cable} type veth peer name host0 netns {namespace}",
        f"link set {cable} master br0 up",
    )
    _batch(
        namespace,
        "link set lo up",
        f"addr add {host.address}/24 dev host0",
        "link set host0 up",
        f"route add default via {plans.NETWORK}.1",
    )
    pings = ("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
    run("ip", "netns", "exec", namespace, *pings, check=False)


def cable_of(host: plans.HostPlan) -> str:
    """Name of a host's end of the cable at the bridge; Linux allows 15 characters."""
    return f"v-{host.name}"


def names(label: str) -> list[str]:
    """Return the network namespaces of a testbed that exist."""
    return sorted(path.name for path in _NAMESPACES.glob(f"{label}-*")) if _NAMESPACES.exists() else []


def remove(label: str) -> None:
    """Remove all namespaces of a testbed; cables and bridge go with them."""
    for name in names(label):
        run("ip", "netns", "del", name)


def _batch(namespace: str, *lines: str) -> None:
    run("ip", "-n", namespace, "-batch", "-", stdin="\n".join(lines) + "\n")
