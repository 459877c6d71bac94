"""Notifications: what people decide on who is told of what, and the threads that tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mgmt_ansible.control_plane.notification_channels import NotificationChannels
from mgmt_ansible.control_plane.notification_log import NotificationLogs
from mgmt_ansible.control_plane.notification_policies import NotificationPolicies
from mgmt_ansible.control_plane.notifying.delivering import Deliverer
from mgmt_ansible.control_plane.notifying.dispatching import Dispatcher
from mgmt_ansible.control_plane.notifying.following import Follower
from mgmt_ansible.control_plane.notifying.options import NotifyingOptions
from mgmt_ansible.control_plane.notifying.secret_box import SecretBox
from mgmt_ansible.control_plane.notifying.sending import Sender
from mgmt_ansible.control_plane.store import Store


class Notifications:
    """Everything on notifications.

    Args:
        store: The database.
        options: How notifications are made.

    Attributes:
        channels: Where they go.
        policies: Who is told of what, and mutes.
        log: What was sent.
    """

    def __init__(self, store: Store, options: NotifyingOptions) -> None:
        box = SecretBox(options.key_file)
        self._store = store
        self._options = options
        self._sender = Sender(store, box, options.outside)
        self.channels = NotificationChannels(store, box, self._sender, options.outside)
        self.policies = NotificationPolicies(store)
        self.log = NotificationLogs(store)

    def dispatcher(self) -> Dispatcher:
        """Return what looks through the feed."""
        return Dispatcher(self._store, log_days=self._options.log_days)

    def deliverer(self) -> Deliverer:
        """Return what sends; whoever asks stops it."""
        return Deliverer(self._store, self._sender, self._options.patience)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Follow the feed and send, in the background, until the end of the block."""
        follower = Follower(self.dispatcher(), self.deliverer(), poll_seconds=self._options.poll_seconds)
        with follower.running():
            yield
