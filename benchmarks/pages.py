"""How every page feels in headless Chromium, over a real control plane with a large feed: first and largest paint, INP, CLS.

    python -m benchmarks.pages [EVENTS [PATH...]]

The database is SQLite with 1,000 deployments and 10,000 runs, one of them with a log of 20,000 lines; one environment has 100 hosts times 50 deployments. Prints
`goal NAME: VALUE (limit LIMIT) ok|missed` lines for each page: the median of five visits without a cache, and the worst.
"""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Mapping

from playwright.sync_api import Browser, sync_playwright

from benchmarks import event_feeds, event_fill, run_histories, web_vitals
from benchmarks.event_servers import Server, database, opened, served
from mgmt_ansible.control_plane.store import Store
from mgmt_ansible.control_plane.store.packages import EVERY_PACKAGE
from mgmt_ansible.domain.event_filters import EVERYTHING
from mgmt_ansible.domain.outcomes import Cause, HostOutcome, Identity, Outcome
from tests.acceptance.pages.conftest import ARGUMENTS

LIMITS: Mapping[str, tuple[str, float, str]] = {
    "fcp": ("first paint", 1000, " ms"),
    "lcp": ("largest paint", 2500, " ms"),
    "inp": ("click to paint", 200, " ms"),
    "cls": ("layout shift", 0.1, ""),
}
"""Field of `web_vitals.Vitals` -> name, the limit and its unit. Source: the acceptance list, and Web Vitals."""
ROUNDS = 5
HOSTS = 100
RUNS = 10_000
DIGEST = "5f" * 32


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with database("sqlite") as base:
        with opened(base) as store:
            names = event_feeds.make_places(store, base.folder)
        event_fill.fill(base.url, names, count)
        with opened(base) as store:
            deployments = names.deployment_ids[:: event_feeds.ENVIRONMENTS]
            tell_hosts(store, names.environment_ids[0], deployments)
            newest = newest_entry(store)
            run = run_histories.fill(store, names.environment_ids[0], deployments, RUNS)
            package = newest_package(store)
        chosen = sys.argv[2:]
        paths = (
            "/",
            "/?search=deployment00&sort=serviceHealth",
            f"/deployments/{deployments[0]}",
            f"/deployments/{deployments[0]}?strip=90d",
            f"/deployments/{deployments[0]}/events",
            f"/deployments/{deployments[0]}/history",
            f"/deployments/{deployments[0]}/ask/stop",
            "/events",
            "/events?search=latency&health=failing",
            f"/events?event={newest}",
            f"/events/{newest}",
            f"/matrix?environment={names.environment_ids[0]}",
            "/runs",
            "/runs?status=failed&search=deployment&within=7d",
            f"/runs/{run}",
            "/environments",
            f"/environments/{names.environment_ids[0]}",
            "/packages",
            f"/packages/{package}",
        )
        with served(base) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium-headless-shell") or shutil.which("chromium"),
                args=list(ARGUMENTS),
            )
            missed = [
                path for path in paths if path.startswith(tuple(chosen or "/")) and not measure(browser, server, path)
            ]
            browser.close()
    return 1 if missed else 0


def tell_hosts(store: Store, environment_id: str, deployment_ids: tuple[str, ...]) -> None:
    identity = Identity(digest=DIGEST, generation=1, slot="a", port=8000, pid=1, start_time=1, url="http://h:8000/")
    fine = [HostOutcome(host=f"h{number:03d}", outcome=Outcome.OK, identity=identity) for number in range(HOSTS - 3)]
    bad = [HostOutcome(host=f"z{number}", outcome=Outcome.FAILED, cause=Cause.NOT_READY) for number in range(3)]
    with store.write() as tx:
        for deployment_id in deployment_ids:
            tx.deployment_hosts.tell(
                deployment_id, [*fine, *bad], environment_id=environment_id, action_id="a" * 24, at=tx.now
            )


def newest_entry(store: Store) -> str:
    with store.read() as tx:
        return tx.deployment_events.preceding(EVERYTHING, before=2**62, limit=1)[0].id


def newest_package(store: Store) -> str:
    with store.read() as tx:
        return tx.packages.list(EVERY_PACKAGE, limit=1, offset=0).data[0].id


def measure(browser: Browser, server: Server, path: str) -> bool:
    """Visit a page several times, each in a new browser session, and print its lines."""
    visits = [visit(browser, server, path) for _ in range(ROUNDS)]
    shown = path if len(path) < 60 else f"{path[:57]}..."  # noqa: PLR2004
    fine = True
    for field, (name, limit, unit) in LIMITS.items():
        values = [float(getattr(one, field)) for one in visits]
        median = statistics.median(values)
        met = median < limit if field == "fcp" else median <= limit
        fine = fine and met
        value, worst = (
            f"{number:.3g}{unit}" if field == "cls" else f"{number:.0f}{unit}" for number in (median, max(values))
        )
        verdict = "ok" if met else "missed"
        print(f"goal {name} {shown}: {value}, worst {worst} (limit {limit:g}{unit}) {verdict}", flush=True)
    print(f"     first byte {shown}: {statistics.median(one.first_byte for one in visits):.0f} ms", flush=True)
    return fine


def visit(browser: Browser, server: Server, path: str) -> web_vitals.Vitals:
    link = server.session().ask("POST", "/api/v2/loginLinks/")[1].json()
    context = browser.new_context(base_url=server.url)
    page = context.new_page()
    page.goto(link["path"])
    page.wait_for_url("**/")
    page.add_init_script(web_vitals.LISTENER)
    seen = web_vitals.visit(page, path)
    context.close()
    return seen


if __name__ == "__main__":
    raise SystemExit(main())
