"""Wheels for the Python of hosts that have no way out, downloaded once."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.testbed.commands import run
from tests.testbed.hosts import Host


def find_or_download(host: Host, requirements: Sequence[str]) -> Path:
    """Return a folder of wheels for a host's Python, which is filled when it is absent.

    Raises:
        BedError: pip cannot download them.
    """
    version = host.ssh("python3 -c 'import sys; print(*sys.version_info[:2], sep=str(chr(46)))'").stdout.strip()
    key = hashlib.sha256(repr((tuple(requirements), version)).encode()).hexdigest()[:12]
    folder = host.plan.cache / f"wheels-{key}"
    if not folder.exists():
        draft = folder.with_suffix(".draft")
        options = ("--only-binary=:all:", "--python-version", version, "--dest", draft)
        run(sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", *options, *requirements)
        draft.rename(folder)
    return folder
