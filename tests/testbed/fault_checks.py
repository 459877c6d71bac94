"""Each fault bites and heals, as a client over ssh sees it: a selection runs in the suite, all of them in the selftest."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.testbed import containers, faults
from tests.testbed.commands import BedError, wait_until
from tests.testbed.hosts import Host

_PATIENT_SECONDS = 180.0
_SILENT_SECONDS = 3.0
_STALLED_SECONDS = 20.0
_BYTES = 3_000_000
_LIMIT = 1_000_000


def answers(host: Host, seconds: float = _PATIENT_SECONDS) -> bool:
    """Return whether a login works in time."""
    try:
        return host.ssh("true", check=False, seconds=seconds).returncode == 0
    except BedError:
        return False


def _silences(host: Host, name: str, *arguments: str) -> None:
    assert answers(host)
    with faults.having(host, name, *arguments):
        assert not answers(host, _SILENT_SECONDS)
    assert answers(host)


def link_down(host: Host) -> None:
    """Nobody gets in; what runs on the host goes on."""
    host.ssh("nohup sh -c 'while sleep 0.1; do date >>tally; done' >/dev/null 2>&1 & echo $! >tally.pid")
    with faults.having(host, "link-down"):
        assert not answers(host, _SILENT_SECONDS)
        before = _length(host)
        wait_until(lambda: _length(host) > before, "the program on the host to go on")
    host.ssh("kill $(cat tally.pid)")


def _length(host: Host) -> int:
    return int(host.enter("sh", "-c", "wc -l </home/deploy/tally").stdout)


def drop(host: Host) -> None:
    """Packets to ssh vanish."""
    _silences(host, "drop")


def reject(host: Host) -> None:
    """Connections are refused at once, and others are not."""
    with faults.having(host, "reject", "9"):
        assert answers(host)
    _silences(host, "reject")


def loss(host: Host) -> None:
    """TCP gets through a lossy line; the line did lose."""
    with faults.having(host, "loss", "20"):
        assert host.ssh("echo through", seconds=60).stdout == "through\n"
        lost = host.plan.namespace(host.spec)
        rules = faults.run("ip", "netns", "exec", lost, "nft", "list", "table", "inet", "testbed_fault").stdout
        assert rules.count("numgen random mod 100 < 20 drop") == 2
    assert answers(host)


def quota(host: Host) -> None:
    """A transfer stalls in the middle, silently."""
    with faults.having(host, "quota", str(_LIMIT)):
        assert not _sends(host, _STALLED_SECONDS)
    assert 0 < _size(host) < _BYTES
    assert _sends(host)


def cut(host: Host) -> None:
    """A transfer is reset in the middle."""
    with faults.having(host, "cut", str(_LIMIT)):
        assert not _sends(host)
    assert 0 < _size(host) < _BYTES
    assert _sends(host)


def _sends(host: Host, seconds: float = _PATIENT_SECONDS) -> bool:
    try:
        return host.ssh("cat >sent", check=False, stdin="x" * _BYTES, seconds=seconds).returncode == 0
    except BedError:
        return False


def _size(host: Host) -> int:
    return int(host.ssh("stat -c %s sent").stdout)


def rate(host: Host) -> None:
    """Half a megabyte over one megabit a second takes seconds."""
    with faults.having(host, "rate", "1000"):
        assert _seconds(host, "head -c 500000 /dev/zero | tr '\\0' x") > 2
    assert answers(host)


def delay(host: Host) -> None:
    """A login has several round trips."""
    with faults.having(host, "delay", "200"):
        assert _seconds(host, "true") > 1.2
    assert answers(host)


def _seconds(host: Host, command: str) -> float:
    began = time.monotonic()
    host.ssh(command)
    return time.monotonic() - began


def freeze(host: Host) -> None:
    """Everything stands still and goes on where it was."""
    _silences(host, "freeze")


def cpu(host: Host) -> None:
    """The kernel throttles the host."""
    work = "python3 -c 'import time; began = time.time(); sum(range(3000000)); print(time.time() - began)'"
    free = float(host.ssh(work).stdout)
    with faults.having(host, "cpu", "5"):
        assert float(host.ssh(work).stdout) > 3 * free
    assert answers(host)


def memory(host: Host) -> None:
    """A program that needs more is killed; afterwards it is not."""
    command = "python3 -c 'bytearray(400 << 20)'"
    with faults.having(host, "memory", "200M"):
        assert host.ssh(command, check=False).returncode != 0
    host.ssh(command)


def disk_full(host: Host) -> None:
    """No room at a path, and room again."""
    command = "dd if=/dev/zero of=/home/deploy/model/x bs=1M count=9"
    with faults.having(host, "disk-full", "/home/deploy/model", "4M"):
        assert "No space left" in host.ssh(command, check=False).stderr
    host.enter("chown", "deploy:", "/home/deploy/model")
    host.ssh(command)


def whole_disk_full(host: Host) -> None:
    """A host with a disk of its own has no room anywhere, and answers all the same."""
    with faults.having(host, "disk-full"):
        assert "No space left" in host.ssh("dd if=/dev/zero of=filler bs=64k count=9", check=False).stderr
    host.ssh("dd if=/dev/zero of=filler bs=64k count=9")


def read_only(host: Host) -> None:
    """A path cannot be written."""
    with faults.having(host, "read-only", "/home/deploy"):
        assert "Read-only file system" in host.ssh("touch /home/deploy/x", check=False).stderr
    host.ssh("touch /home/deploy/x")


def clock(host: Host) -> None:
    """New sessions are a year behind; the machine's clock stays."""
    with faults.having(host, "clock", "-400d"):
        assert float(host.ssh("date +%s").stdout) < time.time() - 300 * 86400
    assert abs(float(host.ssh("date +%s").stdout) - time.time()) < 3600


def kill_sshd(host: Host) -> None:
    """systemd starts it again; a plain host has ended and is switched on by heal."""
    with faults.having(host, "kill-sshd"):
        if host.kind != "plain":
            wait_until(lambda: answers(host), "sshd to come back by itself")
    assert answers(host)


def stop_sshd(host: Host) -> None:
    """Refused until it is started; a plain host says that it has nothing to stop it with."""
    if host.kind != "plain":
        _silences(host, "stop-sshd")
        return
    try:
        faults.make(host, "stop-sshd")
    except BedError as error:
        assert "no service manager" in str(error)  # noqa: PT017 - no pytest here
    else:
        raise AssertionError("a plain host stopped sshd")


def off(host: Host) -> None:
    """What was synced is there after a power cut in the middle of a write, what should come later is not."""
    host.ssh("echo kept >kept; sync; rm -f part done")
    host.ssh("nohup sh -c 'dd if=/dev/zero of=part bs=4k count=9999999; touch done' >/dev/null 2>&1 &")
    wait_until(lambda: host.ssh("test -s part", check=False).returncode == 0, "the write to begin")
    with faults.having(host, "off"):
        assert not host.is_on()
        assert not answers(host, _SILENT_SECONDS)
    assert host.ssh("cat kept; test ! -e done && rm part").stdout == "kept\n"


def reboot(host: Host) -> None:
    """Another process 1, the same files."""
    host.ssh("echo kept >kept")
    before = host.first_process()
    host.reboot()
    assert host.first_process() != before
    assert host.ssh("cat kept").stdout == "kept\n"


def reset(host: Host) -> None:
    """As it was made, with the same host key."""
    host.ssh("echo gone >gone")
    containers.reset(host, lambda _: None)
    assert host.ssh("ls -A gone", check=False).returncode != 0


CHECKS: dict[str, Callable[[Host], None]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        link_down, drop, reject, loss, quota, cut, rate, delay, freeze, cpu, memory, disk_full, whole_disk_full,
        read_only, clock, kill_sshd, stop_sshd, off, reboot, reset,
    )
}  # fmt: skip
