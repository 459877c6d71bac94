"""Words for people for what hosts tell in slugs; the slugs themselves are in `docs/reference/host-contract.md`."""

from __future__ import annotations

NOTES = {
    "drain_cut": "requests of the old model were cut at the deadline of the drain",
    "effects_incomplete": "the host's log of effects has gaps",
    "environment_built": "the Python environment was built",
    "limits_not_enforced": "this host cannot enforce the limits that the package asks for",
    "moved_to_haproxy": "the port is HAProxy's now",
    "moved_to_none": "the port is the model server's own now",
    "moved_to_systemd_socket": "the port is held by systemd now",
    "no_boot_start": "it does not start by itself after a reboot",
    "port_chosen": "the host chose the port",
    "result_not_recorded": "the host could not keep this result",
    "smoke_skipped": "the package has no smoke request, so none was asked",
    "stopped_first": "memory was too short for two models: the old one was stopped first",
    "traffic_not_recorded": "the host could not record which model gets the traffic",
}
"""Slug of a note -> what it means."""

EVIDENCE = {
    "container": "The container",
    "df": "Room on the disk (df)",
    "diff": "What would change",
    "digest": "Digests",
    "errno": "What the system said",
    "exit": "How the process ended",
    "files": "Files that differ",
    "golden": "Golden predictions",
    "holder": "Who was at work",
    "http": "What was answered over HTTP",
    "log_tail": "End of the model server's log",
    "manifest": "The package's manifest",
    "oom": "Out of memory, in the kernel's words",
    "processes": "Processes",
    "proxy": "The proxy",
    "ss": "Who listens on the port (ss)",
    "systemctl": "What systemd said",
    "task": "Ansible's task",
}
"""Kind of an evidence -> what it is."""

DRIFTS = {
    "foreign_process": "another program holds its port",
    "missing": "nothing runs although it should",
    "stale_process": "a process of an older release answers",
    "tampered_file": "the package's files were changed on the host",
    "wrong_model": "another model than the wanted one answers",
}
"""Value of a `Drift` -> what it means."""


def note_words(slug: str) -> str:
    """Return what a note says, for people; of an unknown one, as of a newer host side, its own words."""
    return NOTES.get(slug, slug.replace("_", " "))


def evidence_words(kind: str) -> str:
    """Return what an evidence is, for people; of an unknown kind its own words."""
    return EVIDENCE.get(kind, kind.replace("_", " ").capitalize())


def drift_words(drift: str) -> str:
    """Return a drift with its meaning: `missing: nothing runs although it should`."""
    words = drift.replace("_", " ")
    return f"{words}: {DRIFTS[drift]}" if drift in DRIFTS else words
