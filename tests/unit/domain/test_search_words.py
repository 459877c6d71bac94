"""Words that are stored and asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgmt_ansible.domain.search_words import stored_words, words_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Disk FULL: disk", ("disk", "full")),
        ("deployment_launch-7.example", ("deployment", "launch", "7", "example")),
        ("Größe", ("grösse",)),
        ("o\u0308l Öl", ("öl",)),
        ("\uff11\uff12", ("12",)),
        ("'; --", ()),
        ("x" * 100, ("x" * 64,)),
    ],
)
def test_words_are_runs_of_letters_and_digits(text, expected):
    """Each once, whatever its case and however its letters are put together."""
    assert expected == words_of(text)


@given(st.text())
def test_words_of_words_are_the_same(text):
    """So that what is stored is found by what is asked."""
    words = words_of(text)

    assert words == words_of(" ".join(words))


def test_all_texts_of_a_value_are_stored():
    """Also deep ones; what is no text has no words."""
    assert "a b c" == stored_words(["a", None, 7, {"key": ["b", {"deep": "c a"}]}])


def test_an_entry_has_no_more_words_than_can_be_indexed():
    """The first ones stay."""
    words = stored_words([" ".join(f"w{number}" for number in range(5_000))]).split(" ")

    assert (2_000, "w0") == (len(words), words[0])
