"""What a machine needs to carry hosts, each answer with the package or the next step."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.testbed import cgroups
from tests.testbed.commands import BedError

PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "nft": "nftables",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "nsenter": "util-linux",
    "mkfs.ext4": "e2fsprogs",
}


def reason_against() -> str | None:
    """Return why no host can be made here, or None; one reason at a time, the first to mend first."""
    if os.geteuid() != 0:
        return "needs root: network namespaces, mounts and cgroups are made"
    path = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
    if shutil.which("apt-get", path=path) is None:
        return "needs a Debian-like machine: apt-get is missing"
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program, path=path) is None]
    if missing:
        return f"programs are missing: apt-get install --no-install-recommends {' '.join(missing)}"
    if not _can_make_namespaces():
        return "no namespaces can be made here (an unprivileged container?)"
    root = cgroups.version_2_root()
    if root is None or not os.access(root, os.W_OK) or not (root / "cgroup.procs").exists():
        return "no writable cgroup v2 at /sys/fs/cgroup or /sys/fs/cgroup/unified"
    return None


def check() -> None:
    """Make sure that hosts can be made here.

    Raises:
        BedError: They cannot; with the reason.
    """
    reason = reason_against()
    if reason is not None:
        raise BedError(reason)
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"


def _can_make_namespaces() -> bool:
    command = ["unshare", "--net", "--pid", "--mount", "--fork", "true"]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    return done.returncode == 0 and Path("/proc/sys/kernel/ns_last_pid").parent.exists()
