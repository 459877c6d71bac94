"""How a page feels, as the browser itself tells it: first and largest paint, the delay of a click or key, and what jumps.

Source: Web Vitals (web.dev): FCP and LCP are moments after the navigation, INP the longest time from a click or key to the
next frame, CLS a sum of shifts of the layout without unit. The browser tells a delay in steps of 8 ms, and only those of
16 ms or more; an interaction that it does not tell took less.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from playwright.sync_api import Page

SHORTEST_TOLD_MILLISECONDS = 16

LISTENER = """
window.vitals = { lcp: null, cls: 0, inp: 0 };
const watch = (type, take, more = {}) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true, ...more });
watch("largest-contentful-paint", (one) => (window.vitals.lcp = one.startTime));
watch("layout-shift", (one) => (window.vitals.cls += one.hadRecentInput ? 0 : one.value));
const slower = (one) => (window.vitals.inp = Math.max(window.vitals.inp, one.interactionId ? one.duration : 0));
watch("event", slower, { durationThreshold: 16 });
watch("first-input", slower);
"""
"""Before any script of the page."""

_READ = """() => ({
    ...window.vitals,
    fcp: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
    ttfb: performance.getEntriesByType("navigation")[0].responseStart,
    interactions: performance.interactionCount ?? 0,
})"""
_TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
_SETTLE_MILLISECONDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """One visit: milliseconds, but for `cls`; `first_byte` is when the answer began to come."""

    first_byte: float
    fcp: float
    lcp: float
    inp: float
    cls: float


def visit(page: Page, path: str) -> Vitals:
    """Open a page, click and type what changes nothing on the server, and tell how it felt.

    `page` has `LISTENER` as its init script.
    """
    page.goto(path)
    while _missing(page.evaluate(_READ)):  # the browser notes a paint a moment after the page is loaded
        page.wait_for_timeout(_SETTLE_MILLISECONDS)
    for _ in _interactions(page):
        page.evaluate(_TWO_FRAMES)
    page.wait_for_timeout(_SETTLE_MILLISECONDS)
    seen = page.evaluate(_READ)
    if not seen["interactions"]:
        raise SystemExit(f"{path}: the browser counted no interaction")
    inp = max(seen["inp"], SHORTEST_TOLD_MILLISECONDS)
    return Vitals(first_byte=seen["ttfb"], fcp=seen["fcp"], lcp=seen["lcp"], inp=inp, cls=seen["cls"])


def _missing(seen: Mapping[str, float | None]) -> bool:
    return seen["fcp"] is None or seen["lcp"] is None


def _interactions(page: Page) -> Iterator[None]:
    """Do what people do on any page: the theme there and back, a details line, the keys for lines, the search."""
    for _ in range(3):
        page.locator("#theme").click()
        yield
    for summary in page.locator("main summary:visible").all()[:2]:
        summary.click()
        yield
    for key in ("j", "j", "k", "?", "Escape"):
        page.keyboard.press(key)
        yield
    search = page.locator("main input[type=search]:visible")
    if search.count():
        search.first.click()
        page.keyboard.type("a", delay=0)
        yield
        page.wait_for_timeout(600)  # the page asks for what fits, and shows it
        yield
