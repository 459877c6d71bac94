"""A private sshd on loopback, as the current user: this machine as a host, for `up`, `demo` and the tests.

It has a port, a host key, a user key and a known_hosts of its own in one folder; nothing of the user's or the machine's SSH
set-up is read or changed. Sessions with a terminal die on some machines (devpts without gid 5), so its `ansible.cfg` turns
pipelining on.
"""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import yaml

from mgmt_ansible import errors
from mgmt_ansible.quickstart import processes

_START_SECONDS = 60.0
_TRIES = 5

_SSHD_CONFIG = """\
ListenAddress {address}
Port {port}
HostKey "{host_key}"
PidFile none
AuthorizedKeysFile "{authorized_keys}"
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowUsers {user}
Subsystem sftp internal-sftp
LogLevel {log_level}
MaxSessions 200
MaxStartups 200
{extra}
SetEnv SHLVL=1
"""
"""The first SetEnv counts. Bash takes a deeper shell for none of sshd's, and so does not read the user's ~/.bashrc, which may
take longer than what it is run for, or print.
"""

_ANSIBLE_CFG = """\
[defaults]
host_key_checking = True
gathering = explicit
forks = 50
retry_files_enabled = False
nocows = True
[connection]
pipelining = True
[ssh_connection]
pipelining = True
"""


def find_sshd() -> str | None:
    """Return the absolute path of OpenSSH's server (sshd insists on one), or None."""
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/sbin")


def free_port(address: str = "127.0.0.1") -> int:
    """Return a TCP port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def is_free(address: str, port: int) -> bool:
    """Return whether nothing listens on a TCP port at this moment."""
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True


class LoopbackHost:
    """One sshd on loopback, owned by whoever starts it; also a context manager.

    Attributes:
        directory: Holds everything, 0700; may be reused: keys stay, so known_hosts stays true.
        name: Inventory name of the host.
        address: Where it listens.
        port: TCP port; valid after `start`.
        log_path: sshd's log, level VERBOSE: one `Starting session` line an SSH exec.
    """

    def __init__(
        self,
        directory: Path,
        *,
        name: str = "loopback",
        address: str = "127.0.0.1",
        log_level: str = "VERBOSE",
        extra_config: str = "",
    ) -> None:
        """Describe a host; nothing happens before `start`.

        Args:
            directory: See the class; made when absent.
            name: Inventory name.
            address: A loopback address.
            log_level: sshd's.
            extra_config: More sshd_config lines.
        """
        self.directory = directory
        self.name = name
        self.address = address
        self.port = 0
        self.user = getpass.getuser()
        self.host_key = directory / "host_key"
        self.user_key = directory / "user_key"
        self.known_hosts = directory / "known_hosts"
        self.log_path = directory / "sshd.log"
        self.inventory = directory / "inventory.yml"
        self.ansible_cfg = directory / "ansible.cfg"
        self._mark_path = directory / "sshd.json"
        self._log_level = log_level
        self._extra_config = extra_config
        self._process: subprocess.Popen[bytes] | None = None
        self._mark: processes.ProcessMark | None = None

    def __enter__(self) -> LoopbackHost:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, port: int = 0) -> None:
        """Start the sshd and write inventory, known_hosts and ansible.cfg; blocks until it answers.

        Args:
            port: Wanted port; another is taken when it is in use. 0 takes any.

        Raises:
            QuickstartError: OpenSSH's server is not installed, or did not start.
        """
        sshd = find_sshd()
        if sshd is None:
            raise errors.QuickstartError("OpenSSH's server is missing: run `apt-get install openssh-server` as root")
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory.chmod(0o700)
        self.stop()
        self._make_keys()
        for attempt in range(_TRIES):
            self.port = port if port and attempt == 0 and is_free(self.address, port) else free_port(self.address)
            if self._listen(sshd):
                break
        else:
            raise errors.QuickstartError(f"sshd did not start; see {self.log_path}: {self._log_end()}")
        self._write_files()

    def stop(self) -> None:
        """Stop the sshd and its sessions; also one that a killed predecessor left in the same directory."""
        for mark in (self._mark, processes.find_mark(self._mark_path)):
            if mark is not None:
                processes.stop_tree(mark)
        self._mark_path.unlink(missing_ok=True)
        if self._process is not None:
            self._process.terminate()  # interrupted before it had a mark
            self._process.wait()
            self._process = None

    def host_variables(self) -> dict[str, object]:
        """Return the inventory variables of the host."""
        return {
            "ansible_host": self.address,
            "ansible_port": self.port,
            "ansible_user": self.user,
            "ansible_ssh_private_key_file": str(self.user_key),
            "ansible_ssh_common_args": shlex.join(self._options()),
            "ansible_python_interpreter": sys.executable,
        }

    def session_count(self) -> int:
        """Return how many sessions (SSH execs, sftp included) sshd has logged so far."""
        return self.log_path.read_text(errors="replace").count("Starting session")

    def _options(self) -> list[str]:
        settings = (
            f'UserKnownHostsFile="{self.known_hosts}"',
            "GlobalKnownHostsFile=/dev/null",
            "StrictHostKeyChecking=yes",
            "IdentitiesOnly=yes",
            "BatchMode=yes",
        )
        return ["-F", "/dev/null", *(part for setting in settings for part in ("-o", setting))]

    def _make_keys(self) -> None:
        for key in (self.host_key, self.user_key):
            if not key.exists():
                command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "mgmt-ansible loopback", "-f", str(key)]
                subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        authorized_keys = self.directory / "authorized_keys"
        shutil.copyfile(self.user_key.with_suffix(".pub"), authorized_keys)
        authorized_keys.chmod(0o600)

    def _listen(self, sshd: str) -> bool:
        config = self.directory / "sshd_config"
        config.write_text(
            _SSHD_CONFIG.format(
                address=self.address,
                port=self.port,
                host_key=self.host_key,
                authorized_keys=self.directory / "authorized_keys",
                user=self.user,
                log_level=self._log_level,
                extra=self._extra_config,
            )
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd refuses to start as root without it
        self._process = subprocess.Popen(
            [sshd, "-D", "-f", str(config), "-E", str(self.log_path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._mark = processes.mark_process(self._process.pid)
        if self._mark is not None:
            processes.write_mark(self._mark_path, self._mark)
        return self._answers()

    def _answers(self) -> bool:
        process = self._process
        deadline = time.monotonic() + _START_SECONDS
        while process is not None and process.poll() is None and time.monotonic() < deadline:
            try:
                with socket.create_connection((self.address, self.port), timeout=1) as connection:
                    if connection.recv(4) == b"SSH-":
                        return True
            except OSError:
                time.sleep(0.02)
        return False

    def _write_files(self) -> None:
        kind, key = self.host_key.with_suffix(".pub").read_text().split()[:2]
        self.known_hosts.write_text(f"[{self.address}]:{self.port} {kind} {key}\n")
        self.ansible_cfg.write_text(_ANSIBLE_CFG)
        inventory = {"all": {"hosts": {self.name: self.host_variables()}}}
        self.inventory.write_text(yaml.safe_dump(inventory, sort_keys=False))

    def _log_end(self) -> str:
        return self.log_path.read_text(errors="replace")[-500:].strip() if self.log_path.exists() else "no log"
