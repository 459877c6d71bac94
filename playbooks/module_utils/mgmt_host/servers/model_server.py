"""Serve one ONNX model over Open Inference Protocol v2, in the runtime environment on the host.

The package's files are hashed by the server itself and stay open for its life, so that anybody can prove from
`/proc/<pid>/fd` what it serves. Third-party imports are inside functions: only the environment has them, while the module
that brings this file runs without.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import time
from typing import Any

from ..content import packages
from ..machine import durable_files
from . import open_inference

BODY_LIMIT_BYTES = 64 << 20
_BIND_POLL_SECONDS = 0.005


class ServedModel:
    """A loaded model with the identity of its package.

    Attributes:
        name: The deployment's id.
        digest: Computed from the files that this process has open.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        import numpy  # noqa: PLC0415 - only the environment has it
        import onnxruntime  # noqa: PLC0415 - only the environment has it

        allow_files()
        self._numpy = numpy
        self._config = config
        self.name = str(config["deployment_id"])
        rows, self._kept_open = packages.measure(config["package_dir"])
        self.digest = packages.manifest_digest(rows)
        manifest = durable_files.read_json(os.path.join(config["package_dir"], packages.MANIFEST_NAME)) or {}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(config.get("threads", 1))
        options.inter_op_num_threads = 1
        path = os.path.join(config["package_dir"], str(manifest.get("model", "model.onnx")))
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def metadata(self) -> dict[str, Any]:
        """Return the model's metadata, with what is needed to prove which package it is."""
        package = self._config.get("package") or {}
        return {
            "name": self.name,
            "versions": [str(self._config["generation"])],
            "platform": "onnxruntime_onnx",
            "inputs": open_inference.describe(self._session.get_inputs()),
            "outputs": open_inference.describe(self._session.get_outputs()),
            "parameters": {
                "package_digest": self.digest,
                "generation": self._config["generation"],
                **{"package_" + key: value for key, value in package.items()},
            },
        }

    def infer(self, body: Any) -> dict[str, Any]:
        """Return the answer to an inference request.

        Raises:
            RequestError: The request does not fit the model.
        """
        inputs = open_inference.parse_inputs(body, self._session.get_inputs(), self._numpy)
        names = open_inference.wanted_outputs(body, self._session.get_outputs())
        values = self._session.run(names, inputs)
        outputs = [open_inference.render_output(name, value, self._numpy) for name, value in zip(names, values)]
        answer = {"model_name": self.name, "model_version": str(self._config["generation"]), "outputs": outputs}
        return dict(answer, id=body["id"]) if isinstance(body.get("id"), str) else answer


def allow_files() -> None:
    """Raise this process's limit of open files to what it may have: every file of the package stays open."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def serve(folder: str) -> int:
    """Serve the slot in that folder until told to stop; return an exit code."""
    import uvicorn  # noqa: PLC0415 - only the environment has it

    config = durable_files.read_json(os.path.join(folder, "slot.json")) or {}
    model = ServedModel(config)
    listening = _take_port(config, folder)
    print("serving generation {generation} on port {port}".format(**config), flush=True)  # noqa: T201 - to the log
    settings = uvicorn.Config(
        make_app(model), log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=5
    )
    uvicorn.Server(settings).run(sockets=[listening])
    return 0


def make_app(model: ServedModel) -> Any:
    """Return the ASGI application that serves a model."""
    from starlette.applications import Starlette  # noqa: PLC0415 - only the environment has it
    from starlette.responses import JSONResponse, Response  # noqa: PLC0415 - only the environment has it
    from starlette.routing import Route  # noqa: PLC0415 - only the environment has it

    metrics = Metrics(model)

    async def fine(_: Any) -> Any:
        return JSONResponse({"live": True, "ready": True})

    async def server_metadata(_: Any) -> Any:
        return JSONResponse({"name": "mgmt-ansible-onnx", "version": "1", "extensions": []})

    async def model_metadata(request: Any) -> Any:
        known = request.path_params["name"] == model.name
        return JSONResponse(model.metadata()) if known else _unknown(request, JSONResponse)

    async def model_ready(request: Any) -> Any:
        known = request.path_params["name"] == model.name
        return JSONResponse({"name": model.name, "ready": True}) if known else _unknown(request, JSONResponse)

    async def infer(request: Any) -> Any:
        if request.path_params["name"] != model.name:
            return _unknown(request, JSONResponse)
        began = time.perf_counter()
        status, body = await _answer(model, request)
        metrics.count(status, time.perf_counter() - began)
        return Response(body, status, media_type="application/json")

    async def metrics_page(_: Any) -> Any:
        return Response(metrics.page(), media_type=metrics.media_type)

    return Starlette(
        routes=[
            Route("/v2", server_metadata),
            Route("/v2/health/live", fine),
            Route("/v2/health/ready", fine),
            Route("/v2/models/{name}", model_metadata),
            Route("/v2/models/{name}/ready", model_ready),
            Route("/v2/models/{name}/infer", infer, methods=["POST"]),
            Route("/metrics", metrics_page),
        ]
    )


class Metrics:
    """What the server counts, in a registry of its own.

    Attributes:
        media_type: Of the page.
    """

    def __init__(self, model: ServedModel) -> None:
        import prometheus_client  # noqa: PLC0415 - only the environment has it

        self._library = prometheus_client
        self._registry = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=self._registry)
        self._requests = prometheus_client.Counter(
            "mgmt_ansible_inference_requests_total",
            "Inference requests by HTTP status",
            ["status"],
            registry=self._registry,
        )
        self._seconds = prometheus_client.Histogram(
            "mgmt_ansible_inference_seconds", "Seconds an inference request took", registry=self._registry
        )
        info = prometheus_client.Gauge(
            "mgmt_ansible_model_info", "1 for the served model", ["deployment", "digest"], registry=self._registry
        )
        info.labels(model.name, model.digest).set(1)
        self.media_type = prometheus_client.CONTENT_TYPE_LATEST

    def count(self, status: int, seconds: float) -> None:
        """Count one inference request."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def page(self) -> bytes:
        """Return the page in Prometheus's text format."""
        return bytes(self._library.generate_latest(self._registry))


async def _answer(model: ServedModel, request: Any) -> tuple[int, bytes]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_LIMIT_BYTES:
            return 413, _error("the body is larger than {} bytes".format(BODY_LIMIT_BYTES))
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        return 400, _error("the body is not JSON: {}".format(error))
    try:
        return 200, await asyncio.get_running_loop().run_in_executor(None, _infer, model, parsed)
    except (open_inference.RequestError, RecursionError) as error:
        return 400, _error(str(error))
    except Exception as error:  # noqa: BLE001 - the HTTP edge: whatever the model's own code raises is an answer
        return 500, _error("the model refused: {}".format(error))


def _infer(model: ServedModel, parsed: Any) -> bytes:
    answer = model.infer(parsed)
    try:
        return json.dumps(answer, allow_nan=False, separators=(",", ":")).encode()
    except ValueError as error:
        raise ValueError("its answer holds NaN or infinity, which JSON cannot carry") from error


def _error(message: str) -> bytes:
    return json.dumps({"error": message}).encode()


def _unknown(request: Any, response: Any) -> Any:
    return response({"error": "model {!r} is not served here".format(request.path_params["name"])}, 404)


def _take_port(config: dict[str, Any], folder: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in config["bind_address"] else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY by this number
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    deadline = time.monotonic() + float(config.get("bind_wait_seconds", 0.0))
    with open(os.path.join(folder, "loaded"), "w", encoding="ascii"):
        pass
    while True:
        try:
            listening.bind((config["bind_address"], int(config["port"])))
        except OSError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_BIND_POLL_SECONDS)
        else:
            listening.listen(1024)
            return listening
