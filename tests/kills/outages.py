"""`scripts/outages`: an agent that is frozen for longer than its claim, a control plane that is away, cut transfers.

```
 frozen-agent    A works on a replace, stands before the switch, is frozen; B takes over and does a newer replace;
                 A wakes up and may change nothing
 control-plane   away for the whole of a run and 1,000 more reports; back: each delivered once, in order
 transfer        the connection is cut while a package is on its way to a host, at random moments
```
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from signal import Signals
from typing import TYPE_CHECKING

from mgmt_ansible.adapters.report_spools import SqliteReportSpool
from mgmt_ansible.domain.actions import FINAL
from mgmt_ansible.domain.reports import ProgressReport, Report
from mgmt_ansible.domain.runs import RunProgress
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.quickstart import processes, signals
from tests.kills.barriers import Barrier
from tests.kills.campaigns import say
from tests.kills.deployments import LAUNCH, REPLACE, Deployments
from tests.kills.effects import read_effects
from tests.kills.oracle import judge
from tests.kills.rounds import REACH_SECONDS
from tests.kills.sites import KillSite, wait_for
from tests.kills.transfers import cut_transfers

if TYPE_CHECKING:
    from collections.abc import Sequence

_TAKEOVER_SECONDS = 600.0
_DELIVERY_SECONDS = 300.0
_WATCHED_SECONDS = 15.0
"""After the thaw: that nothing happens can only be watched."""


def main() -> int:
    """Run the command line; 1 when something that may not be is seen."""
    parser = argparse.ArgumentParser(prog="scripts/outages", description=__doc__)
    parser.add_argument("what", choices=("frozen-agent", "control-plane", "transfer"))
    parser.add_argument("--reports", type=int, default=1000, help="reports beside those of the run")
    parser.add_argument("--freeze", choices=("agent", "both"), help="frozen-agent: only this; both = with the module")
    parser.add_argument("--rounds", type=int, default=20, help="transfer: how many are cut")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="transfer: moments")
    asked = parser.parse_args()
    with signals.interruptible(), KillSite() as site:
        if asked.what == "control-plane":
            return 0 if control_plane_away(site, asked.reports) else 1
        if asked.what == "transfer":
            return 0 if cut_transfers(site, asked.rounds, asked.seed) else 1
        variants = [asked.freeze] if asked.freeze else ["agent", "both"]
        deployments = Deployments(site)
        quiet = [frozen_agent(site, deployments, module_too=variant == "both") for variant in variants]
        return 0 if all(quiet) else 1


def frozen_agent(site: KillSite, deployments: Deployments, *, module_too: bool) -> bool:
    """Freeze an agent before the switch, let another do something newer, thaw it; returns whether nothing happened.

    Args:
        site: Running.
        deployments: Of the site, all of them.
        module_too: Freeze the module on the host as well; else it only stands at its barrier.
    """
    deployment_id = deployments.ready_for(REPLACE, 1)
    barrier = Barrier.arm(site.barriers, deployment_id, "step:switch", attempt=1)
    old = deployments.ask(REPLACE, deployment_id)
    facts = barrier.wait(REACH_SECONDS)
    frozen = [site.agent.pid, *([int(facts["pid"])] if module_too else [])]
    marks = [processes.mark_process(pid) for pid in frozen]
    _signal(frozen, Signals.SIGSTOP)
    say(f"agent {site.agent.pid} is frozen{', the module too,' if module_too else ''} before the switch")
    try:
        _others_replace(site, deployments, deployment_id, old)
        before = read_effects(site.base_dir("h1"), deployment_id)
        say(f"the other agent did a newer replace too; {len(before)} effects")
    finally:
        barrier.release()
        _signal([mark.pid for mark in marks if mark is not None and mark.alive], Signals.SIGCONT)
    say("the frozen ones wake up")
    time.sleep(_WATCHED_SECONDS)
    quiet = _prove_quiet(site, deployments, deployment_id, len(before))
    barrier.clear()
    site.other.stop()
    return quiet


def _others_replace(site: KillSite, deployments: Deployments, deployment_id: str, old: str) -> None:
    began = time.monotonic()
    site.other.start()
    _wait_final(site, old)
    say(
        f"the other agent finished it as the next attempt {time.monotonic() - began:.1f} s after the freeze (promised: 60)"
    )
    _wait_final(site, deployments.ask(REPLACE, deployment_id))


def _prove_quiet(site: KillSite, deployments: Deployments, deployment_id: str, effects_before: int) -> bool:
    effects = read_effects(site.base_dir("h1"), deployment_id)
    for effect in effects:
        say(f"    {effect.text}")
    newest = next(iter(site.client.actions.list_actions(deployment_id=deployment_id)))
    wanted = deployments.wanted
    findings = judge(site, wanted[deployment_id], newest, wanted.values())
    later = len(effects) - effects_before
    say(f"{later} effects after the thaw; {'; '.join(one.text for one in findings) or 'the newer model serves'}")
    return later == 0 and not findings


def control_plane_away(site: KillSite, count: int) -> bool:
    """Stop the control plane for the whole of a run and more; returns whether all of it came once, in order, in time.

    Args:
        site: Running.
        count: Reports that the agent's spool holds beside those of the run.
    """
    deployments = Deployments(site)
    deployment_id = deployments.ready_for(LAUNCH, 1)
    barrier = Barrier.arm(site.barriers, deployment_id, "step:fence")
    action_id = deployments.ask(LAUNCH, deployment_id)
    barrier.wait(REACH_SECONDS)
    site.stop_plane()
    say("the control plane is stopped while the module works")
    barrier.release()
    spool = site.folder.root / site.agent.name / "reports.sqlite3"
    wait_for(lambda: "result" in _kinds(spool), "the result to be spooled")
    reports = _fill(site, action_id, count)
    waiting = _ids(spool)
    say(f"the run is over: {len(waiting)} reports wait in the spool, {dict.fromkeys(_kinds(spool))}")
    known = _delivered(site)
    began = time.monotonic()
    site.start_plane()
    wait_for(lambda: not _ids(spool), "the spool to be empty", seconds=_DELIVERY_SECONDS)
    seconds = time.monotonic() - began
    say(
        f"the spool was empty {seconds:.1f} s after the start of the control plane; {len(reports)} of its reports are ours"
    )
    return _prove_delivery(site, action_id, waiting, _delivered(site)[len(known) :])


def _fill(site: KillSite, action_id: str, count: int) -> list[str]:
    """Put reports into the agent's own spool file through the agent's own code; returns their ids."""
    spool = SqliteReportSpool(site.folder.root / site.agent.name / "reports.sqlite3", _never)
    try:
        made = [_progress(action_id, number) for number in range(count)]
        for report in made:
            spool.put(report)
    finally:
        spool.close()
    return [report.id for report in made]


def _progress(action_id: str, number: int) -> ProgressReport:
    progress = RunProgress(run_id="0" * 24, step=f"step {number}", host="h1", at=datetime.now(UTC))
    return ProgressReport(id=make_id(), action_id=action_id, attempt=1, progress=progress)


def _never(reports: Sequence[Report]) -> None:
    raise AssertionError(f"{len(reports)} reports were sent by somebody who must not")


def _prove_delivery(site: KillSite, action_id: str, waiting: list[str], arrived: list[str]) -> bool:
    """Compare ids and their order, and count what the reports caused: a report taken twice would cause it twice."""
    missing = set(waiting) - set(arrived)
    in_order = [one for one in arrived if one in set(waiting)] == waiting
    _wait_final(site, action_id)
    action = site.client.actions.get_action(action_id)
    ends, runs = _caused(site, action_id)
    say(
        f"{len(waiting) - len(missing)} of {len(waiting)} delivered, in order: {in_order};"
        f" they caused {ends} end and {runs} run; the action is {action.status}, attempt {action.attempt}"
    )
    return not missing and in_order and (ends, runs) == (1, 1) and action.status == "succeeded"


def _caused(site: KillSite, action_id: str) -> tuple[int, int]:
    """Return how many ends of an action the feed has, and how many runs of its first attempt there are."""
    with closing(sqlite3.connect(f"file:{_database(site)}?mode=ro", uri=True)) as connection:
        types = connection.execute("SELECT type FROM deployment_events WHERE action_id = ?", (action_id,)).fetchall()
        runs = connection.execute("SELECT count(*) FROM runs WHERE action_id = ? AND attempt = 1", (action_id,))
        return sum(one.endswith(("_succeeded", "_failed")) for (one,) in types), runs.fetchone()[0]


def _delivered(site: KillSite) -> list[str]:
    """Return the ids of reports that the control plane's database holds, in the order in which it took them."""
    with closing(sqlite3.connect(f"file:{_database(site)}?mode=ro", uri=True)) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM reports ORDER BY rowid")]


def _database(site: KillSite) -> str:
    return str(next(site.folder.control_plane.glob("*.sqlite3")))


def _ids(spool: os.PathLike[str]) -> list[str]:
    return [row[0] for row in _rows(spool, "SELECT id FROM reports ORDER BY position")]


def _kinds(spool: os.PathLike[str]) -> list[str]:
    return [row[0] for row in _rows(spool, "SELECT kind FROM reports ORDER BY position")]


def _rows(spool: os.PathLike[str], query: str) -> list[tuple[str]]:
    with closing(sqlite3.connect(f"file:{os.fspath(spool)}?mode=ro", uri=True, timeout=10)) as connection:
        return connection.execute(query).fetchall()


def _wait_final(site: KillSite, action_id: str) -> None:
    actions = site.client.actions
    wait_for(lambda: actions.get_action(action_id).status in FINAL, f"action {action_id}", seconds=_TAKEOVER_SECONDS)


def _signal(pids: Sequence[int], number: Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


if __name__ == "__main__":
    raise SystemExit(main())
