"""Runtimes, a row each: what a package is served by, and where its server is asked.

`docs/reference/runtimes.md` is this table for people. A row says what the package's own `serve` may say in its place.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..failures import HostError


@dataclass(frozen=True)
class Runtime:
    """One row.

    Attributes:
        name: As manifests and the control plane say it.
        start: The server's command, with the placeholders of a package's own, `{model}` (the path of its file) and
            `{model_folder}`, and `{KEY}` for a text that the package says; `arguments` of the package follow. Empty: the
            package gives its own, or the server is ours.
        health_path: Asked until it answers 200; empty: the package must say it.
        predict_path: Takes predictions by POST; empty: the package may say it.
        metrics_path: For Prometheus; empty: the package may say it.
        requirements: Floors of its Python environment, for Python 3.8 as well as for today's.
        says: Keys that the package's `serve` may have.
        model_name: Name that the package's model file must have; empty: any.
        requirements_beside: Name of a file beside the model that says what the environment must hold, too, where the
            package does not name another one.
        environment: Variables for the server.
        broken_status: Status by which a server that is up says that its model cannot be loaded; 0: it has none.
        ours: The server is ours: it tells digest and generation by itself, and waits for its port.
        in_container: It is served in a container, whose image the package names or carries.
        inner_port: On which the server listens in its container; 0: the package must say it.
        inner_model_folder: Where the server finds the model's file in its container; empty: it is given the whole package.
    """

    name: str
    start: tuple[str, ...] = ()
    health_path: str = ""
    predict_path: str = ""
    metrics_path: str = ""
    requirements: tuple[str, ...] = ()
    says: frozenset[str] = frozenset()
    model_name: str = ""
    requirements_beside: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    broken_status: int = 0
    ours: bool = False
    in_container: bool = False
    inner_port: int = 0
    inner_model_folder: str = ""


ONNX = Runtime(
    name="onnx",
    health_path="/v2/health/ready",
    predict_path="/v2/models/{deployment_id}/infer",
    metrics_path="/metrics",
    requirements=("numpy>=1.24", "onnxruntime>=1.16", "prometheus-client>=0.20", "starlette>=0.37", "uvicorn>=0.27"),
    ours=True,
)
COMMAND = Runtime(
    name="command",
    says=frozenset(("start", "health_path", "predict_path", "metrics_path", "requirements")),
)
SCORING_CODE = Runtime(
    name="scoring_code",
    start=("java", "-jar", "{model}"),
    says=frozenset(("arguments", "health_path", "predict_path", "metrics_path")),
)
MLFLOW = Runtime(
    name="mlflow",
    start=(
        *("{python}", "-m", "mlflow", "models", "serve", "--model-uri", "{model_folder}"),
        *("--host", "{address}", "--port", "{port}", "--env-manager", "local", "--workers", "1"),
    ),
    health_path="/health",
    predict_path="/invocations",
    requirements=("mlflow",),
    says=frozenset(("requirements",)),
    model_name="MLmodel",
    requirements_beside="requirements.txt",
    environment=(("MLFLOW_DISABLE_TELEMETRY", "true"), ("DO_NOT_TRACK", "true")),
)
DRUM = Runtime(
    name="drum",
    start=(
        *("drum", "server", "--code-dir", "{model_folder}", "--address", "{address}:{port}"),
        *("--target-type", "{target_type}", "--with-error-server"),
    ),
    health_path="/ping",
    predict_path="/predict/",
    says=frozenset(("arguments", "requirements", "target_type")),
    broken_status=513,
)
CONTAINER = Runtime(
    name="container",
    says=frozenset(
        (
            *("image", "image_tar", "port", "health_path", "predict_path", "metrics_path", "arguments", "variables"),
            *("resources", "read_only", "capabilities"),
        )
    ),
    in_container=True,
)
PPS = Runtime(
    name="pps",
    health_path="/ping",
    predict_path="/predictions",
    says=frozenset(("image", "image_tar", "variables", "resources", "multi_model")),
    in_container=True,
    inner_port=8080,
    inner_model_folder="/opt/ml/model",
)
ROWS = {row.name: row for row in (ONNX, COMMAND, MLFLOW, SCORING_CODE, DRUM, CONTAINER, PPS)}


def require(name: str) -> Runtime:
    """Return a runtime's row.

    Raises:
        HostError: This host side does not serve that runtime.
    """
    if name not in ROWS:
        message = "runtime {!r} is not served by this kind of host; use one of {}".format(name, ", ".join(ROWS))
        raise HostError("dependency", message)
    return ROWS[name]
