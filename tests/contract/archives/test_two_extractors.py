"""Contract: the host's extractor and the control plane's reader judge every archive alike."""

from __future__ import annotations

import gzip
import io
import json
import stat
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mgmt_host.content import archive_members, packages
from mgmt_host.failures import HostError

from mgmt_ansible import errors
from mgmt_ansible.archives import members, read_package
from mgmt_ansible.archives.reading import measure_files
from mgmt_ansible.domain.model_packages import manifest_digest

MANIFEST = json.dumps({"schema": 1, "runtime": "onnx", "model": "model.onnx"}).encode()
PLAIN = [("model-package.json", MANIFEST), ("model.onnx", b"\x08\x01" * 50)]


def tar_of(entries, *, packed=True):
    """Return a tar of (name, content) pairs or (TarInfo, content) pairs."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz" if packed else "w") as archive:
        for name, content in entries:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


def zip_of(entries, *, method=zipfile.ZIP_DEFLATED):
    """Return a zip of (name or ZipInfo, content) pairs."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return target.getvalue()


def special(name, kind, **attributes):
    """Return the header of a member that is no regular file."""
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in attributes.items():
        setattr(info, key, value)
    return info


def zip_link(name):
    """Return the header of a symbolic link in a zip."""
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def judge_on_host(data):
    """Return the digest that the host computes, or None when it refuses; nothing may appear outside its folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = folder / "archive"
        archive.write_bytes(data)
        (folder / "inside").mkdir()
        rows, causes = None, set()
        try:
            rows = packages.extract(str(archive), str(folder / "inside" / "package"))
        except HostError as error:
            causes.add(error.cause)
        assert causes <= {"artifact"}
        assert {"archive", "inside"} == {path.name for path in folder.iterdir()}
        assert {"package"} == {path.name for path in (folder / "inside").iterdir()}
        assert not any(path.is_symlink() for path in folder.rglob("*"))
        return None if rows is None else packages.manifest_digest(rows)


def judge_on_control_plane(data):
    """Return the digest that the control plane computes over whatever files there are, or None when it refuses."""
    with tempfile.TemporaryDirectory() as name:
        archive = Path(name) / "archive"
        archive.write_bytes(data)
        try:
            return manifest_digest(measure_files(archive)[0])
        except errors.ArchiveError:
            return None


HOSTILE = {
    "absolute path": tar_of([*PLAIN, ("/etc/x", b"x")]),
    "path upwards": tar_of([*PLAIN, ("../x", b"x")]),
    "path upwards inside": tar_of([*PLAIN, ("a/../../x", b"x")]),
    "empty part": tar_of([*PLAIN, ("a//b", b"x")]),
    "backslash": tar_of([*PLAIN, ("a\\b", b"x")]),
    "newline in a name": tar_of([*PLAIN, ("a\nb", b"x")]),
    "symbolic link": tar_of([*PLAIN, (special("l", tarfile.SYMTYPE, linkname="/etc/passwd"), b"")]),
    "hard link": tar_of([*PLAIN, (special("l", tarfile.LNKTYPE, linkname="model.onnx"), b"")]),
    "device": tar_of([*PLAIN, (special("d", tarfile.CHRTYPE, devmajor=1, devminor=3), b"")]),
    "pipe": tar_of([*PLAIN, (special("p", tarfile.FIFOTYPE), b"")]),
    "same file twice": tar_of([*PLAIN, PLAIN[1]]),
    "file above a file": tar_of([*PLAIN, ("model.onnx/x", b"x")]),
    "file where a folder is": tar_of([("a/b", b"x"), ("a", b"x")]),
    "tar bomb": tar_of([*PLAIN, ("zeros", bytes(20 << 20))]),
    "header bomb": gzip.compress(tar_of([(special("x" * 3_000_000, tarfile.REGTYPE), b"x")], packed=False)),
    "truncated": tar_of(PLAIN)[:-40],
    "truncated tar": tar_of(PLAIN, packed=False)[:700],
    "flipped gzip": tar_of(PLAIN)[:30] + b"\xff" + tar_of(PLAIN)[31:],
    "not an archive": b"hello, world" * 100,
    "zip path upwards": zip_of([*PLAIN, ("../x", b"x")]),
    "zip absolute path": zip_of([*PLAIN, ("/x", b"x")]),
    "zip link": zip_of([*PLAIN, (zip_link("l"), "/etc/passwd")]),
    "zip bomb": zip_of([*PLAIN, ("zeros", bytes(20 << 20))]),
    "zip flipped": zip_of(PLAIN, method=zipfile.ZIP_STORED).replace(b"\x08\x01", b"\x08\x02"),
    "zip truncated": zip_of(PLAIN)[:-10],
}


@pytest.mark.parametrize("case", HOSTILE)
def test_both_refuse_a_hostile_archive(case):
    """Neither unpacks what is broken, hostile or too large."""
    assert (None, None) == (judge_on_host(HOSTILE[case]), judge_on_control_plane(HOSTILE[case]))


@pytest.mark.parametrize(
    "data", [tar_of(PLAIN), tar_of(PLAIN, packed=False), zip_of(PLAIN)], ids=["gzip", "tar", "zip"]
)
def test_both_compute_the_same_digest(data, tmp_path):
    """A sound package has one digest, whatever the archive's form."""
    (tmp_path / "archive").write_bytes(data)

    assert judge_on_host(tar_of(PLAIN)) == judge_on_host(data) == read_package(tmp_path / "archive").digest


def test_both_have_the_same_limits():
    """The limits are promised once."""
    names = ("MAX_BYTES", "MAX_MEMBERS", "MAX_RATIO", "RATIO_FREE_BYTES")

    assert [getattr(members, name) for name in names] == [getattr(archive_members, name) for name in names]


NAMES = st.sampled_from(
    ["a", "a/b", "./a", "a/", ".", "..", "a/../b", "/a", "", "ü", "b\x00c", "model.onnx"]
) | st.text(max_size=8)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CONTTYPE, b"Z"])
ENTRIES = st.lists(st.tuples(NAMES, KINDS, st.binary(max_size=20), st.integers(0, 0o7777)), max_size=6)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(entries=ENTRIES, packed=st.booleans(), flip=st.none() | st.tuples(st.integers(0, 3000), st.integers(0, 255)))
def test_both_judge_any_tar_alike(entries, packed, flip):
    """Whatever comes, both refuse it or both compute the same digest."""
    headers = []
    for name, kind, content, mode in entries:
        regular = kind in (tarfile.REGTYPE, tarfile.CONTTYPE)
        headers.append(
            (special(name.replace("\ud800", "?"), kind, mode=mode, linkname="a"), content if regular else b"")
        )
    try:
        data = bytearray(tar_of(headers, packed=packed))
    except UnicodeEncodeError:
        return
    if flip is not None:
        data[flip[0] % len(data)] = flip[1]

    assert judge_on_host(bytes(data)) == judge_on_control_plane(bytes(data))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.binary(max_size=200), start=st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"PK"]))
def test_both_refuse_noise_in_the_same_way(data, start):
    """Noise is refused, never a crash."""
    assert judge_on_host(start + data) == judge_on_control_plane(start + data)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.integers(0, 3000), value=st.integers(0, 255))
def test_both_judge_a_damaged_zip_alike(place, value):
    """One flipped byte anywhere in a zip."""
    data = bytearray(zip_of(PLAIN))
    data[place % len(data)] = value

    assert judge_on_host(bytes(data)) == judge_on_control_plane(bytes(data))
