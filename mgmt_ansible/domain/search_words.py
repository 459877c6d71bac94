"""Words of a text, as they are stored to be found and as they are asked for: the same in every database.

A word is a run of letters and digits, whatever its case; all else divides words. So nothing that somebody types can be an
operator of a database's own search.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")
_WORD_CHARACTERS = 64
"""Of a word; the rest of a longer one is left out, where it is stored as where it is asked for."""

_SHORT_CHARACTERS = 200
"""Texts up to that length come again and again in a feed: types, titles, hosts, actors, what a role says."""

_MOST_WORDS = 2_000
"""That are stored of one entry; those that come first."""


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text, each once, in the order in which they first come."""
    return _divided(text) if len(text) > _SHORT_CHARACTERS else _remembered(text)


def _divided(text: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return tuple(dict.fromkeys(word[:_WORD_CHARACTERS] for word in _WORD.findall(plain)))


_remembered = lru_cache(maxsize=4_096)(_divided)


def stored_words(values: Iterable[object]) -> str:
    """Return what is stored of values: the words of all texts in them, also in lists and mappings, between blanks."""
    found: dict[str, None] = {}
    for text in _texts(values):
        found.update(dict.fromkeys(words_of(text)))
        if len(found) >= _MOST_WORDS:
            break
    return " ".join(list(found)[:_MOST_WORDS])


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    # These are told at once; any other iterable by its class's ancestors.
    elif value is not None and not isinstance(value, int | float) and isinstance(value, dict | list | Iterable):
        for inner in value.values() if isinstance(value, dict) else value:
            if isinstance(inner, str):
                yield inner
            elif inner:
                yield from _texts(inner)
