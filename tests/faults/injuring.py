"""The columns: what is done to a host, or to the agent, while the module stands at a step of a replace."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from tests.faults.managed import PORT, ManagedHost
from tests.testbed import faults
from tests.testbed.agents import Attempt
from tests.testbed.commands import BedError, wait_until

_FROZEN_SECONDS = 4.0
_WATCH_SECONDS = 25.0
_SQUATTING = "/dev/shm/squatting"
_SQUAT = """\
import socket, sys, time
end = time.monotonic() + 60
while time.monotonic() < end:
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    open("/dev/shm/squatting", "w").close()
    try:
        taken.bind(("0.0.0.0", int(sys.argv[1])))
        taken.listen(1)
        time.sleep(60)
    except OSError:
        taken.close()
        time.sleep(0.001)
"""


@dataclass
class Scene:
    """A replace that stands at a step.

    Attributes:
        managed: The host.
        attempt: Who stands there.
        release: Lets it go on; called once by the injury.
        done: Undo and end what the injury began, called after the verdict.
    """

    managed: ManagedHost
    attempt: Attempt
    release: Callable[[], None]
    done: list[Callable[[], None]] = field(default_factory=list)


@dataclass(frozen=True)
class Injury:
    """One column.

    Attributes:
        name: As the table and `--only` have it.
        does: In a line, for people.
        make: Does it and lets the module go on.
        outlasts: It is still there when the verdict is given; the others are over by then.
        of_proxy: It means nothing without one.
    """

    name: str
    does: str
    make: Callable[[Scene], None]
    outlasts: bool = False
    of_proxy: bool = False


def _kill_agent(scene: Scene) -> None:
    scene.attempt.kill()
    scene.release()


def _cut(scene: Scene) -> None:
    """Reset the connection; what the module says afterwards reaches nobody."""
    faults.make(scene.managed.host, "reject")
    scene.release()


def _kill_new(scene: Scene) -> None:
    """Kill the new model's process as soon as there is one."""
    killed = threading.Thread(target=_kill_first, args=(scene.managed, scene.attempt.generation), daemon=True)
    killed.start()
    if scene.managed.servers(scene.attempt.generation):
        killed.join()
    scene.release()
    scene.done.append(killed.join)


def _kill_first(managed: ManagedHost, generation: int) -> None:
    deadline = time.monotonic() + _WATCH_SECONDS
    while time.monotonic() < deadline:
        for pid in managed.servers(generation)[:1]:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.02)


def _break_proxy(scene: Scene) -> None:
    """Take the proxy's own socket away: it goes on serving and cannot be told anything."""
    scene.managed.host.enter("rm", "-f", f"{scene.managed.folder}/traffic/admin.sock")
    scene.release()


def _kill_proxy(scene: Scene) -> None:
    found = scene.managed.proxies()
    if not found:
        raise BedError(f"{scene.managed.host.name}: there is no proxy to kill")
    for pid in found:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    scene.release()


def _fill_disk(scene: Scene) -> None:
    faults.make(scene.managed.host, "disk-full")
    scene.release()


def _take_port(scene: Scene) -> None:
    """Somebody else waits for the stable port and takes it in the first moment in which it is free."""
    host = scene.managed.host
    host.enter("sh", "-c", 'python3 -c "$1" "$2" >/dev/null 2>&1 & echo $! >/dev/shm/squatter', "sh", _SQUAT, PORT)
    wait_until(lambda: host.enter("test", "-e", _SQUATTING, check=False).returncode == 0, "the other program")
    scene.release()
    scene.done.append(lambda: _leave_port(scene))


def _leave_port(scene: Scene) -> None:
    scene.managed.host.enter("sh", "-c", f"kill $(cat /dev/shm/squatter); rm {_SQUATTING}", check=False)


def _corrupt_package(scene: Scene) -> None:
    """Change a byte of the new package's file, if it has come."""
    archive = scene.managed.archive(scene.attempt.generation)
    pattern = f'for f in {scene.managed.base_dir}/packages/*/; do grep -q "\\"{scene.attempt.generation}\\"" $f/model-package.json'
    name = scene.managed.model_file
    command = f"{pattern} && chmod u+w $f/{name} && printf '#' >>$f/{name}; done; true"
    assert archive.exists()
    scene.managed.host.enter("sh", "-c", command)
    scene.release()


def _freeze(scene: Scene) -> None:
    faults.make(scene.managed.host, "freeze")
    scene.release()
    time.sleep(_FROZEN_SECONDS)  # the fault itself: how long the host stands still
    faults.heal(scene.managed.host)


def _cut_power(scene: Scene) -> None:
    scene.managed.host.off()
    scene.managed.host.on()


def _reboot(scene: Scene) -> None:
    scene.managed.host.reboot()


INJURIES = (
    Injury("kill-agent", "`kill -9` of the agent; a second attempt follows", _kill_agent),
    Injury("cut-ssh", "the connection is reset; a second attempt follows", _cut),
    Injury("kill-new-model", "`kill -9` of the new model's process, as soon as there is one", _kill_new),
    Injury("break-proxy", "the proxy's own socket is gone", _break_proxy, outlasts=True, of_proxy=True),
    Injury("kill-proxy", "`kill -9` of the proxy", _kill_proxy, of_proxy=True),
    Injury("fill-disk", "not a byte is left on the disk", _fill_disk, outlasts=True),
    Injury(
        "take-port", "another program takes the stable port in the first moment it is free", _take_port, outlasts=True
    ),
    Injury("corrupt-package", "a byte of the new package changes on the host", _corrupt_package, outlasts=True),
    Injury("freeze", "the whole host stands still for four seconds", _freeze),
    Injury("cut-power", "the host loses power and comes back; a second attempt follows", _cut_power),
    Injury("reboot", "the host is rebooted; a second attempt follows", _reboot),
)
