"""First contentful paint of the list of deployments in headless Chromium.

    python -m benchmarks.pages [COUNT]

Prints a `goal NAME: VALUE (limit LIMIT) ok|missed` line.
"""

from __future__ import annotations

import shutil
import statistics
import sys

from playwright.sync_api import sync_playwright

from mgmt_ansible.control_plane import access
from tests.acceptance.pages.conftest import ARGUMENTS, served
from tests.unit.pages import scripted_services as scripted

LIMIT_MILLISECONDS = 1000
ROUNDS = 5


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    script = scripted.Scripted()
    script.deployments = [scripted.deployment(f"wine-{number}") for number in range(count)]
    with served(script.app()) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(ARGUMENTS))
        paints = []
        for _ in range(ROUNDS):
            context = browser.new_context()
            context.add_cookies([{"name": access.SESSION_COOKIE, "value": scripted.SESSION, "url": server.url}])
            page = context.new_page()
            page.goto(server.url)
            paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            context.close()
        browser.close()
    median = statistics.median(paints)
    verdict = "ok" if median < LIMIT_MILLISECONDS else "missed"
    print(f"goal first paint, {count} deployments: {median:.0f} ms (limit {LIMIT_MILLISECONDS} ms) {verdict}")
    return 0 if verdict == "ok" else 1


if __name__ == "__main__":
    raise SystemExit(main())
