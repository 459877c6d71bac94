"""Redaction: what is taken out of every text before it is stored, logged or shown."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"

_MARKED_BY = r"(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|authorization|credential)"
_ASSIGNMENT = re.compile(
    rf"(?i)({_MARKED_BY}[\w.-]{{0,64}}['\"]?\s{{0,8}}[:=]\s{{0,8}})(?!\s)(['\"]?)"
    r"((?:bearer|token|basic)\s{1,8})?([^\s'\",;&}]{3,})"
)
"""Every repeat is bounded, and what stands before the mark is not matched: a hostile text costs linear time."""

_BEARER = re.compile(r"(?i)\b(bearer|basic)\s{1,8}[A-Za-z0-9._~+/=-]{8,}")
_URL_PASSWORD = re.compile(r"(://[^\s/:@]*):[^\s/@]+@")
_URL_TOKEN = re.compile(r"://[^\s/:@]{16,}@")
"""A name of that length before the `@` is a token, as forges and package indexes take them."""

_KEY_NAME = r"(?:%20|[ +])[A-Z0-9% +]{0,64}PRIVATE(?:%20|[ +])KEY-----"
_PRIVATE_KEY = re.compile(rf"-----BEGIN{_KEY_NAME}.*?(?:-----END{_KEY_NAME}|\Z)", re.DOTALL)
"""As it is, or quoted in a URL."""

_ENCODED_KEY = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/=_-]*")
"""What begins with `-----BEGIN ` in base64."""

_CUT_WORDS = re.compile(r"(?:[^\s'\",;&}]*[\s'\",;&}]*){4}")
"""What a cut may have parted from its mark: at most the key's end, the colon, `bearer`, and the value."""

_PLAIN = re.compile(r"(?!.*LS0tLS1CRUdJTi)[a-zA-Z0-9_./-]{0,40}")
"""One short word of these: there is nothing to redact in it unless it is known, and most texts are such words."""

_SHORT_CHARACTERS = 200
_MOST_UNTOUCHED = 4_096
_UNTOUCHED: set[str] = set()
"""Short texts in which there was nothing to redact, as roles say the same again and again; never one with a secret."""

_SECRET_KEY = re.compile(r"(?i)passw|secret|token|api_?key|credential|private|authorization")

_MARGIN = 4_096
_SHORTEST_SECRET = 4
_SHORTEST_PART = 8
"""Lines and encodings of fewer characters could be parts of anything."""

_DEEPEST = 32
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def clean_text(text: str, *, limit: int = 16_384) -> str:
    """Return text that is valid Unicode without terminal escapes, controls (newline and tab stay) and bidi overrides.

    Args:
        text: Anything from outside.
        limit: Characters that stay; the end is what matters, so the beginning goes.
    """
    if len(text) <= limit and text.isprintable():
        return text
    return _end(_without_controls(text), limit)


def redact(text: str, secrets: Iterable[str] = (), *, limit: int = 16_384) -> str:
    """Return cleaned text without secrets.

    Args:
        text: Anything from outside.
        secrets: Values that are known to be secret, best as `secret_forms` gives them; those under four characters are
            ignored.
        limit: See `clean_text`.
    """
    if not secrets and _PLAIN.fullmatch(text):
        return text
    if not secrets and text in _UNTOUCHED:
        return _end(text, limit)
    redacted = _redacted(text, secrets, limit)
    if not secrets and len(text) <= _SHORT_CHARACTERS and redacted == text:
        _remember_untouched(text)
    return redacted


def _remember_untouched(text: str) -> None:
    if len(_UNTOUCHED) >= _MOST_UNTOUCHED:
        _UNTOUCHED.clear()
    _UNTOUCHED.add(text)


def _redacted(text: str, secrets: Iterable[str], limit: int) -> str:
    known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True)
    text = _without_known(_without_controls(_without_known(text, known)), known)
    text = _ENCODED_KEY.sub(REDACTED, _PRIVATE_KEY.sub(REDACTED, text))
    text = _cut(text, limit + _MARGIN)
    text = _ASSIGNMENT.sub(rf"\1\2{REDACTED}", text)
    text = _BEARER.sub(rf"\1 {REDACTED}", text)
    text = _URL_PASSWORD.sub(rf"\1:{REDACTED}@", text)
    text = _URL_TOKEN.sub(f"://{REDACTED}@", text)
    return _end(text, limit)


def redact_value(value: object, secrets: Iterable[str] = (), *, limit: int = 16_384) -> object:
    """Return a value of mappings, sequences and scalars in which every text, also a key, is redacted.

    What is no such value is redacted as its `repr`; deeper than 32 levels everything is.
    """
    return _redacted_value(value, tuple(secrets), limit, _DEEPEST)


def without_secrets(value: object) -> object:
    """Return a JSON value of others without the values of keys that name secrets; its other texts are still to be redacted."""
    if isinstance(value, Mapping):
        return {
            str(key): REDACTED if _SECRET_KEY.search(str(key)) else without_secrets(inner)
            for key, inner in value.items()
        }
    return [without_secrets(inner) for inner in value] if isinstance(value, list) else value


def secret_forms(secrets: Iterable[str]) -> tuple[str, ...]:
    """Return secrets with the other forms in which they turn up: line by line, escaped in JSON, quoted in URLs, in base64.

    In base64 a secret is found wherever it begins inside of what was encoded, such as `user:password`.
    """
    return tuple(dict.fromkeys(form for secret in secrets if secret for form in _forms(secret)))


def _forms(secret: str) -> Iterator[str]:
    yield secret
    lines = [line for line in map(str.strip, secret.splitlines()) if len(line) >= _SHORTEST_PART]
    for part in [secret, *lines]:
        yield from (part, json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1], repr(part)[1:-1])
        yield from (quote(part, safe=safe, errors="replace") for safe in ("", "/"))
        yield from (quote_plus(part, safe=safe, errors="replace") for safe in ("", "/"))
    yield from _base64_forms(secret.encode(errors="replace"))


def _base64_forms(secret: bytes) -> Iterator[str]:
    """Yield what is the same in base64 whatever stands before and behind."""
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + secret).decode()
        whole = encoded[-(-offset * 8 // 6) : (offset + len(secret)) * 8 // 6]
        if len(whole) >= _SHORTEST_PART:
            yield from (whole, whole.replace("+", "-").replace("/", "_"))


def _redacted_value(value: object, secrets: tuple[str, ...], limit: int, levels: int) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str) or levels == 0:
        return redact(str(value), secrets, limit=limit)
    if isinstance(value, Mapping):
        return {
            redact(str(key), secrets, limit=limit): _redacted_value(item, secrets, limit, levels - 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted_value(item, secrets, limit, levels - 1) for item in value]
    return redact(repr(value), secrets, limit=limit)


def _without_known(text: str, known: Iterable[str]) -> str:
    for secret in known:
        text = text.replace(secret, REDACTED)
    return text


def _without_controls(text: str) -> str:
    if text.isprintable():  # told fast, and all of these are not
        return text
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def _cut(text: str, limit: int) -> str:
    """Return the end of a text without its first words, as the mark of a secret among them may be gone."""
    return text if len(text) <= limit else "…" + _CUT_WORDS.sub("", text[-limit:], count=1)


def _end(text: str, limit: int) -> str:
    return text if len(text) <= limit else "…" + text[-(limit - 1) :]
