"""Drift: how what runs on a host differs from what should run there."""

from __future__ import annotations

from enum import StrEnum


class Drift(StrEnum):
    """How a host differs from what is wanted; closed.

    A process of an older generation answers; the package's files are not those of its digest; a process that was not started
    for this deployment listens where its model should; nothing runs although something should; another package is served.
    """

    STALE_PROCESS = "stale_process"
    TAMPERED_FILE = "tampered_file"
    FOREIGN_PROCESS = "foreign_process"
    MISSING = "missing"
    WRONG_MODEL = "wrong_model"
