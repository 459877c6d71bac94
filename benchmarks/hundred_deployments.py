"""One hundred deployments, each its own process, on one host; then one `environment_status`.

    python -m benchmarks.hundred_deployments [COUNT]

Proves: one run, one SSH session (sshd's own log), every deployment observed as serving.
"""

from __future__ import annotations

import sys
import time

from benchmarks import sites
from mgmt_ansible.quickstart.site import Site


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with sites.running_site() as site:
        return prove(site, count)


def prove(site: Site, count: int) -> int:
    package = next(iter(site.upload().values()))
    names = [f"fleet-{number:03}" for number in range(count)]
    began = time.monotonic()
    for action_id in [sites.launch(site, name, package.id, minimum_healthy_seconds=0) for name in names]:
        sites.wait(site, action_id)
    endpoints = [one for name in names for one in site.client.deployments.get_deployment(name).endpoints]
    print(f"{count} launched in {time.monotonic() - began:.0f} s, {len({one.pid for one in endpoints})} processes")
    sessions, runs = site.host.session_count(), len(list(site.client.runs.list_runs()))
    began = time.monotonic()
    action = sites.wait(site, site.client.environments.ask_status(site.environment.id).action_id or "")
    seconds = time.monotonic() - began
    sessions, runs = site.host.session_count() - sessions, len(list(site.client.runs.list_runs())) - runs
    observed = [one for host in action.hosts for one in host.observations.values()]
    serving = sum(one.state == "running" and one.outcome == "ok" for one in observed)
    fine = (len({one.pid for one in endpoints}), runs, sessions, serving) == (count, 1, 1, count)
    print(f"environment_status in {seconds:.1f} s: {runs} run, {sessions} SSH session, {serving} of {count} serving")
    print(f"goal hundred_deployments: {'ok' if fine else 'missed'}")
    return 0 if fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
