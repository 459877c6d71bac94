"""`python -m tests.testbed`: real hosts for tests and for people, made as root on this machine.

Each is a Debian with an address and an sshd of its own, reached at 127.77.x.y port 2222:
  systemd   systemd as process 1, sudo          docker   the same with dockerd and an imported image
  podman    the same with podman, rootless too  plain    sshd only: no systemd, no sudo
They live in network namespaces without a way out. `down` ends them and proves that nothing is left.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import textwrap
from pathlib import Path

from tests.testbed import beds, containers, faults, plans, requirements
from tests.testbed.commands import BedError

_EXAMPLES = """\
first steps:
  python -m tests.testbed up                       # s1 systemd, d1 docker, m1 podman, p1 plain
  python -m tests.testbed ls
  python -m tests.testbed ssh s1 systemctl status
  ansible all -i $(python -m tests.testbed where)/inventory.yml -m ping
  python -m tests.testbed fault s1 drop            # ssh to s1 hangs ...
  python -m tests.testbed heal s1                  # ... and answers again
  python -m tests.testbed down

state is a folder among temporary files (TESTBED_STATE names its parent, --state itself); root file systems stay in
.cache/testbed (TESTBED_CACHE, --cache). Two testbeds at once need two ids (--id).
"""


def main(words: list[str] | None = None) -> int:
    """Return 0 when done, 1 when it failed or something is left, 2 for wrong words."""
    arguments = _parser().parse_args(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a half-made testbed is taken down
    try:
        arguments.state = arguments.state or plans.default_state(arguments.id)
        return arguments.command(arguments) or 0
    except BedError as error:
        _say(f"error: {error}", sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _say(text: str, stream=None) -> None:
    print(text, file=stream or sys.stdout, flush=True)


def _up(arguments) -> None:
    plan = plans.Plan(
        id=arguments.id,
        state=arguments.state,
        cache=arguments.cache or plans.default_cache(),
        hosts=plans.parse_hosts(tuple(arguments.hosts or plans.DEFAULT_HOSTS)),
        ports=tuple(arguments.forward),
        mirror=arguments.mirror,
    )
    tell = beds.stopwatch(beds.tell_stderr)
    bed = beds.up(plan, tell)
    tell(f"up: {len(bed.hosts)} hosts; inventory {bed.inventory}; ssh -F {bed.plan.ssh_config} {plan.hosts[0].name}")


def _down(arguments) -> int:
    left = beds.down(arguments.id, arguments.state, _say)
    return 1 if any(left.values()) else 0


def _ls(arguments) -> None:
    for host in _bed(arguments).hosts.values():
        power = "on" if host.is_on() else "off"
        _say(f"{host.name:<12} {host.kind:<8} {power:<4} {host.address}:{host.ssh_port} {host.spec.address} in the hub")


def _ssh(arguments) -> None:
    bed = _bed(arguments)
    bed.plan.host(arguments.host)
    os.execvp("ssh", ["ssh", "-F", str(bed.plan.ssh_config), arguments.host, *arguments.words])


def _exec(arguments) -> None:
    bed = _bed(arguments)
    os.execvp("ip", ["ip", "netns", "exec", bed.plan.hub, *arguments.words])


def _fault(arguments) -> None:
    faults.make(_host(arguments), arguments.name, tuple(arguments.words))


def _heal(arguments) -> None:
    faults.heal(_host(arguments))


def _reset(arguments) -> None:
    containers.reset(_host(arguments), beds.tell_stderr)


def _power(verb: str):
    return lambda arguments: getattr(_host(arguments), verb)()


def _check(arguments) -> None:
    requirements.check()
    _say("this machine can carry hosts")


def _bed(arguments) -> beds.Bed:
    return beds.Bed.at(arguments.state)


def _host(arguments):
    bed = _bed(arguments)
    return bed.hosts[bed.plan.host(arguments.host).name]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.testbed",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_whole(commands)
    _add_single(commands)
    return parser


def _add(commands, name: str, command, text: str, epilog: str = "") -> argparse.ArgumentParser:
    shape = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(name, help=text, description=text, epilog=epilog, formatter_class=shape)
    parser.set_defaults(command=command)
    parser.add_argument("--id", default="tb", help="tells testbeds of one machine apart (default: tb)")
    parser.add_argument("--state", type=Path, help="folder of its state (default: among temporary files)")
    return parser


def _add_whole(commands) -> None:
    up = _add(commands, "up", _up, "make hosts; returns when all answer over ssh", _EXAMPLES)
    up.add_argument("hosts", nargs="*", metavar="NAME:KIND[:disk=300M,memory=512M,suite=trixie]")
    up.add_argument("--forward", type=int, action="append", default=[], metavar="PORT", help="forward this port too")
    up.add_argument("--mirror", default="", help="Debian mirror (default: mmdebstrap's)")
    up.add_argument("--cache", type=Path, help="folder of root file systems")
    _add(commands, "down", _down, "end all hosts; lists what is left, and fails if anything is")
    _add(commands, "ls", _ls, "list hosts: name, kind, power, addresses")
    _add(commands, "where", lambda arguments: _say(str(arguments.state)), "print the state folder")
    _add(commands, "check", _check, "tell whether this machine can carry hosts, and what is missing")
    inside = _add(commands, "exec", _exec, "run a command in the hub's network, where hosts have true addresses")
    inside.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")


def _add_single(commands) -> None:
    rows = [f"  {name + ' ' + fault.usage:<26} {fault.does}" for name, fault in faults.FAULTS.items()]
    for name, command, text in (
        ("ssh", _ssh, "a shell, or a command, on a host"),
        ("fault", _fault, "break something; heal undoes it"),
        ("heal", _heal, "undo every fault; returns when the host answers"),
        ("off", _power("off"), "cut the power"),
        ("on", _power("on"), "switch the power on; returns when it answers"),
        ("reboot", _power("reboot"), "reboot from inside; returns when it answers"),
        ("reset", _reset, "bring it back as it was made; returns when it answers"),
    ):
        epilog = "faults:\n" + "\n".join(rows) if command is _fault else ""
        parser = _add(commands, name, command, text, textwrap.dedent(epilog))
        parser.add_argument("host", metavar="HOST")
        if command is _fault:
            parser.add_argument("name", metavar="FAULT")
        if command in (_fault, _ssh):
            parser.add_argument("words", nargs=argparse.REMAINDER, metavar="WORDS")


if __name__ == "__main__":
    raise SystemExit(main())
