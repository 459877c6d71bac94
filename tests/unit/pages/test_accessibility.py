"""The rules for the tree that a screen reader gets, on trees that break them."""

from __future__ import annotations

import pytest

from tests.acceptance.pages.accessibility import wrong_with

GOOD = """\
- link "Skip to the content":
  - /url: "#main"
- banner:
  - button "Sign out"
- main:
  - heading "Deployments" [level=1]
  - 'textbox "Search: words"'
  - heading "Hosts" [level=2]
  - img "Health of 24 h"
- status
"""


def test_a_good_tree_has_nothing_wrong():
    """Text and addresses are no nodes with names."""
    assert [] == wrong_with(GOOD)


@pytest.mark.parametrize(
    ("there", "instead", "wrong"),
    [
        ("- banner:", "- group:", "0 times banner"),
        ("- status", "- main", "2 times main"),
        ("- status", "- text: x", "nothing says aloud what changes"),
        ('- button "Sign out"', "- button", "no name: - button"),
        ('- img "Health of 24 h"', "- img", "no name: - img"),
        ("[level=1]", "[level=2]", "0 headings of the first level"),
        ('"Hosts" [level=2]', '"Hosts" [level=3]', 'a level is left out before - heading "Hosts" [level=3]'),
    ],
)
def test_what_is_wrong_is_told(there, instead, wrong):
    """Each in words that lead to it."""
    assert wrong in wrong_with(GOOD.replace(there, instead))
