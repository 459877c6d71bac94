"""The demo models as they lie in a data folder: archives, and bottles with what scikit-learn says about them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from mgmt_ansible import errors

RECIPE = 1
"""Raised whenever `demo_models` would make something else."""

SAMPLES_NAME = "samples.json"
PACKAGE_NAME = "wine"
VERSIONS = ("1", "2")

_ANSWER_SECONDS = 10.0

Probabilities = tuple[tuple[float, ...], ...]
"""A row a bottle, a number a class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Bottles about which the two models disagree.

    Attributes:
        features: Names of the measurements.
        classes: Names of the classes.
        output: Name of the output tensor with the probabilities.
        rows: A row a bottle, a number a feature.
        request: Open Inference Protocol: all rows at once.
        probabilities: Package version -> what scikit-learn's `predict_proba` says, in the order of `rows`.
    """

    features: tuple[str, ...]
    classes: tuple[str, ...]
    output: str
    rows: tuple[tuple[float, ...], ...]
    request: Mapping[str, object]
    probabilities: Mapping[str, Probabilities]


def archive_path(folder: Path, version: str) -> Path:
    """Return where a version's archive lies in a folder of models."""
    return folder / f"{PACKAGE_NAME}-{version}.tar.gz"


def find_samples(folder: Path) -> Samples | None:
    """Return the samples in a folder of models; None when they, or an archive, are not there or are of another recipe."""
    try:
        value = json.loads((folder / SAMPLES_NAME).read_text())
    except (FileNotFoundError, ValueError):
        return None
    if value.get("recipe") != RECIPE or not all(archive_path(folder, version).exists() for version in VERSIONS):
        return None
    return Samples(
        features=tuple(value["features"]),
        classes=tuple(value["classes"]),
        output=value["output"],
        rows=tuple(map(tuple, value["rows"])),
        request=value["request"],
        probabilities={version: tuple(map(tuple, rows)) for version, rows in value["probabilities"].items()},
    )


def ask_model(url: str, samples: Samples) -> Probabilities:
    """Ask a model server about all bottles, over HTTP.

    Args:
        url: Of its `infer`.
        samples: What to ask.

    Raises:
        QuickstartError: It did not answer with probabilities.
    """
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.post(url, json=samples.request, timeout=_ANSWER_SECONDS, allow_redirects=False)
            answer.raise_for_status()
            tensors = {tensor["name"]: tensor["data"] for tensor in answer.json()["outputs"]}
            flat = [float(value) for value in tensors[samples.output]]
        except (requests.RequestException, ValueError, KeyError, TypeError) as exc:
            raise errors.QuickstartError(f"{url} did not answer with probabilities: {exc}") from exc
    width = len(samples.classes)
    return tuple(tuple(flat[start : start + width]) for start in range(0, len(flat), width))


def judgement(samples: Samples, probabilities: Sequence[float]) -> str:
    """Return the likeliest class with its probability, such as `cultivar 2 (0.87)`."""
    best = max(range(len(probabilities)), key=probabilities.__getitem__)
    return f"{samples.classes[best]} ({probabilities[best]:.2f})"


def largest_difference(left: Probabilities, right: Probabilities) -> float:
    """Return the largest absolute difference of two tables of one shape; infinity when the shapes differ."""
    if [len(row) for row in left] != [len(row) for row in right]:
        return float("inf")
    return max(abs(a - b) for one, other in zip(left, right, strict=True) for a, b in zip(one, other, strict=True))
