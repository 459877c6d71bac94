"""A copy of our playbooks and roles whose host side can be stopped at its named steps; nothing else is changed.

Inventory variable `kills_base_dir` gives a host a base directory of its own, so that one machine can be two hosts.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from mgmt_ansible.settings.content import default_content_path

if TYPE_CHECKING:
    from pathlib import Path

_FUTURE = "from __future__ import annotations\n"
_BASE_DIR = "mgmt_event.settings.base_dir }}"
_OWN_BASE_DIR = "kills_base_dir | default(mgmt_event.settings.base_dir) }}"


def copy_content(target: Path, barriers: Path, *, release: str = "") -> Path:
    """Make a copy to be named as an agent's `content_path`; returns the target.

    Args:
        target: Made here.
        barriers: Folder of the barriers.
        release: Text that makes this host side another release than that of other copies.
    """
    source = default_content_path()
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("playbooks", "roles"):
        shutil.copytree(source / name, target / name, ignore=ignored)
    for playbook in (target / "playbooks").glob("*.yml"):
        playbook.write_text(playbook.read_text().replace(_BASE_DIR, _OWN_BASE_DIR))
    _hook(target / "playbooks" / "module_utils" / "mgmt_host" / "journal.py", barriers, release)
    return target


def _hook(journal: Path, barriers: Path, release: str) -> None:
    here = default_content_path() / "tests" / "kills"
    parts = [(here / name).read_text().replace(_FUTURE, "") for name in ("reaching.py", "host_hook.py")]
    constants = f"\nKILLS_FOLDER = {str(barriers)!r}\nKILLS_RELEASE = {release!r}\n"
    journal.write_text("\n".join([journal.read_text(), constants, *parts]))
