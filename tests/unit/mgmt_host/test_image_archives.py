"""Images that packages carry: of docker's and of OCI's form, read with suspicion, handed on under a name of ours."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile

import pytest
from mgmt_host.content import image_archives
from mgmt_host.failures import HostError

CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()
LAYERS = [b"lower layer", b"upper layer" * 1000]
OURS = "mgmt-ansible/carried:1"
HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def write(path, files, links=()):
    """Write a tar of names and contents, and of links."""
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            written = content if isinstance(content, bytes) else json.dumps(content).encode()
            member.size = len(written)
            tar.addfile(member, io.BytesIO(written))
        for name, target in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return str(path)


def docker(**changes):
    """Return the files of a `docker save`, which names the image as somebody else's."""
    image = {"Config": "c.json", "RepoTags": ["postgres:16"], "Layers": ["0/layer.tar", "1/layer.tar"], **changes}
    files = {"manifest.json": [image], "c.json": CONFIG, "repositories": {"postgres": {"16": "1"}}}
    return {**files, "0/layer.tar": LAYERS[0], "1/layer.tar": LAYERS[1]}


def oci(entries=None):
    """Return the files of OCI's layout, and the descriptor of its manifest."""
    files = {}

    def blob(content):
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        digest = hashlib.sha256(content).hexdigest()
        files[f"blobs/sha256/{digest}"] = content
        return {"digest": f"sha256:{digest}", "size": len(content)}

    manifest = blob({"schemaVersion": 2, "config": blob(CONFIG), "layers": [blob(layer) for layer in LAYERS]})
    files["oci-layout"] = {"imageLayoutVersion": "1.0.0"}
    files["index.json"] = {"manifests": entries(manifest, blob) if entries else [manifest]}
    return files


def handed_on(path):
    """Return name -> content of what an engine is given."""
    stream = io.BytesIO()
    image_archives.read(path).writer(OURS)(stream)
    with tarfile.open(fileobj=io.BytesIO(stream.getvalue())) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


@pytest.mark.parametrize("files", [docker(), oci(), {**oci(), **docker()}], ids=["docker", "oci", "both"])
def test_an_image_is_handed_on_as_it_is_under_our_name_only(tmp_path, files):
    """Its id is the hash of its configuration; a name that could be another image's stays behind."""
    path = write(tmp_path / "image.tar", files)
    given = handed_on(path)
    (manifest,) = json.loads(given["manifest.json"])

    assert f"sha256:{hashlib.sha256(CONFIG).hexdigest()}" == image_archives.read(path).image_id
    assert ([OURS], CONFIG) == (manifest["RepoTags"], given[manifest["Config"]])
    assert LAYERS == [given[name] for name in manifest["Layers"]]
    assert {"manifest.json", manifest["Config"], *manifest["Layers"]} == set(given)


def test_a_layer_that_is_there_twice_is_a_link(tmp_path):
    """As podman writes it."""
    files = docker()
    files["other.tar"] = files.pop("1/layer.tar")
    given = handed_on(write(tmp_path / "image.tar", files, [("1/layer.tar", "../other.tar")]))

    assert LAYERS[1] == given["1/layer.tar"]


def test_the_image_of_this_machine_is_taken_from_several(tmp_path):
    """What describes how an image was built is none."""

    def entries(manifest, blob):
        mine = {**manifest, "platform": {"os": "linux", "architecture": HERE}}
        other = {**blob({"config": {}, "layers": []}), "platform": {"os": "linux", "architecture": "s390x"}}
        built = {**blob({"a": 1}), "platform": {"os": "unknown", "architecture": "unknown"}}
        return [blob({"manifests": [other, mine, built]})]

    assert CONFIG == image_archives.read(write(tmp_path / "image.tar", oci(entries))).config


HOSTILE = {
    "no tar": b"nothing of the kind",
    "empty": b"",
    "nothing": {"a": b""},
    "no JSON": {**docker(), "manifest.json": b"{"},
    "deep JSON": {**docker(), "manifest.json": b"[" * 100_000},
    "another shape": {**docker(), "manifest.json": {"Config": "c.json"}},
    "not a list": {**docker(), "manifest.json": "image"},
    "numbers": {**docker(), "manifest.json": [1]},
    "two images": {**docker(), "manifest.json": docker()["manifest.json"] * 2},
    "no image": {**docker(), "manifest.json": []},
    "no layers": docker(Layers=None),
    "text of layers": docker(Layers="0/layer.tar"),
    "many layers": docker(Layers=["0/layer.tar"] * 513),
    "absent layer": docker(Layers=["2/layer.tar"]),
    "layer outside": docker(Layers=["../../etc/passwd"]),
    "layer of numbers": docker(Layers=[1]),
    "absent configuration": docker(Config="/etc/passwd"),
    "configuration of numbers": docker(Config=7),
    "large configuration": {**docker(), "c.json": b" " * (5 << 20)},
    "index of nothing": {"index.json": {}},
    "index of others": {"index.json": {"manifests": [{"digest": "sha256:../../etc/passwd"}]}},
    "index of itself": oci(lambda manifest, blob: [manifest, manifest]),
    "index of numbers": {"index.json": {"manifests": [1]}},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_image_is_refused_before_an_engine_sees_it(tmp_path, name):
    """As a fault of the package, with the reason as evidence."""
    content, path = HOSTILE[name], tmp_path / "image.tar"
    path.write_bytes(content) if isinstance(content, bytes) else write(path, content)
    with pytest.raises(HostError) as caught:
        image_archives.read(str(path))

    assert ("artifact", "image_tar") == (caught.value.cause, caught.value.evidence[0]["kind"])


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../etc/passwd", "1/layer.tar"])
def test_a_link_that_leaves_the_tar_is_refused(tmp_path, target):
    """Nothing of the host is read, and nobody follows a link to itself for ever."""
    files = docker()
    del files["1/layer.tar"]
    with pytest.raises(HostError):
        image_archives.read(write(tmp_path / "image.tar", files, [("1/layer.tar", target)]))


def test_a_cut_tar_is_refused(tmp_path):
    """Also a compressed one."""
    path = write(tmp_path / "whole.tar", docker())
    cut = tmp_path / "cut.tar.gz"
    with tarfile.open(cut, "w:gz") as tar:
        tar.add(path, arcname="x")
    cut.write_bytes(cut.read_bytes()[:-20])
    for content in (cut.read_bytes(), (tmp_path / "whole.tar").read_bytes()[:1500]):
        (tmp_path / "image.tar").write_bytes(content)
        with pytest.raises(HostError):
            image_archives.read(str(tmp_path / "image.tar"))
