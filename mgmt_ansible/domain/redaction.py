"""Redaction: what is taken out of every text before it is stored, logged or shown."""

from __future__ import annotations

import re
from collections.abc import Iterable

REDACTED = "[redacted]"

_MARKED_BY = r"(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|authorization|credential)"
_ASSIGNMENT = re.compile(
    rf"(?i)({_MARKED_BY}[\w.-]{{0,64}}['\"]?\s{{0,8}}[:=]\s{{0,8}})(?!\s)(['\"]?)"
    r"((?:bearer|token|basic)\s{1,8})?([^\s'\",;&}]{3,})"
)
"""Every repeat is bounded, and what stands before the mark is not matched: a hostile text costs linear time."""

_BEARER = re.compile(r"(?i)\b(bearer|basic)\s{1,8}[A-Za-z0-9._~+/=-]{8,}")
_URL_PASSWORD = re.compile(r"(://[^\s/:@]*):[^\s/@]+@")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,64}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,64}PRIVATE KEY-----|\Z)", re.DOTALL
)
_CUT_WORDS = re.compile(r"(?:[^\s'\",;&}]*[\s'\",;&}]*){4}")
"""What a cut may have parted from its mark: at most the key's end, the colon, `bearer`, and the value."""

_MARGIN = 4_096
_SHORTEST_SECRET = 4
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean_text(text: str, *, limit: int = 16_384) -> str:
    """Return text that is valid Unicode without terminal escapes, controls (newline and tab stay) and bidi overrides.

    Args:
        text: Anything from outside.
        limit: Characters that stay; the end is what matters, so the beginning goes.
    """
    return _end(_without_controls(text), limit)


def redact(text: str, secrets: Iterable[str] = (), *, limit: int = 16_384) -> str:
    """Return cleaned text without secrets.

    Args:
        text: Anything from outside.
        secrets: Values that are known to be secret; those under four characters are ignored.
        limit: See `clean_text`.
    """
    for secret in sorted((secret for secret in secrets if len(secret) >= _SHORTEST_SECRET), key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    text = _cut(_PRIVATE_KEY.sub(REDACTED, _without_controls(text)), limit + _MARGIN)
    text = _ASSIGNMENT.sub(rf"\1\2{REDACTED}", text)
    text = _BEARER.sub(rf"\1 {REDACTED}", text)
    text = _URL_PASSWORD.sub(rf"\1:{REDACTED}@", text)
    return _end(text, limit)


def _without_controls(text: str) -> str:
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def _cut(text: str, limit: int) -> str:
    """Return the end of a text without its first words, as the mark of a secret among them may be gone."""
    return text if len(text) <= limit else "…" + _CUT_WORDS.sub("", text[-limit:], count=1)


def _end(text: str, limit: int) -> str:
    return text if len(text) <= limit else "…" + text[-(limit - 1) :]
