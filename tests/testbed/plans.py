"""What a testbed is made of: values, names and folders, without doing anything.

Every name on the machine begins with `mgmt-testbed-ID`, so that teardown finds what it made even when the state is lost.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tests.testbed.commands import BedError, run

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("systemd", "docker", "podman", "plain")
DEFAULT_HOSTS = ("s1:systemd", "d1:docker", "m1:podman", "p1:plain")
DEFAULT_SUITE = "bookworm"
NETWORK = "10.77.0"
SSH_PORT = 22
LOOPBACK_SSH_PORT = 2222
FIRST_OCTET = 11
MOST_HOSTS = 100
_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")
_ID = re.compile(r"[a-z][a-z0-9]{0,15}")
_SIZE = re.compile(r"[0-9]+[KMG]")
_SUITE = re.compile(r"[a-z]+")
_OPTIONS = {"disk": _SIZE, "memory": _SIZE, "suite": _SUITE}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan:
    """One host.

    Attributes:
        name: Also its host name.
        kind: One of `KINDS`.
        octet: Last number of its address in the hub and on loopback.
        suite: Debian release.
        disk: Size of a disk of its own like `300M`, or "" for the machine's.
        memory: Limit like `512M`, or "" for none.
    """

    name: str
    kind: str
    octet: int
    suite: str = DEFAULT_SUITE
    disk: str = ""
    memory: str = ""

    @property
    def address(self) -> str:
        """Its address in the hub."""
        return f"{NETWORK}.{self.octet}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A testbed.

    Attributes:
        id: Tells testbeds of one machine apart.
        state: Folder of everything but the root file systems.
        cache: Folder of root file systems, shared by testbeds.
        hosts: In order of their addresses.
        ports: TCP ports that are forwarded from loopback besides ssh.
        mirror: Where Debian packages come from; "" for mmdebstrap's own.
        loopback: First three numbers of the hosts' loopback addresses; "" until the forwarder chose.
    """

    id: str
    state: Path
    cache: Path
    hosts: tuple[HostPlan, ...]
    ports: tuple[int, ...] = ()
    mirror: str = ""
    loopback: str = ""

    @property
    def label(self) -> str:
        """Name of its cgroup, and first part of every other name."""
        return label_of(self.id)

    @property
    def hub(self) -> str:
        """Network namespace of the bridge."""
        return f"{self.label}-hub"

    def namespace(self, host: HostPlan) -> str:
        """Network namespace of a host."""
        return f"{self.label}-{host.name}"

    def folder(self, host: HostPlan) -> Path:
        """State of a host."""
        return self.state / "hosts" / host.name

    def host(self, name: str) -> HostPlan:
        """Return a host by name.

        Raises:
            BedError: There is none; names those that are.
        """
        for host in self.hosts:
            if host.name == name:
                return host
        raise BedError(f"no host is named {name!r}; there are: {', '.join(host.name for host in self.hosts)}")

    @property
    def ssh_config(self) -> Path:
        """For `ssh -F`."""
        return self.state / "ssh_config"

    def save(self) -> None:
        """Write the plan into its state folder, whole or not at all."""
        value = {**asdict(self), "state": str(self.state), "cache": str(self.cache)}
        draft = self.state / "plan.json.draft"
        draft.write_text(json.dumps(value, indent=1))
        draft.replace(self.state / "plan.json")


def label_of(bed_id: str) -> str:
    """Return the first part of all names of a testbed.

    Raises:
        BedError: The id is no short word.
    """
    if not _ID.fullmatch(bed_id):
        raise BedError(f"the id {bed_id!r} must be 1 to 16 small letters and digits, a letter first")
    return f"mgmt-testbed-{bed_id}"


def load(state: Path) -> Plan:
    """Read the plan of a testbed.

    Raises:
        BedError: There is none, or it cannot be read.
    """
    try:
        value = json.loads((state / "plan.json").read_text())
        hosts = tuple(HostPlan(**host) for host in value.pop("hosts"))
        ports, folders = tuple(value.pop("ports")), [Path(value.pop(name)) for name in ("state", "cache")]
        return Plan(**value, state=folders[0], cache=folders[1], hosts=hosts, ports=ports)
    except FileNotFoundError as error:
        raise BedError(f"no testbed is up in {state}; next: python -m tests.testbed up") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BedError(f"{state}/plan.json is damaged ({error}); next: python -m tests.testbed down") from error


def parse_hosts(words: tuple[str, ...]) -> tuple[HostPlan, ...]:
    """Read hosts as people write them: `NAME:KIND[:option=value,...]`.

    Raises:
        BedError: Names the word and what is allowed.
    """
    if not 0 < len(words) <= MOST_HOSTS:
        raise BedError(f"give 1 to {MOST_HOSTS} hosts")
    hosts = tuple(_parse_host(word, FIRST_OCTET + place) for place, word in enumerate(words))
    if len({host.name for host in hosts}) < len(hosts):
        raise BedError("two hosts have the same name")
    return hosts


def _parse_host(word: str, octet: int) -> HostPlan:
    name, _, rest = word.partition(":")
    kind, _, options = rest.partition(":")
    if not _NAME.fullmatch(name) or name in ("hub", "outside"):
        raise BedError(f"host {word!r}: the name must be 1 to 12 small letters and digits, and not hub or outside")
    if kind not in KINDS:
        raise BedError(f"host {word!r}: the kind must be one of {', '.join(KINDS)}, as in s1:systemd")
    host = HostPlan(name=name, kind=kind, octet=octet)
    for pair in filter(None, options.split(",")):
        key, _, value = pair.partition("=")
        if key not in _OPTIONS or not _OPTIONS[key].fullmatch(value):
            raise BedError(f"host {word!r}: option {pair!r} must be one of disk=300M, memory=512M, suite=trixie")
        host = replace(host, **{key: value})
    return host


def default_state(bed_id: str) -> Path:
    """Return the folder of a testbed's state: `TESTBED_STATE`, or one among temporary files.

    An overlay cannot lie on an overlay: in a container it goes to memory.
    """
    named = os.environ.get("TESTBED_STATE")
    if named:
        return Path(named).absolute() / label_of(bed_id)
    folder = tempfile.gettempdir()
    kind = run("stat", "-f", "-c", "%T", folder, check=False).stdout.strip()
    return Path("/dev/shm" if kind == "overlayfs" else folder) / label_of(bed_id)


def default_cache() -> Path:
    """Return the folder of root file systems: `TESTBED_CACHE`, or one of this checkout."""
    return Path(os.environ.get("TESTBED_CACHE") or ROOT / ".cache" / "testbed").absolute()
