"""What stands in the way of people: what axe finds, and what is wrong with the tree that a screen reader gets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
NAMED = {
    "button", "checkbox", "combobox", "img", "link", "listbox", "navigation", "progressbar", "radio", "region", "searchbox",
    "slider", "spinbutton", "textbox",
}  # fmt: skip
"""Roles of which each on a page needs a name."""

ONCE = ("banner", "main")
"""Landmarks of which a page has one each, by which people skip to what they want."""

_NODE = re.compile(r"""^\s*- '?(?P<role>[a-z]+)(?: "(?P<name>(?:[^"\\]|\\.)*)")?(?P<more>[^"]*)$""")
_LEVEL = re.compile(r"\[level=(\d)\]")


def barriers(page: Page) -> list[str]:
    """Return what stands in the way on a page as it is now; empty is right."""
    violations = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    found = [
        f"{one['id']}: {node['html'][:200]}" for one in violations if one["impact"] in GRAVE for node in one["nodes"]
    ]
    return [*found, *wrong_with(page.locator("body").aria_snapshot())]


def wrong_with(tree: str) -> list[str]:
    """Return what is wrong with a tree of roles and names, as Playwright writes it: a line a node.

    A page has its landmarks once, one first heading, no level of headings left out, a name for each control, picture and
    place, and a part that says aloud what changes.
    """
    nodes = [found for line in tree.splitlines() if (found := _NODE.match(line))]
    roles = [node["role"] for node in nodes]
    wrong = [f"{roles.count(role)} times {role}" for role in ONCE if roles.count(role) != 1]
    wrong += [] if "status" in roles else ["nothing says aloud what changes"]
    wrong += [f"no name: {node[0].strip()}" for node in nodes if node["role"] in NAMED and not node["name"]]
    return wrong + list(_wrong_headings([node[0] for node in nodes if node["role"] == "heading"]))


def _wrong_headings(headings: list[str]) -> Iterator[str]:
    levels = [int(found[1]) for line in headings if (found := _LEVEL.search(line))]
    if levels.count(1) != 1:
        yield f"{levels.count(1)} headings of the first level"
    for before, level, line in zip([0, *levels], levels, headings, strict=False):
        if level > before + 1:
            yield f"a level is left out before {line.strip()}"
