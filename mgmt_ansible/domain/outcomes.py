"""Outcomes: what parsing made of a run, per host and in all, with cause and evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mgmt_ansible.domain.drift import Drift
from mgmt_ansible.domain.golden import GoldenReport
from mgmt_ansible.domain.receipts import Receipt

RESULT_KEY = "mgmt_result"
"""The key of the task's `res` that holds the host's result."""

RESULT_MODULE = "mgmt_deployment"
"""The module whose runner event carries the result; no other task's `res` is read."""


class Outcome(StrEnum):
    """What became of a host, or of a whole action; closed."""

    OK = "ok"
    CHANGED = "changed"
    ROLLED_BACK = "rolled_back"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    SUPERSEDED = "superseded"
    SKIPPED = "skipped"
    NOT_RUN = "not_run"


class Cause(StrEnum):
    """Why an outcome is not fine; closed."""

    NO_HOSTS = "no_hosts"
    UNREACHABLE = "unreachable"
    AUTH = "auth"
    HOST_KEY = "host_key"
    SUDO = "sudo"
    PYTHON_MISSING = "python_missing"
    DISK = "disk"
    PORT_IN_USE = "port_in_use"
    ARTIFACT = "artifact"
    SIGNATURE = "signature"
    DEPENDENCY = "dependency"
    OOM_KILLED = "oom_killed"
    NOT_READY = "not_ready"
    WRONG_MODEL = "wrong_model"
    BAD_PREDICTION = "bad_prediction"
    TIMEOUT = "timeout"
    CANCELED = "canceled"
    PLAYBOOK_ERROR = "playbook_error"
    UNKNOWN = "unknown"


FINE = frozenset({Outcome.OK, Outcome.CHANGED})
"""Outcomes that are what was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The proof of a cause.

    Attributes:
        kind: `log_tail`, `df`, `ss`, `errno`, `exit`, `http`, `task`, `message`, `digest`, `files`, `manifest`, `result`,
            `holder`, `golden`, `oom`, `processes`.
        text: Redacted, without control characters, at most 8,000 characters (the end of it).
    """

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the host's work.

    Attributes:
        name: `fence`, `environment`, `install`, `start`, `gate`, `switch`, `stop`, `observe` ...
        seconds: How long it took.
        changed: Whether it changed the host.
    """

    name: str
    seconds: float
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What was proved to be serving.

    Attributes:
        digest: Of the package's files, as the running server reports it and the manifest confirms.
        generation: Of the release.
        slot: `a` or `b`.
        port: TCP port that answers; the stable one after a switch.
        slot_port: TCP port on which the model server itself listens; 0 where an older host side does not tell.
        pid: Of the model server.
        start_time: Of that process, clock ticks since boot (`/proc/<pid>/stat` field 22); with `pid` it is unique.
        url: Where predictions are asked, as seen from the host itself.
    """

    digest: str
    generation: int
    slot: str
    port: int
    pid: int
    start_time: int
    url: str
    slot_port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a read-only look at one deployment on one host found.

    Attributes:
        deployment_id: Which one.
        outcome: `ok` when what is wanted serves, or nothing runs where nothing is wanted; `failed` when not;
            `unknown` when it could not be told.
        state: `running`, `stopped`, `absent` or `unknown`.
        fence_generation: Newest generation that the host knows of; 0 when none.
        identity: Of the model that serves, if one does.
        probe_seconds: How long the model server took to say that it is ready, asked on its own host; None when it did not, or
            when the agent's version does not measure it.
        drift: How what was seen differs from what is wanted; None when it does not, or in another way.
        working: Whether the fence's holder lives: a change is under way.
        canceled: Whether the fence's pair was canceled.
        recorded: The result that the host's newest change left behind, if it could.
        recorded_generation: Of `recorded`; 0 when there is none.
        recorded_attempt: Of `recorded`; 0 when there is none.
    """

    deployment_id: str
    outcome: Outcome
    state: str
    fence_generation: int = 0
    fence_attempt: int = 0
    working: bool = False
    canceled: bool = False
    recorded: HostOutcome | None = None
    recorded_generation: int = 0
    recorded_attempt: int = 0
    drift: Drift | None = None
    cause: Cause | None = None
    message: str = ""
    evidence: tuple[Evidence, ...] = ()
    identity: Identity | None = None
    probe_seconds: float | None = None


ORPHAN_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
"""What may be a deployment's folder on a host."""

MOST_ORPHANS = 100
"""Of one host in one look."""


class OrphanState(StrEnum):
    """What is there of an orphan: it runs; a reboot would start it; what a stop leaves; not to be told."""

    RUNNING = "running"
    DOWN = "down"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A deployment that lies on a host and was not asked about; nobody removes it but people."""

    deployment_id: str
    state: OrphanState


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOutcome:
    """What one host made of an action.

    Attributes:
        host: Inventory name.
        message: One sentence, redacted.
        old_model_in_use: A replace failed and the old model serves.
        gap_seconds: The receipt's longest gap; None where there is none.
        receipt: What was lost while a model was replaced; None where none was, or an older host side did.
        golden: What came of the package's golden predictions; None when it has none, or they were not asked.
        drift: Of a look at one deployment, see `Observation`.
        notes: Slugs such as `no_boot_start`.
        fence_generation: The host's own pair; with `superseded` it is the higher one that won.
        observations: Deployment id -> what was seen; status actions only.
        orphans: What else lies there; None when nobody looked, or an older agent did.
    """

    host: str
    outcome: Outcome
    cause: Cause | None = None
    message: str = ""
    evidence: tuple[Evidence, ...] = ()
    steps: tuple[Step, ...] = ()
    identity: Identity | None = None
    old_model_in_use: bool = False
    gap_seconds: float | None = None
    receipt: Receipt | None = None
    golden: GoldenReport | None = None
    drift: Drift | None = None
    notes: tuple[str, ...] = ()
    fence_generation: int | None = None
    fence_attempt: int | None = None
    observations: Mapping[str, Observation] = field(default_factory=dict)
    orphans: tuple[Orphan, ...] | None = None
