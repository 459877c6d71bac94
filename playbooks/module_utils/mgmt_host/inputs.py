"""What the module was asked to do, as a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .layout import DeploymentLayout, Layout

STATUS_ACTIONS = ("deployment_status", "environment_status")


@dataclass(frozen=True)
class Package:
    """The model package that is wanted.

    Attributes:
        digest: 64 hex digits, of the unpacked files.
        runtime: What serves it.
        described: Id, name and version, for the server's metadata.
    """

    digest: str
    runtime: str
    described: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Inputs:
    """The role's inputs, without their prefix.

    Attributes:
        action: Action type or `deployment_cancel`.
        pair: (generation, attempt).
        port: Stable port; 0 lets the host choose.
        package: What shall be served; None where nothing shall.
        runtime_row: Of the agent's configuration, where the package's runtime is one that a user added; else empty.
        observe: For status actions: `{id, generation, digest}`.
        bind_address: Where clients reach the deployment: the address of its proxy, or of its server.
        traffic: `auto`, or a kind of `traffic`.
        drain_timeout_seconds: How long the old model may take for what it has to answer once a new one gets the requests.
        secret_files: Name of a secret -> its file on this host.
        supervision: See `supervision.choose`.
    """

    action: str
    action_id: str
    deployment_id: str
    label: str
    pair: tuple[int, int]
    port: int
    package: Package | None
    runtime_row: dict[str, Any]
    observe: list[dict[str, Any]]
    base_dir: str
    bind_address: str
    traffic: str
    boot_start: bool
    supervision: str
    secret_files: dict[str, str]
    drain_timeout_seconds: float
    minimum_healthy_seconds: float
    ready_timeout_seconds: float
    stop_timeout_seconds: float
    check: bool

    @classmethod
    def from_parameters(cls, parameters: dict[str, Any], check: bool = False) -> Inputs:
        """Return the inputs from a module's parameters."""
        package = parameters.get("package")
        return cls(
            action=str(parameters["action"]),
            action_id=str(parameters.get("action_id") or ""),
            deployment_id=str(parameters.get("deployment_id") or ""),
            label=str(parameters.get("label") or ""),
            pair=(int(parameters.get("generation") or 0), int(parameters.get("attempt") or 0)),
            port=int(parameters.get("port") or 0),
            package=_package(package) if package else None,
            runtime_row=dict(parameters.get("runtime_row") or {}),
            observe=list(parameters.get("observe") or []),
            base_dir=str(parameters.get("base_dir") or ""),
            bind_address=str(parameters.get("bind_address") or "0.0.0.0"),  # noqa: S104 - served to the network on purpose
            traffic=str(parameters.get("traffic") or "auto"),
            boot_start=bool(parameters.get("boot_start", True)),
            supervision=str(parameters.get("supervision") or "auto"),
            secret_files={str(one["name"]): str(one["path"]) for one in parameters.get("secret_files") or []},
            drain_timeout_seconds=_seconds(parameters.get("drain_timeout_seconds"), 30.0),
            minimum_healthy_seconds=float(parameters.get("minimum_healthy_seconds") or 0),
            ready_timeout_seconds=float(parameters.get("ready_timeout_seconds") or 60),
            stop_timeout_seconds=float(parameters.get("stop_timeout_seconds") or 10),
            check=check,
        )

    @property
    def generation(self) -> int:
        """Number of the wanted state."""
        return self.pair[0]

    @property
    def layout(self) -> Layout:
        """Where everything lies."""
        return Layout.at(self.base_dir)

    @property
    def own(self) -> DeploymentLayout:
        """Where the deployment lies."""
        return self.layout.deployment(self.deployment_id)


def _seconds(value: Any, default: float) -> float:
    return default if value is None else float(value)


def _package(value: dict[str, Any]) -> Package:
    described = {key: str(value[key]) for key in ("id", "name", "version") if value.get(key)}
    return Package(digest=str(value["digest"]), runtime=str(value.get("runtime") or "onnx"), described=described)
