"""Reading and building model package archives."""

from __future__ import annotations

import json

import pytest

from mgmt_ansible import errors
from mgmt_ansible.archives import build_package, read_package

MANIFEST = {"schema": 1, "runtime": "onnx", "model": "model.onnx"}


@pytest.fixture
def folder(tmp_path):
    """Return the folder of a small package."""
    made = tmp_path / "package"
    made.mkdir()
    (made / "model.onnx").write_bytes(b"model")
    (made / "model-package.json").write_text(json.dumps(MANIFEST))
    return made


def test_a_built_package_tells_what_it_holds(folder, tmp_path):
    """Runtime, model and files come from the archive."""
    contents = build_package(folder, tmp_path / "a.tar.gz")

    assert ("onnx", "model.onnx", ["model-package.json", "model.onnx"]) == (
        contents.runtime,
        contents.model,
        [file.path for file in contents.files],
    )


def test_the_same_folder_gives_the_same_bytes(folder, tmp_path):
    """Times and owners do not matter."""
    first = build_package(folder, tmp_path / "a.tar.gz")
    (folder / "model.onnx").touch()
    second = build_package(folder, tmp_path / "b.tar.gz")

    assert first == second


def test_the_digest_hangs_on_the_content(folder, tmp_path):
    """Another model is another digest."""
    first = build_package(folder, tmp_path / "a.tar.gz")
    (folder / "model.onnx").write_bytes(b"other")

    assert first.digest != build_package(folder, tmp_path / "a.tar.gz").digest


def test_a_link_is_refused_when_building(folder, tmp_path):
    """Only files and folders make a package."""
    (folder / "link").symlink_to("/etc/passwd")

    with pytest.raises(errors.ArchiveError, match="neither a file nor a folder"):
        build_package(folder, tmp_path / "a.tar.gz")


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "schema must be 1"),
        (json.dumps({**MANIFEST, "schema": 2}), "schema must be 1"),
        *(
            (json.dumps({**MANIFEST, "runtime": name}), "runtime must be one of onnx, mlflow")
            for name in ("Magic!", "", "external", "a" * 33, "../x", None, 1, ["onnx"])
        ),
        (json.dumps({**MANIFEST, "model": "absent.onnx"}), "model must name a file"),
    ],
)
def test_a_wrong_manifest_is_named(folder, tmp_path, manifest, message):
    """Each error says what to change."""
    (folder / "model-package.json").write_text(manifest)

    with pytest.raises(errors.ArchiveError, match=message):
        build_package(folder, tmp_path / "a.tar.gz")


def test_an_archive_without_manifest_is_refused(folder, tmp_path):
    """The manifest makes a package."""
    (folder / "model-package.json").unlink()

    with pytest.raises(errors.ArchiveError, match=r"no model-package\.json"):
        build_package(folder, tmp_path / "a.tar.gz")


def test_reading_writes_nothing(folder, tmp_path):
    """An archive is judged where it lies."""
    build_package(folder, tmp_path / "a.tar.gz")
    before = sorted(tmp_path.rglob("*"))

    read_package(tmp_path / "a.tar.gz")

    assert before == sorted(tmp_path.rglob("*"))


def test_a_runtime_that_an_agent_may_add_is_taken(folder, tmp_path):
    """Whether one serves it, it says itself; what `serve` says must be right all the same."""
    manifest = {**MANIFEST, "runtime": "magic", "serve": {"arguments": ["--port", "{port}"]}}
    (folder / "model-package.json").write_text(json.dumps(manifest))
    assert "magic" == build_package(folder, tmp_path / "a.tar.gz").runtime

    for serve in ({"shell": "x"}, {"start": "sh -c x"}, {"health_path": "x"}, {"target_type": "-x"}, []):
        (folder / "model-package.json").write_text(json.dumps({**manifest, "serve": serve}))
        with pytest.raises(errors.ArchiveError, match=r"json: serve"):
            build_package(folder, tmp_path / "a.tar.gz")
