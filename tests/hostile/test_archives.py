"""Archives of every sort of malice: nothing lands outside, and both extractors judge alike.

`ARCHIVE_CASES=10000 pytest tests/hostile/test_archives.py` runs the long profile.
"""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import tempfile
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mgmt_host.content import archive_members, packages

from mgmt_ansible import errors
from mgmt_ansible.archives import members
from mgmt_ansible.archives.reading import measure_files
from tests.contract.archives.test_two_extractors import PLAIN, judge_on_control_plane, judge_on_host, tar_of, zip_of

CASES = int(os.environ.get("ARCHIVE_CASES", "150"))
OUTSIDE = Path(tempfile.gettempdir()) / "mgmt-ansible-hostile-archive-canary"
PROFILE = settings(
    max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

NAMES = st.one_of(
    st.sampled_from(
        [
            "model-package.json", "model.onnx", "a", "A", "a/b", "a/b/c", "./a", "././a", "a/", "a/.", ".", "..", "",
            "../x", "../../x", "a/../../x", "a/../b", "/a", "//a", "a//b", "a\\b", "..\\x", "C:/x", "a\nb", "a\tb",
            "a\x00b", "b" * 99, "b" * 101, "c/" * 60 + "d", "e" * 256, "f/" * 2100, ".git/config", "~/x", "-rf", "a b",
            f"{OUTSIDE}/x", f"..{OUTSIDE}", unicodedata.normalize("NFC", "ü"), unicodedata.normalize("NFD", "ü"), "ß",
            "SS", "\u017f", "ﬁ", "\u202ea", "a\u200b", "\ufeffa", "CON", "aux.txt", "a.", "a ", "PaxHeaders.0/x", "././@LongLink",
        ]
    ),
    st.text(max_size=12),
)  # fmt: skip
KINDS = st.sampled_from(
    [
        tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE,
        tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE, tarfile.GNUTYPE_SPARSE, tarfile.GNUTYPE_LONGNAME,
        tarfile.XHDTYPE, tarfile.XGLTYPE, b"Z", b"\xff",
    ]
)  # fmt: skip
TARGETS = st.sampled_from(["", "a", "..", "../..", "/etc/passwd", str(OUTSIDE), "model.onnx", "a/../.."])
HEADERS = st.dictionaries(
    st.sampled_from(
        ["path", "linkpath", "size", "GNU.sparse.name", "GNU.sparse.major", "GNU.sparse.minor", "GNU.sparse.map",
         "GNU.sparse.size", "GNU.sparse.realsize", "SCHILY.realsize", "hdrcharset", "uname", "mtime"]
    ),
    st.sampled_from(["../x", f"{OUTSIDE}/y", "/etc/x", "0", "1", "-1", "99999999999999999999", "1e9", "0,1,2", "BINARY", "é"]),
    max_size=3,
)  # fmt: skip
MEMBERS = st.tuples(NAMES, KINDS, st.binary(max_size=40), st.integers(0, 0o7777), TARGETS, HEADERS)


def tar_from(entries, form, encoding="utf-8"):
    """Return a tar in one of its three forms; None when even the writer refuses."""
    target = io.BytesIO()
    try:
        with tarfile.open(
            fileobj=target, mode="w", format=form, encoding=encoding, errors="surrogateescape"
        ) as archive:
            for name, kind, content, mode, link, headers in entries:
                info = tarfile.TarInfo(name)
                info.type, info.mode, info.linkname, info.pax_headers = kind, mode, link, headers
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    except (ValueError, UnicodeError, tarfile.TarError, struct.error):
        return None
    return target.getvalue()


def spoilt(data, spoil):
    """Return data cut, with a byte changed, doubled, or with something behind it."""
    kind, place, value = spoil
    place %= max(1, len(data))
    match kind:
        case "cut":
            return data[:place]
        case "flip":
            return data[:place] + bytes([value]) + data[place + 1 :]
        case "double":
            return data + data
        case "tail":
            return data + bytes([value]) * place
    return data


SPOILS = st.tuples(
    st.sampled_from(["", "", "cut", "flip", "double", "tail"]), st.integers(0, 20_000), st.integers(0, 255)
)


def check(data):
    """Both judge alike, and nothing appeared outside."""
    host = judge_on_host(data)
    assert host == judge_on_control_plane(data)
    assert not OUTSIDE.exists()
    return host


@PROFILE
@given(
    entries=st.lists(MEMBERS, max_size=6),
    form=st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    packed=st.booleans(),
    spoil=SPOILS,
)
def test_nothing_of_any_tar_lands_outside(entries, form, packed, spoil):
    """Names, kinds, links, extended headers, forms, and damage."""
    data = tar_from(entries, form)
    if data is not None:
        check(spoilt(gzip.compress(data, 1) if packed else data, spoil))


@PROFILE
@given(
    entries=st.lists(st.tuples(NAMES, st.binary(max_size=40), st.integers(0, 0xFFFF), st.booleans()), max_size=6),
    spoil=SPOILS,
    renamed=st.none() | NAMES,
)
def test_nothing_of_any_zip_lands_outside(entries, spoil, renamed):
    """Names, links and devices by their mode, and a local header that says another name than the directory."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content, mode, stored in entries:
            info = zipfile.ZipInfo("x")
            info.filename = name.replace("\x00", "") or "x"
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            try:
                archive.writestr(info, content)
            except (UnicodeError, UserWarning, ValueError, struct.error):
                return
    data = target.getvalue()
    if renamed and entries:
        first = entries[0][0].encode(errors="replace")
        other = renamed.encode(errors="replace")[: len(first)].ljust(len(first), b"x")
        data = data.replace(first, other, 1)
    check(spoilt(data, spoil))


def pax(headers, name="model.onnx"):
    """Return a sound package, one of whose members says more of itself in an extended header."""
    plain = [(one, tarfile.REGTYPE, content, 0o644, "", {}) for one, content in PLAIN[:1]]
    return tar_from([*plain, (name, tarfile.REGTYPE, b"x", 0o644, "", headers)], tarfile.PAX_FORMAT)


@pytest.mark.parametrize(
    "data",
    {
        "path in an extended header": pax({"path": "../x"}),
        "absolute path in an extended header": pax({"path": f"{OUTSIDE}/x"}),
        "size in an extended header": pax({"size": "99999999999"}),
        "negative size": pax({"size": "-1"}),
        "sparse by extended header": pax({"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "../x"}),
        "header of noise behind the first member": tar_of(PLAIN, packed=False)[:1024] + b"noise" * 2048,
        "zip whose directory is cut": zip_of([(f"f{number}", b"") for number in range(70)])[:-30],
        "twice gzipped bomb": gzip.compress(tar_of([("zeros", bytes(30 << 20))], packed=False)),
        "second stream behind the first": gzip.compress(tar_of(PLAIN, packed=False)) + gzip.compress(bytes(30 << 20)),
    }.items(),
    ids=lambda item: item[0] if isinstance(item, tuple) else str(item),
)
def test_known_tricks_are_judged_alike(data):
    """Nothing lands outside; no more than the limits is unpacked."""
    name, content = data

    assert None is check(content) or "second stream" in name


@pytest.mark.parametrize("limit", ["MAX_MEMBERS", "MAX_BYTES", "MAX_RATIO"])
def test_a_bomb_is_refused_before_it_is_unpacked(limit, monkeypatch, tmp_path):
    """By count, by size and by ratio, in both extractors, with limits small enough to reach."""
    small = {"MAX_MEMBERS": 3, "MAX_BYTES": 2_000_000, "MAX_RATIO": 10}
    for home in (members, archive_members):
        monkeypatch.setattr(home, limit, small[limit])
    entries = [(f"f{number}", os.urandom(700_000) if limit == "MAX_BYTES" else bytes(700_000)) for number in range(4)]
    archive = tmp_path / "archive"
    archive.write_bytes(tar_of(entries))

    with pytest.raises(errors.ArchiveError):
        measure_files(archive)
    with pytest.raises(packages.HostError):
        packages.extract(str(archive), str(tmp_path / "out"))
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file()) <= 2_100_000
