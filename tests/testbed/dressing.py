"""What makes a copy of the root file system one host: keys, names, its first process."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.testbed import plans

ACCOUNTS = {"root": 0, "deploy": 1000, "nosudo": 1001}
INIT = "/sbin/testbed-init"
_INIT = """\
#!/bin/sh
for name in cpu cpuacct cpuset memory devices freezer blkio pids; do # cgroup v1: let the inner systemd set limits
    [ -d /sys/fs/cgroup/$name ] && mount -o remount,bind,rw,nosuid,nodev,noexec /sys/fs/cgroup/$name 2>/dev/null
done
mkdir -p /dev/net
rm -f /dev/net/tun /dev/fuse # the machine's modes may keep containers without root out
mknod -m 666 /dev/net/tun c 10 200
mknod -m 666 /dev/fuse c 10 229
for table in nat filter; do # a reboot empties these, and this network outlives it
    [ ! -x /usr/sbin/iptables ] || { /usr/sbin/iptables -w -t $table -F; /usr/sbin/iptables -w -t $table -X; }
done
exec /lib/systemd/systemd SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 "$@" # systemd 256 and later refuse cgroup v1 else
"""
_SSHD = "HostKey /etc/ssh/ssh_host_ed25519_key\nMaxStartups 100\nMaxSessions 100\n"
_SSHD_PLAIN = "PermitRootLogin no\nUsePAM no\n"
_STORAGE = """\
[storage]
driver = "overlay"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
"""
_NOT_ON_PLAIN = ("usr/bin/systemctl", "usr/bin/sudo", "etc/sudoers.d/deploy")


def dress(plan: plans.Plan, host: plans.HostPlan, root: Path) -> None:
    """Write a host's identity into its root file system."""
    homes = _own_home(plan, host, root)
    for account, uid in ACCOUNTS.items():
        _authorize(plan, root / "root" if uid == 0 else homes / account, uid)
    _write(root / "etc/ssh/ssh_host_ed25519_key", (plan.folder(host) / "host_key").read_text(), 0o600)
    _write(root / "etc/ssh/sshd_config.d/testbed.conf", _SSHD + (_SSHD_PLAIN if host.kind == "plain" else ""))
    _write(root / "etc/hostname", f"{host.name}\n")
    lines = ["127.0.0.1 localhost", f"{plans.NETWORK}.1 hub", *(f"{one.address} {one.name}" for one in plan.hosts)]
    _write(root / "etc/hosts", "\n".join(lines) + "\n")
    # names that nobody knows fail at once, not after ten seconds
    _write(root / "etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    _by_kind(host, root)


def _by_kind(host: plans.HostPlan, root: Path) -> None:
    if host.kind == "plain":
        for name in _NOT_ON_PLAIN:
            (root / name).unlink(missing_ok=True)
        return
    _write(root / INIT.lstrip("/"), _INIT, 0o755)
    if host.kind == "podman":
        _write(root / "var/lib/systemd/linger/deploy", "")
        _write(root / "etc/containers/storage.conf", _STORAGE)


def _own_home(plan: plans.Plan, host: plans.HostPlan, root: Path) -> Path:
    """Rootless containers keep their images below home, which must not be an overlay: a folder is mounted there."""
    if host.kind != "podman":
        return root / "home"
    home = plan.folder(host) / "volumes" / "home"
    if not (home / "deploy").exists():
        shutil.copytree(root / "home", home, dirs_exist_ok=True, symlinks=True)
        for account in ("deploy", "nosudo"):
            for path in (home / account, *(home / account).rglob("*")):
                os.lchown(path, ACCOUNTS[account], ACCOUNTS[account])
    return home


def _authorize(plan: plans.Plan, home: Path, uid: int) -> None:
    folder = home / ".ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    _write(folder / "authorized_keys", (plan.state / "id.pub").read_text(), 0o600)
    for path in (folder, folder / "authorized_keys"):
        os.chown(path, uid, uid)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        path.unlink()
    path.write_text(text)
    path.chmod(mode)
