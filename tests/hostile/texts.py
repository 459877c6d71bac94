"""A hundred texts that would be more than text to a page, a terminal or a protocol, and how to see that they were not."""

from __future__ import annotations

from tests.hostile.payloads import payload

SCRIPTS = (
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'-alert(1)-'", "javascript:alert(1)", "</title><script>",
    "<svg/onload=alert(1)>", "&lt;script&gt;", "\x1b[31mred\x1b]0;title\x07", "\x9b31m", "\u202etxt.exe", "a\x00b\x08\x08c", "\r\nSet-Cookie: x=1",
)  # fmt: skip
TEXTS = [*SCRIPTS, *(payload(number, "/tmp/x") for number in range(100 - len(SCRIPTS)))]


def controls(text: str) -> list[str]:
    """What could move a cursor, colour, or turn the direction of text."""
    return [one for one in text if (ord(one) < 32 and one not in "\n\t") or 0x7F <= ord(one) < 0xA0 or one in _TURNING]


def without_surrogates() -> list[str]:
    """The texts as UTF-8 can carry them."""
    return [text.encode(errors="ignore").decode()[:8000] for text in TEXTS]


_TURNING = "\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
