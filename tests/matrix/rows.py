"""The rows: which runtimes there are, and where they are not applicable."""

from __future__ import annotations

from mgmt_host.content import runtimes

from tests.matrix import models
from tests.matrix.models import Runtime

_NO_ENGINE = dict.fromkeys(("systemd", "plain"), "no container engine")

ROWS = (
    Runtime("onnx", models.onnx, requirements=runtimes.ONNX.requirements),
    Runtime("command", models.command),
    Runtime(
        "mlflow", models.mlflow, requirements=("mlflow", "scikit-learn", "numpy", "pandas", "cloudpickle", "scipy")
    ),
    Runtime("scoring_code", models.scoring_code, needs="java"),
    Runtime("drum", models.drum, needs="drum"),
    Runtime("container", models.container, not_on=_NO_ENGINE, needs="echo-image"),
    Runtime("pps", models.pps, not_on=_NO_ENGINE, needs="pps-image"),
    Runtime("pps_of_many", models.pps_of_many, not_on=_NO_ENGINE, needs="pps-image"),
)
