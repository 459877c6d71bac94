"""What is asked on a host, as small shell scripts that only read, and what their answers mean.

A script comes by standard input to `/bin/sh -s`, so that the login shell may be any. Each line of its answer begins with a word
made up for the occasion: what a shell's start files print is never taken for an answer.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mgmt_ansible.domain.environments import Supervision
from mgmt_ansible.domain.outcomes import Cause
from mgmt_ansible.domain.preflight import Check, CheckName, failed, ok, skipped, warning

OLDEST_PYTHON = (3, 8)
"""What the host side needs; source: docs/how-to/your-own-inventory.md."""

LARGEST_SKEW_SECONDS = 30
FEWEST_INODES = 10_000
"""A Python environment for ONNX models holds a few thousand files; the rest is room for packages."""

_COMMON = """\
LC_ALL=C; export LC_ALL
say() { printf '%s %s %s\\n' WORD "$1" "$2"; }
first() { head -n 1 | head -c 400; }
nearest() { a=$1; while [ ! -e "$a" ] && [ "$a" != / ] && [ "$a" != . ]; do a=$(dirname -- "$a"); done; printf '%s' "$a"; }
place() {
  case $2 in '~') d=$HOME;; '~/'*) d=$HOME/${2#'~/'};; *) d=$2;; esac
  n=$(nearest "$d")
  say "$1" "$d"
  say "$1-nearest" "$n"
  if [ ! -d "$n" ]; then say "$1-use" "not a directory"
  elif [ -w "$n" ] && [ -x "$n" ]; then say "$1-use" yes
  else say "$1-use" "no: $(ls -ld -- "$n" 2>&1 </dev/null | first)"
  fi
}
"""
_LOGIN = """\
say clock "$(date +%s)"
for p in PYTHONS; do
  if v=$("$p" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>&1 </dev/null | first); then
    case $v in [0-9]*.[0-9]*.[0-9]*) say python "$v $p"; break;; *) say python-refused "$p: $v";; esac
  fi
done
place tmp REMOTE_TMP
say end login
"""
_EFFECTIVE = """\
say user "$(id -un 2>/dev/null || id -u)"
base=BASE_DIR
if [ -z "$base" ]; then
  if [ "$(id -u)" = 0 ]; then base=/var/lib/mgmt-ansible; else base='~/.local/share/mgmt-ansible'; fi
fi
place base "$base"
say space "$(df -Pk -- "$n" 2>/dev/null </dev/null | tail -n 1)"
say inodes "$(df -Pi -- "$n" 2>/dev/null </dev/null | tail -n 1)"
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null; then
  if [ "$(id -u)" = 0 ]; then say units system
  elif [ -e "/var/lib/systemd/linger/$(id -un)" ]; then say units user
  fi
fi
say crontab "$(command -v crontab)"
say crontab-says "$(crontab -l 2>&1 >/dev/null </dev/null | first)"
say end effective
"""
_DF = re.compile(r"\s(\d{1,18})\s+(\d{1,18})\s+(-?\d{1,18})\s+(?:\d{1,3}%|-)\s+/")
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,9})\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What a script answered: name -> words."""

    values: Mapping[str, str]

    def get(self, name: str) -> str:
        """Return the words of a name; empty when there are none."""
        return self.values.get(name, "")

    def ended(self, name: str) -> bool:
        """Tell whether the script came to its end."""
        return self.get("end") == name


def login_script(word: str, *, pythons: Iterable[str], remote_tmp: str) -> str:
    """Return what is asked as the user who logs in.

    Args:
        word: Begins each line of the answer; letters only.
        pythons: Interpreters, the first that answers is taken.
        remote_tmp: Ansible's, `~` allowed.
    """
    return _filled(_COMMON + _LOGIN, word, PYTHONS=shlex.join(pythons), REMOTE_TMP=shlex.quote(remote_tmp))


def effective_script(word: str, *, base_dir: str) -> str:
    """Return what is asked as the user who will do the work.

    Args:
        word: Begins each line of the answer; letters only.
        base_dir: As in the agent's configuration; empty lets the host choose.
    """
    return _filled(_COMMON + _EFFECTIVE, word, BASE_DIR=shlex.quote(base_dir))


def _filled(script: str, word: str, **values: str) -> str:
    pattern = re.compile(r"\b(?:WORD|{})\b".format("|".join(values)))
    return pattern.sub(lambda found: {"WORD": word, **values}[found.group()], script)


def read_facts(text: str, word: str) -> HostFacts:
    """Return what a script answered; the first line of a name counts."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        begin, _, rest = line.partition(" ")
        name, _, words = rest.partition(" ")
        if begin == word:
            values.setdefault(name, words[:1_000])
    return HostFacts(values=values)


def login_checks(facts: HostFacts, *, began: float, ended: float, python_given: bool) -> list[Check]:
    """Return what the answer of `login_script` means.

    Args:
        facts: The answer.
        began: This machine's clock when it was asked, seconds since 1970.
        ended: The same when it had answered.
        python_given: Whether the inventory names the interpreter.
    """
    return [_python(facts, python_given), _tmp(facts), _clock(facts, began, ended)]


def effective_checks(
    facts: HostFacts, *, package_bytes: int, boot_start: bool, supervision: Supervision = Supervision.AUTO
) -> list[Check]:
    """Return what the answer of `effective_script` means.

    Args:
        facts: The answer.
        package_bytes: Size of the largest archive to come; 0 when none is known.
        boot_start: Whether deployments shall come back after a reboot.
        supervision: What shall keep them running.
    """
    units = facts.get("units") if supervision is not Supervision.PROCESS else ""
    return [_base_dir(facts), _space(facts, package_bytes), _inodes(facts), _boot_start(facts, boot_start, units)]


def _python(facts: HostFacts, given: bool) -> Check:
    name = CheckName.PYTHON
    found = _VERSION.match(facts.get("python"))
    if found is None:
        said = facts.get("python-refused")
        message = "the interpreter that the inventory names does not run" if given else "no Python was found"
        command = "set ansible_python_interpreter to one that is there" if given else "apt-get install python3"
        return failed(name, Cause.PYTHON_MISSING, message, said, command)
    path = facts.get("python").partition(" ")[2]
    if (int(found[1]), int(found[2])) < OLDEST_PYTHON:
        message = f"{path} is Python {found.group().strip()}; 3.8 or newer is needed"
        return failed(name, Cause.PYTHON_MISSING, message, facts.get("python"), "set ansible_python_interpreter")
    return ok(name, f"{path} is Python {found.group().strip()}")


def _tmp(facts: HostFacts) -> Check:
    name, path = CheckName.REMOTE_TMP, facts.get("tmp")
    if "$" in path or path.startswith("~"):
        return skipped(name, f"only a run resolves {path}")
    if facts.get("tmp-use") == "yes":
        return ok(name, f"{path} can be written")
    message = f"{path} cannot be written by the user who logs in"
    return failed(name, Cause.UNREACHABLE, message, facts.get("tmp-use"), "set ansible_remote_tmp, or mend its mode")


def _clock(facts: HostFacts, began: float, ended: float) -> Check:
    name, said = CheckName.CLOCK, facts.get("clock")
    if not re.fullmatch(r"\d{1,12}", said):
        return skipped(name, "the host's `date` tells no seconds")
    skew = max(int(said) - int(ended) - 1, int(began) - int(said) - 1, 0)
    if skew <= LARGEST_SKEW_SECONDS:
        return ok(name, f"at most {skew} s from this machine's" if skew else "as this machine's")
    way = "ahead of" if int(said) > ended else "behind"
    message = f"the host's clock is {skew} s {way} this machine's"
    return warning(name, message, f"host {said}, here {int(ended)}", "timedatectl set-ntp true")


def _base_dir(facts: HostFacts) -> Check:
    name, path, use = CheckName.BASE_DIR, facts.get("base"), facts.get("base-use")
    user = facts.get("user")
    if use == "yes":
        return ok(name, f"{path} can be written by {user}")
    nearest = facts.get("base-nearest")
    message = f"{path} cannot be made or written by {user}: {nearest} is what is there"
    command = f"install -d -o {shlex.quote(user)} -m 0700 {shlex.quote(path)}"
    return failed(name, Cause.UNKNOWN, message, f"{nearest}: {use}", command)


def _space(facts: HostFacts, package_bytes: int) -> Check:
    name, row = CheckName.SPACE, facts.get("space")
    found = _DF.search(row)
    if found is None:
        return skipped(name, "the host's `df` tells nothing")
    free, wanted = int(found[3]) * 1024, package_bytes * 22 // 10
    if free >= wanted and free > 0:
        need = f"; {_mib(wanted)} are wanted" if wanted else ""
        return ok(name, f"{_mib(free)} are free{need}")
    message = f"{_mib(free)} are free, {_mib(wanted)} are wanted: twice the largest package and a tenth"
    return failed(name, Cause.DISK, message, row, f"df -h {shlex.quote(facts.get('base-nearest'))}", kind="df")


def _inodes(facts: HostFacts) -> Check:
    name, row = CheckName.INODES, facts.get("inodes")
    found = _DF.search(row)
    if found is None or int(found[1]) == 0:
        return skipped(name, "the file system does not count them")
    free = int(found[3])
    command = f"df -i {shlex.quote(facts.get('base-nearest'))}"
    if free <= 0:
        return failed(name, Cause.DISK, "no inodes are free", row, command, kind="df")
    if free < FEWEST_INODES:
        return warning(name, f"only {free} inodes are free", row, command, kind="df")
    return ok(name, f"{free} are free")


def _boot_start(facts: HostFacts, wanted: bool, units: str) -> Check:
    name, says = CheckName.BOOT_START, facts.get("crontab-says")
    if not wanted:
        return skipped(name, "boot_start is off")
    if units:
        return ok(name, f"{units} units of systemd start deployments after a reboot")
    if not facts.get("crontab"):
        message = "no crontab: deployments will not come back after a reboot"
        return warning(name, message, "", "apt-get install cron")
    if says and "no crontab for" not in says:
        return warning(name, "the user may not use crontab", says, "look at /etc/cron.allow and /etc/cron.deny")
    return ok(name, f"{facts.get('crontab')} is there")


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB" if size >= 10 << 20 else f"{size / (1 << 20):.1f} MiB"
