"""Inbound webhooks: hints from MLflow and others. They wake whoever waits and are told in the feed; nothing else follows.

A webhook's secret is made from the webhook's id with a key that lies in the control plane's folder, so that no database
and no backup of one holds anything of it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from mgmt_ansible import errors
from mgmt_ansible.control_plane.entries import append_event
from mgmt_ansible.control_plane.key_files import read_key
from mgmt_ansible.control_plane.store import Store, Transaction
from mgmt_ansible.control_plane.wakeups import Wakeups
from mgmt_ansible.domain import deployment_events
from mgmt_ansible.domain.hook_signatures import SECRET_PREFIX, WINDOW_SECONDS, Delivery, HookKind, refusal
from mgmt_ansible.domain.redaction import clean_text, without_secrets
from mgmt_ansible.identifiers import make_id
from mgmt_ansible.wire.basics import Page
from mgmt_ansible.wire.hooks import Webhook, WebhookIn

MAX_BODY_BYTES = 262_144
_REMEMBERED = timedelta(seconds=2 * WINDOW_SECONDS + 60)
"""Longer than any delivery is believed, so that none is believed twice."""
_WORD_CHARACTERS = 64


class HookKeys:
    """Makes secrets of webhooks.

    Args:
        path: Of the key, made when it is first needed (0600).
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def secret_of(self, webhook_id: str) -> str:
        """Return a webhook's secret: always the same as long as the key is; StoreError when it cannot be read."""
        try:
            key = read_key(self._path, make=True)
        except (OSError, ValueError) as exc:
            raise errors.StoreError(
                f"{self._path.name} cannot be read or made: {exc}. Next: bring the old one back"
            ) from exc
        digest = hmac.digest(key, webhook_id.encode(), hashlib.sha256)
        return SECRET_PREFIX + base64.b64encode(digest).decode()


class Hooks:
    """Makes webhooks and takes their deliveries; NotFoundError for unknown ids."""

    def __init__(self, store: Store, wakeups: Wakeups, keys: HookKeys) -> None:
        self._store = store
        self._wakeups = wakeups
        self._keys = keys

    def list_hooks(self, *, limit: int = 50, offset: int = 0) -> Page[Webhook]:
        """Return webhooks by name, without their secrets."""
        with self._store.read() as tx:
            return tx.hooks.list(limit=limit, offset=offset)

    def create_hook(self, body: WebhookIn, *, actor: str) -> Webhook:
        """Create one; the answer alone has its secret; ConflictError when the name is taken."""
        webhook_id = make_id()
        secret = self._keys.secret_of(webhook_id)
        with self._store.write() as tx:
            tx.environments.record(body.prediction_environment_id)
            if tx.hooks.name_taken(body.name):
                raise errors.ConflictError(f"a webhook is named {body.name} already")
            tx.hooks.insert(webhook_id, body, by=actor, at=tx.now)
            tx.audit.about(
                "webhook", webhook_id, environment_id=body.prediction_environment_id, summary=f"{body.name} made"
            )
            return tx.hooks.get(webhook_id).model_copy(update={"secret": secret})

    def delete_hook(self, webhook_id: str) -> None:
        """Delete one: its deliveries are refused from now on."""
        with self._store.write() as tx:
            tx.hooks.get(webhook_id)
            tx.hooks.delete(webhook_id)

    def receive(self, webhook_id: str, kind: HookKind, delivery: Delivery) -> None:
        """Take a delivery: an entry, and whoever waits is woken.

        Raises:
            AccessError: No such webhook, too old or too new, or not signed with its secret.
            ConflictError: It was taken before.
            InvalidRequestError: The body is no JSON object, or too large.
        """
        hook = self._believed(webhook_id, kind, delivery)
        told = _told(delivery.body)
        with self._store.write() as tx:
            tx.hooks.forget_deliveries(before=tx.now - _REMEMBERED)
            if not tx.hooks.remember(webhook_id, delivery.id, at=tx.now):
                raise errors.ConflictError(f"delivery {delivery.id} was taken before")
            _append(tx, hook, told)
        self._wakeups.notify()

    def _believed(self, webhook_id: str, kind: HookKind, delivery: Delivery) -> Webhook:
        with self._store.read() as tx:
            hook = tx.hooks.find(webhook_id)
            now = tx.now
        if hook is None or hook.kind is not kind:
            raise errors.AccessError("no such webhook, or another kind of it")
        why = refusal(delivery, kind, self._keys.secret_of(webhook_id), now=now)
        if why:
            raise errors.AccessError(why)
        return hook


def _told(body: bytes) -> Mapping[str, object]:
    if len(body) > MAX_BODY_BYTES:
        raise errors.InvalidRequestError(f"body: is larger than {MAX_BODY_BYTES} bytes")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise errors.InvalidRequestError("body: is no JSON") from exc
    if not isinstance(value, dict):
        raise errors.InvalidRequestError("body: is no JSON object")
    return value


def _append(tx: Transaction, hook: Webhook, told: Mapping[str, object]) -> None:
    words = [
        clean_text(str(told[name]), limit=_WORD_CHARACTERS) for name in ("entity", "action", "type") if name in told
    ]
    append_event(
        tx,
        type=deployment_events.WEBHOOK_RECEIVED,
        environment_id=hook.prediction_environment_id,
        title=f"Webhook {hook.name}",
        message=" ".join(words) or "a delivery came",
        actor=f"webhook:{hook.name}",
        data={"kind": hook.kind.value, "told": without_secrets(told)},
    )
