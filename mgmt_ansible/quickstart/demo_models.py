"""Two small real classifiers, trained here and packed: `python -m mgmt_ansible.quickstart.demo_models DIR`.

The data set is Wine (178 bottles of three cultivars, 13 chemical measurements), which ships with scikit-learn. Version 1
is a logistic regression, version 2 a shallow random forest; they disagree about a few bottles, and those are kept as
samples, so that nobody can mistake one model for the other. All is deterministic.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgmt_ansible import archives, errors
from mgmt_ansible.domain.model_packages import MANIFEST_NAME
from mgmt_ansible.quickstart.samples import RECIPE, SAMPLES_NAME, archive_path

if TYPE_CHECKING:
    import numpy

_SEED = 0
_INPUT, _OUTPUT = "measurements", "probabilities"
_TOLERANCE = 1e-4
_CLASSES = ("cultivar 1", "cultivar 2", "cultivar 3")


def main() -> None:
    """Train, pack and write into the folder that the command line names."""
    make_packages(Path(sys.argv[1]))


def make_packages(folder: Path) -> None:
    """Write both archives and, last, the samples file that says that they are whole.

    Raises:
        QuickstartError: The extra `quickstart` is not installed.
    """
    try:
        from sklearn.datasets import load_wine  # noqa: PLC0415 - of the extra `quickstart`
        from sklearn.model_selection import train_test_split  # noqa: PLC0415 - of the extra `quickstart`
    except ImportError as exc:
        raise errors.QuickstartError(
            "scikit-learn is missing: install mgmt-ansible with the extra `quickstart`"
        ) from exc
    wine = load_wine()
    train, test, train_classes, _ = train_test_split(
        wine.data.astype("float32"), wine.target, test_size=0.5, random_state=_SEED, stratify=wine.target
    )
    classifiers = {version: make().fit(train, train_classes) for version, make in _RECIPES.items()}
    first, second = (classifier.predict(test) for classifier in classifiers.values())
    rows = test[first != second]
    if not len(rows):
        raise errors.QuickstartError("the two demo classifiers agree on every bottle: nothing would tell them apart")
    for version, classifier in classifiers.items():
        _pack(classifier, rows, archive_path(folder, version), wine.feature_names)
    _write_samples(folder, classifiers, rows, wine.feature_names)


def _logistic_regression() -> Any:  # noqa: ANN401 - scikit-learn ships no types
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - of the extra `quickstart`
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 - of the extra `quickstart`
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 - of the extra `quickstart`

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def _random_forest() -> Any:  # noqa: ANN401 - scikit-learn ships no types
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - of the extra `quickstart`

    return RandomForestClassifier(n_estimators=25, max_depth=2, random_state=_SEED)


_RECIPES = {"1": _logistic_regression, "2": _random_forest}


def _pack(classifier: Any, rows: numpy.ndarray, archive: Path, features: list[str]) -> None:  # noqa: ANN401
    from skl2onnx import to_onnx  # noqa: PLC0415 - of the extra `quickstart`
    from skl2onnx.common.data_types import FloatTensorType  # noqa: PLC0415 - of the extra `quickstart`

    model = to_onnx(
        classifier,
        initial_types=[(_INPUT, FloatTensorType([None, rows.shape[1]]))],
        options={id(classifier): {"zipmap": False}},
        target_opset=18,
    )
    expected = classifier.predict_proba(rows[:1]).ravel().tolist()
    manifest = {
        "schema": 1,
        "runtime": "onnx",
        "model": "model.onnx",
        "smoke": {
            "request": infer_request(rows[:1].tolist()),
            "expect": {_OUTPUT: {"data": expected, "tolerance": _TOLERANCE}},
        },
    }
    with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
        folder = Path(scratch) / "package"
        folder.mkdir()
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        (folder / MANIFEST_NAME).write_text(json.dumps(manifest, indent=2) + "\n")
        (folder / "features.json").write_text(json.dumps({"features": features, "classes": _CLASSES}, indent=2) + "\n")
        draft = Path(scratch) / archive.name
        archives.build_package(folder, draft)
        shutil.move(draft, archive)


def infer_request(rows: list[list[float]]) -> dict[str, object]:
    """Return the Open Inference Protocol's request for rows of measurements."""
    flat = [value for row in rows for value in row]
    tensor = {"name": _INPUT, "shape": [len(rows), len(rows[0])], "datatype": "FP32", "data": flat}
    return {"inputs": [tensor]}


def _write_samples(folder: Path, classifiers: dict[str, Any], rows: numpy.ndarray, features: list[str]) -> None:
    value = {
        "recipe": RECIPE,
        "features": list(features),
        "classes": _CLASSES,
        "output": _OUTPUT,
        "rows": rows.tolist(),
        "request": infer_request(rows.tolist()),
        "probabilities": {version: one.predict_proba(rows).tolist() for version, one in classifiers.items()},
    }
    draft = folder / f"{SAMPLES_NAME}.new"
    draft.write_text(json.dumps(value))
    draft.replace(folder / SAMPLES_NAME)


if __name__ == "__main__":
    main()
