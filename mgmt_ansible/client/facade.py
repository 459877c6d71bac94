"""One object that holds a connection, with the control plane's nouns as its attributes."""

from __future__ import annotations

from types import TracebackType

import requests

from mgmt_ansible.client.access import Access
from mgmt_ansible.client.actions import Actions
from mgmt_ansible.client.agents import Agents
from mgmt_ansible.client.audit import Audit
from mgmt_ansible.client.deployment_events import DeploymentEvents
from mgmt_ansible.client.deployments import Deployments
from mgmt_ansible.client.details import DeploymentDetails
from mgmt_ansible.client.environments import Environments
from mgmt_ansible.client.history import History
from mgmt_ansible.client.monitoring import Monitoring, Webhooks
from mgmt_ansible.client.notifications import Notifications
from mgmt_ansible.client.packages import Packages
from mgmt_ansible.client.registered_models import RegisteredModels
from mgmt_ansible.client.retention import Retention
from mgmt_ansible.client.runs import Runs
from mgmt_ansible.client.saved_views import SavedViews
from mgmt_ansible.client.tags import DeploymentTags, EnvironmentTags, KeyValues
from mgmt_ansible.client.transport import Transport
from mgmt_ansible.wire.api_v2 import Version


class Client:
    """A connection to one control plane; a context manager, to be used by one thread at a time.

    Attributes:
        environments: Prediction environments and their hosts.
        packages: Model packages: upload, download.
        registered_models: Names of packages, their versions, and aliases.
        deployments: Launch, replace, stop, relaunch, status.
        deployment_details: Settings, capabilities, checks before a replacement.
        deployment_tags: Tags of deployments.
        environment_tags: Tags of environments.
        key_values: Key-values of deployments, environments, packages and models.
        monitoring: What monitors report.
        webhooks: Inbound webhooks.
        actions: Follow and cancel what was asked for.
        deployment_events: The feed, newest first or as it happens.
        runs: What Ansible did.
        agents: Who serves the environments.
        access: Users, tokens and login links.
        saved_views: Names that whoever has the token gave to filters.
        audit: Who changed what.
        history: What deployments were.
        retention: How long the feed and runs are kept.
        notifications: Who is told of what.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        ca_file: str | None = None,
        timeout_seconds: float = 30.0,
        session: requests.Session | None = None,
    ) -> None:
        """Describe a connection; nothing is sent before the first call.

        Args:
            url: Of the control plane, for example `http://127.0.0.1:8765`; a path before `/api/v2` is kept.
            token: An access token of kind `user`.
            ca_file: PEM file of the authorities to trust; None means those that requests brings.
            timeout_seconds: Without a byte from the control plane, for connecting and for answers.
            session: Where requests go out; for tests and unusual transports. The client owns and closes it.

        Raises:
            ConfigError: `url` is not an http or https URL.
        """
        self._transport = Transport(
            url, token, ca_file=ca_file, timeout_seconds=timeout_seconds, session=session or requests.Session()
        )
        self.environments = Environments(self._transport)
        self.packages = Packages(self._transport)
        self.registered_models = RegisteredModels(self._transport)
        self.deployments = Deployments(self._transport)
        self.deployment_details = DeploymentDetails(self._transport)
        self.deployment_tags = DeploymentTags(self._transport)
        self.environment_tags = EnvironmentTags(self._transport)
        self.key_values = KeyValues(self._transport)
        self.monitoring = Monitoring(self._transport)
        self.webhooks = Webhooks(self._transport)
        self.actions = Actions(self._transport)
        self.deployment_events = DeploymentEvents(self._transport)
        self.runs = Runs(self._transport)
        self.agents = Agents(self._transport)
        self.access = Access(self._transport)
        self.saved_views = SavedViews(self._transport)
        self.audit = Audit(self._transport)
        self.history = History(self._transport)
        self.retention = Retention(self._transport)
        self.notifications = Notifications(self._transport)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The control plane's URL, without a slash at its end."""
        return self._transport.url

    def get_version(self) -> Version:
        """Return the versions that the control plane speaks; the cheapest call that proves URL and token."""
        return self._transport.get(Version, "version/")

    def close(self) -> None:
        """Close the connections; idempotent."""
        self._transport.close()
