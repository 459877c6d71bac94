"""`scripts/fuzz-api [EXAMPLES] [--seed N] [--only TEXT]`: random requests of every operation; the last line counts."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import structlog

from mgmt_ansible.control_plane.api import create_app
from tests.contract.store.databases import migrated_sqlite
from tests.contract.store.sites import Site
from tests.fuzz.fuzzing import fuzz, known_ids


def main() -> int:
    """Fuzz, tell each first failure, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("examples", nargs="?", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() as folder:
        site = Site(f"sqlite:///{migrated_sqlite(Path(folder))}", Path(folder))
        site.ready()
        token = site.services.access.create_token(name="fuzz", kind="user", role="admin").token
        app = create_app(site.services, writes_per_second=0)
        findings = fuzz(
            app, token, examples=chosen.examples, known=known_ids(site), seed_number=chosen.seed, only=chosen.only
        )
        site.services.wakeups.stop()
        site.store.close()
    for label, failure in {**findings.server_errors, **findings.violations}.items():
        sys.stdout.write(f"--- {label}\n{failure}\n\n")
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(findings.statuses.items()))
    sys.stdout.write(f"statuses: {statuses}\n{findings.line}\n")
    return 1 if findings.server_errors or findings.violations else 0


if __name__ == "__main__":
    sys.exit(main())
