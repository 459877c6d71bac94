"""Navigation: the pages that everybody can go to, in the order of the bar.

A page of its own adds one line to `PLACES` (a test asks each path for a page), and its router to `ROUTERS` of the package.
Its template extends `layout.html` and passes `place=PATH` to `Templates.page`, so that the bar shows where one is.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A link of the bar.

    Attributes:
        path: Of the page.
        text: For people.
        key: What goes there after `g` on the keyboard; one small letter that no other place has.
        role: Least role that may go there.
    """

    path: str
    text: str
    key: str
    role: str = "viewer"


PLACES = (
    Place(path="/", text="Deployments", key="d"),
    Place(path="/matrix", text="Matrix", key="x"),
    Place(path="/events", text="Events", key="e"),
    Place(path="/runs", text="Runs", key="r"),
    Place(path="/environments", text="Environments", key="v"),
    Place(path="/packages", text="Packages", key="m"),
    Place(path="/notifications", text="Notifications", key="n"),
    Place(path="/access", text="Access", key="a", role="admin"),
    Place(path="/audit", text="Audit", key="u", role="admin"),
)
