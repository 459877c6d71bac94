"""Several processes with several threads each claim from one database: nothing is held twice with the same attempt."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

from tests.contract.store.sites import Site

PROGRAM = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from mgmt_ansible.control_plane.access import Principal
from mgmt_ansible.control_plane.package_files import PackageFiles
from mgmt_ansible.control_plane.services import build_services
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.domain.reports import ClaimRequest
from mgmt_ansible.errors import StoreUnavailableError

url, environment, folder, name = sys.argv[1:]
agent = Principal(token_id="t", name="agent", kind="agent", environment_ids=(environment,))

def claim_all(hours):
    # Every round an hour later, so that each claim of the round before has expired.
    clock = lambda: datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hours)
    store = Store(url, clock=clock)
    agents = build_services(store, PackageFiles(Path(folder), max_bytes=1), None).agents
    request = ClaimRequest(instance_id=name, environment_ids=(environment,))
    found = []
    while True:
        try:
            claim = agents.claim(agent, request)
        except StoreUnavailableError:  # too many at once: agents ask again
            continue
        if claim is None:
            break
        found.append([claim.spec.id, claim.attempt])
    store.close()
    return found

with ThreadPoolExecutor(2) as pool:
    print(json.dumps([one for found in pool.map(claim_all, [1, 2, 3]) for one in found]))
"""


def test_no_action_is_held_twice_with_the_same_attempt(site: Site):
    """Two processes, two threads each, while claims expire."""
    environment = site.add_environment("busy", interval=0)
    site.environment = environment
    expected = {site.create(f"d{number}") for number in range(8)}
    url = site.store._database.engine.url.render_as_string(hide_password=False)
    arguments = [sys.executable, "-c", PROGRAM, url, environment.id, "/nowhere"]

    workers = [subprocess.Popen([*arguments, f"w{n}"], stdout=subprocess.PIPE) for n in range(2)]
    claims = [tuple(claim) for worker in workers for claim in json.loads(worker.communicate(timeout=250)[0])]

    assert expected == {action for action, _ in claims}
    assert {1} == set(Counter(claims).values())
    newest = {action: max(attempt for one, attempt in claims if one == action) for action in expected}
    assert newest == {action: site.action(action).attempt for action in expected}
