"""Why the host's work ended early: one exception with a cause of the closed set and its proof."""

from __future__ import annotations

from typing import Any

EVIDENCE_CHARACTERS = 8000


class HostError(Exception):
    """The host could not do what was asked.

    Attributes:
        cause: A word of the closed set of causes (host contract).
        message: One sentence.
        evidence: `{kind, text}` values.
        drift: A word of `drift.KINDS`, where it is one; else None.
    """

    def __init__(
        self, cause: str, message: str, evidence: list[dict[str, str]] | None = None, drift: str | None = None
    ) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message
        self.evidence = evidence or []
        self.drift = drift


class StillWorkingError(HostError):
    """Another run of this very action works, so nothing is known of how it will end."""


class SupersededError(Exception):
    """The host has seen a higher (generation, attempt).

    Attributes:
        pair: The host's own, higher pair.
    """

    def __init__(self, pair: tuple[int, int]) -> None:
        super().__init__(f"generation {pair[0]}, attempt {pair[1]} is newer")
        self.pair = pair


def evidence(kind: str, text: str) -> dict[str, Any]:
    """Return one proof: the end of the text, without control characters."""
    return {"kind": kind, "text": clean(text)[-EVIDENCE_CHARACTERS:]}


def clean(text: str) -> str:
    """Return a text without control characters but for new lines and tabs."""
    return "".join(letter for letter in text if letter in "\n\t" or letter.isprintable())
