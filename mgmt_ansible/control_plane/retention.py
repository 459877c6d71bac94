"""Retention: what people decide on it, a look at what it would remove, and removing it, daily and when asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import structlog

from mgmt_ansible import errors
from mgmt_ansible.control_plane.entries import append_event
from mgmt_ansible.control_plane.looking import Ages, Kind, look
from mgmt_ansible.control_plane.pruning import Pruner, Tally
from mgmt_ansible.control_plane.responses import prune_responses
from mgmt_ansible.control_plane.storage import DAY_SECONDS
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.control_plane.store.audit import AuditSubject
from mgmt_ansible.control_plane.wakeups import Wakeups
from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.redaction import clean_text
from mgmt_ansible.domain.retention import DEFAULT_NAME, RetentionRules
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire import api_v2
from mgmt_ansible.wire import retention as shapes

ASKED_SECONDS = 20.0
"""How long a request goes on removing; whoever asks again goes on."""
FIRST_SECONDS = 600.0
"""After the start of the control plane: also one that is started every day does it."""
RETRY_SECONDS = 600.0
_LAST_WRITE_SECONDS = 5.0
_OURSELVES = "control plane"
_NAMES = {"prediction_environment_id": "environment_id"}
"""Field of the body -> column, where they differ."""
_HISTORY_TOGETHER = 500
"""Lines of the history of deployments in one write."""

_log = structlog.get_logger(__name__)


class Retention:
    """Keeps the feed and runs as long as policies say, and what is needed for ever."""

    def __init__(self, store: Store, wakeups: Wakeups) -> None:
        self._store = store
        self._wakeups = wakeups
        self._at_work = threading.Lock()
        self._ages = Ages()

    def list_policies(self, *, limit: int = 50, offset: int = 0) -> api_v2.Page[shapes.RetentionPolicy]:
        """Return policies by name."""
        with self._store.read() as tx:
            return tx.retention.list_policies(limit=limit, offset=offset)

    def create_policy(self, body: shapes.RetentionPolicyIn, *, actor: str) -> shapes.RetentionPolicy:
        """Create a policy.

        Raises:
            ConflictError: The name is taken.
            InvalidRequestError: It asks nothing, and so would cover everything.
            NotFoundError: Unknown environment.
        """
        policy_id = make_id()
        with self._store.write() as tx:
            if tx.retention.policy_name_taken(body.name):
                raise errors.ConflictError(f"a retention policy is named {body.name} already")
            _check_environment(tx, body.prediction_environment_id)
            tx.retention.insert_policy(policy_id, {**_columns(body.model_dump(mode="json")), **_changed(tx, actor)})
            return _checked_policy(tx, policy_id)

    def change_policy(self, policy_id: str, body: shapes.RetentionPolicyPatch, *, actor: str) -> shapes.RetentionPolicy:
        """Change a policy.

        Raises:
            InvalidRequestError: It would ask nothing any more; or it is the default one and would ask something.
            NotFoundError: Unknown policy or environment.
        """
        values = _columns(body.model_dump(mode="json", exclude_none=True))
        with self._store.write() as tx:
            tx.retention.get_policy(policy_id)
            _check_environment(tx, body.prediction_environment_id)
            tx.retention.update_policy(policy_id, {**values, **_changed(tx, actor)})
            return _checked_policy(tx, policy_id)

    def delete_policy(self, policy_id: str, *, actor: str) -> None:
        """Remove a policy; InvalidRequestError for the default one."""
        with self._store.write() as tx:
            policy = tx.retention.get_policy(policy_id)
            if policy.name == DEFAULT_NAME:
                raise errors.InvalidRequestError("the default policy cannot be deleted: give it other days")
            tx.retention.delete_policy(policy_id)
        _log.info("retention_policy_deleted", policy=policy.name, actor=actor)

    def list_holds(self, *, limit: int = 50, offset: int = 0) -> api_v2.Page[shapes.LegalHold]:
        """Return legal holds, newest first."""
        with self._store.read() as tx:
            return tx.retention.list_holds(limit=limit, offset=offset)

    def place_hold(self, body: shapes.LegalHoldIn, *, actor: str) -> shapes.LegalHold:
        """Hold a deployment, also a deleted one, or an environment; the feed tells of it.

        Raises:
            InvalidRequestError: Not exactly one of both is named.
            NotFoundError: Unknown deployment or environment.
        """
        hold_id = make_id()
        with self._store.write() as tx:
            tx.retention.insert_hold(
                hold_id,
                environment_id=_held_environment(tx, body),
                deployment_id=body.deployment_id,
                reason=clean_text(body.reason),
                placed_by=actor,
                placed_at=tx.now,
            )
            hold = tx.retention.get_hold(hold_id)
            _tell_hold(tx, hold, deployment_events.LEGAL_HOLD_PLACED, "Legal hold placed", actor=actor)
        self._wakeups.notify()
        return hold

    def release_hold(self, hold_id: str, *, actor: str) -> None:
        """End a hold; the feed tells of it. NotFoundError."""
        with self._store.write() as tx:
            hold = tx.retention.get_hold(hold_id)
            tx.retention.delete_hold(hold_id)
            _tell_hold(tx, hold, deployment_events.LEGAL_HOLD_RELEASED, "Legal hold released", actor=actor)
        self._wakeups.notify()

    def preview(self) -> shapes.RetentionReport:
        """Return what would be removed now; nothing is changed. Reads what is old: seconds when that is much."""
        rules, tally, complete = self._rules(), Tally(), True
        for batch in look(self._store, rules, self._ages):
            tally.add_saved(batch.kind, batch.judged)
            tally.add_gone(batch.kind, [one for one in batch.judged if one.judgement.removable])
            if self._wakeups.stopping:
                complete = False
                break
        return tally.report(rules, pruned=False, complete=complete)

    def prune(
        self, *, actor: str, stop: Callable[[], bool] = lambda: False, seconds: float | None = ASKED_SECONDS
    ) -> shapes.RetentionReport:
        """Remove what retention lets go; the feed of each environment tells how much.

        Args:
            actor: Who asks.
            stop: Asked before each write; a control plane that ends stops it too.
            seconds: How long to go on after the first write; None is no limit.

        Raises:
            ConflictError: This control plane is at it already.
            StoreUnavailableError: Locked or out of disk; what was removed before stays removed.
        """
        if not self._at_work.acquire(blocking=False):
            raise errors.ConflictError("retention is at work already: ask again when it has ended")
        try:
            rules = self._rules()
            pruner = Pruner(
                self._store, rules, self._ages, stop=lambda: stop() or self._wakeups.stopping, seconds=seconds
            )
            complete = self._run(pruner, actor)
            if complete:
                self._prune_history(rules)
            return pruner.tally.report(rules, pruned=True, complete=complete)
        finally:
            self._at_work.release()

    @contextmanager
    def applied_daily(
        self, *, first_seconds: float = FIRST_SECONDS, every_seconds: float = DAY_SECONDS
    ) -> Iterator[None]:
        """Prune again and again in the background; at the end of the block it ends with its current write."""
        ended = threading.Event()
        thread = threading.Thread(
            target=self._prune_until, args=(ended, first_seconds, every_seconds), name="retention", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(_LAST_WRITE_SECONDS)

    def _prune_until(self, ended: threading.Event, first_seconds: float, every_seconds: float) -> None:
        pause = first_seconds
        while not ended.wait(pause):
            pause = every_seconds if self._pruned_wholly(ended) else min(RETRY_SECONDS, every_seconds)

    def _pruned_wholly(self, ended: threading.Event) -> bool:
        try:
            report = self.prune(actor=_OURSELVES, stop=ended.is_set, seconds=None)
        except (errors.StoreError, errors.ConflictError) as error:
            _log.warning("retention_failed", message=str(error), again_in_seconds=RETRY_SECONDS)
            return False
        return report.complete

    def _rules(self) -> RetentionRules:
        with self._store.read() as tx:
            return tx.retention.rules()

    def _run(self, pruner: Pruner, actor: str) -> bool:
        try:
            complete = pruner.run()
        except errors.StoreError:
            with suppress(errors.StoreError):
                self._tell(pruner.tally, actor)
            raise
        self._tell(pruner.tally, actor)
        return complete

    def _prune_history(self, rules: RetentionRules) -> None:
        """Let go what deployments were longer ago than any policy keeps; while anything is held, all of it stays."""
        if rules.held_environments or rules.held_deployments:
            return
        removed = _HISTORY_TOGETHER
        while removed == _HISTORY_TOGETHER and not self._wakeups.stopping:
            with self._store.write() as tx:
                horizon = tx.now - timedelta(days=rules.longest_days)
                tx.history.move_begin(horizon)
                removed = tx.history.prune(horizon, limit=_HISTORY_TOGETHER)
        prune_responses(self._store, timedelta(days=rules.longest_days), stop=lambda: self._wakeups.stopping)

    def _tell(self, tally: Tally, actor: str) -> None:
        """Append an entry to the feed of each environment of which something was removed."""
        _log.info("feed_pruned", entries=tally.of(Kind.ENTRIES), runs=tally.of(Kind.RUNS), actor=actor)
        if not tally.places:
            return
        told = f"{tally.of(Kind.ENTRIES)} entries and {tally.of(Kind.RUNS)} runs removed"
        with self._store.write() as tx:
            tx.audit.note(AuditSubject(action="retention_prune", summary=told))
            for environment_id in sorted({name for name, _ in tally.places}):
                entries, runs = (tally.places[environment_id, kind] for kind in (Kind.ENTRIES, Kind.RUNS))
                append_event(
                    tx,
                    type=deployment_events.FEED_PRUNED,
                    environment_id=environment_id,
                    title="Feed pruned",
                    message=f"{entries} entries and {runs} runs were kept as long as retention says, and are removed",
                    actor=actor,
                    data={"entries": entries, "runs": runs},
                )
        self._wakeups.notify()


def _columns(fields: dict[str, object]) -> dict[str, object]:
    return {_NAMES.get(name, name): value for name, value in fields.items()}


def _changed(tx: Transaction, actor: str) -> dict[str, object]:
    return {"changed_by": actor, "changed_at": tx.now}


def _check_environment(tx: Transaction, environment_id: str | None) -> None:
    if environment_id is not None:
        tx.environments.record(environment_id)


def _checked_policy(tx: Transaction, policy_id: str) -> shapes.RetentionPolicy:
    """Return a policy as it is stored now; an error undoes that."""
    policy = tx.retention.get_policy(policy_id)
    rules = tx.retention.rules()
    if policy.name == DEFAULT_NAME and rules.default.narrowed:
        raise errors.InvalidRequestError("the default policy is for all that no other covers: it has days only")
    if any(one.name == policy.name and not one.narrowed for one in rules.policies):
        raise errors.InvalidRequestError(
            f"the policy {policy.name} asks nothing and would cover everything: narrow it, or change the default one"
        )
    _log.info("retention_policy_set", policy=policy.name, keep_days=policy.keep_days, actor=policy.changed_by)
    return policy


def _held_environment(tx: Transaction, body: shapes.LegalHoldIn) -> str:
    """Return the environment in which something is to be held."""
    if (body.deployment_id is None) == (body.prediction_environment_id is None):
        raise errors.InvalidRequestError("deploymentId, predictionEnvironmentId: name one of both")
    if body.prediction_environment_id is not None:
        return tx.environments.record(body.prediction_environment_id).id
    deployment_id = body.deployment_id or ""
    deployment = tx.deployments.find_record(deployment_id)
    if deployment is not None:
        return deployment.environment_id
    last = tx.deployment_events.newest_of([deployment_id]).get(deployment_id)
    if last is None:
        raise errors.NotFoundError(f"deployment {deployment_id} does not exist, and the feed knows nothing of it")
    return last.prediction_environment_id


def _tell_hold(tx: Transaction, hold: shapes.LegalHold, event_type: str, title: str, *, actor: str) -> None:
    append_event(
        tx,
        type=event_type,
        environment_id=hold.prediction_environment_id,
        deployment_id=hold.deployment_id,
        title=title,
        message=hold.reason,
        actor=actor,
        data={"hold_id": hold.id},
    )
