"""Images that a package carries as a tar, of `docker save` or of OCI's layout, handed to an engine without any registry.

Only the image itself goes on, under a name of ours: the names that a tar gives, which could be those of another image on
the host, stay behind. Sources: the image specification of moby (v1.2) and OCI's image layout (1.0).
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import re
import tarfile
import zlib
from dataclasses import dataclass
from typing import IO, Any, Callable

from ..failures import HostError, evidence

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_LONGEST_JSON = 4 << 20
_MOST_LAYERS = 512
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


@dataclass(frozen=True)
class CarriedImage:
    """Where the parts of an image lie in a tar.

    Attributes:
        path: Of the tar.
        config: Content of the image's configuration; its sha256 is the image's id.
        layers: Names of the layers' members, lowest first.
    """

    path: str
    config: bytes
    layers: tuple[str, ...]

    @property
    def image_id(self) -> str:
        """The id by which engines know it: `sha256:` and the sha256 of its configuration."""
        return "sha256:" + hashlib.sha256(self.config).hexdigest()

    def writer(self, name: str) -> Callable[[IO[bytes]], None]:
        """Return what writes the image as a tar of `docker save` with one name."""

        def write(stream: IO[bytes]) -> None:
            with tarfile.open(self.path) as source, tarfile.open(fileobj=stream, mode="w|") as target:
                config = "{}.json".format(self.image_id[len("sha256:") :])
                names = ["{}/layer.tar".format(place) for place in range(len(self.layers))]
                manifest = [{"Config": config, "RepoTags": [name], "Layers": names}]
                _add(target, "manifest.json", json.dumps(manifest).encode())
                _add(target, config, self.config)
                for member, layer in zip(self.layers, names):
                    _copy(source, member, target, layer)

        return write


def read(path: str) -> CarriedImage:
    """Return the one image of a tar, that of this machine's kind where there are several.

    Raises:
        HostError: `artifact`: it is no such tar, holds several images, or is broken.
    """
    try:
        with tarfile.open(path) as tar:
            names = {member.name: member for member in tar}
            config, layers = _of_oci(tar, names) if "manifest.json" not in names else _of_docker(tar, names)
            for layer in layers:
                _open(tar, layer)
            return CarriedImage(path, _read(tar, config), layers)
    except (
        tarfile.TarError,
        zlib.error,
        EOFError,
        OSError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        message = "serve.image_tar is not one image as docker save or OCI's layout has it; pack it anew"
        raise HostError("artifact", message, [evidence("image_tar", repr(error)[:1000])]) from error


def _of_docker(tar: tarfile.TarFile, names: dict[str, tarfile.TarInfo]) -> tuple[str, tuple[str, ...]]:
    (image,) = _json(tar, "manifest.json")
    return _checked(names, image["Config"], image["Layers"])


def _of_oci(tar: tarfile.TarFile, names: dict[str, tarfile.TarInfo]) -> tuple[str, tuple[str, ...]]:
    found = _json(tar, "index.json")
    for _ in range(3):  # an index may name another one
        if "manifests" not in found:
            break
        found = _json(tar, _blob(_of_this_machine(found["manifests"])))
    return _checked(names, _blob(found["config"]), [_blob(layer) for layer in found["layers"]])


def _of_this_machine(manifests: list[Any]) -> Any:
    wanted = _MACHINES.get(platform.machine(), platform.machine())
    images = [one for one in manifests if (one.get("platform") or {}).get("os") != "unknown"]
    fitting = [one for one in images if (one.get("platform") or {}).get("architecture") == wanted]
    (only,) = fitting if len(images) > 1 else images
    return only


def _checked(names: dict[str, tarfile.TarInfo], config: object, layers: object) -> tuple[str, tuple[str, ...]]:
    if not isinstance(layers, list) or len(layers) > _MOST_LAYERS:
        raise ValueError("it must have at most {} layers".format(_MOST_LAYERS))
    for name in (config, *layers):
        if not isinstance(name, str) or name not in names:
            raise ValueError("it lacks {!r}".format(name))
    return str(config), tuple(layers)


def _blob(descriptor: dict[str, Any]) -> str:
    found = _DIGEST.fullmatch(descriptor["digest"])
    if found is None:
        raise ValueError("{!r} is no sha256".format(descriptor["digest"]))
    return "blobs/sha256/" + found.group(1)


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    content = _open(tar, name).read(_LONGEST_JSON + 1)
    if len(content) > _LONGEST_JSON:
        raise ValueError("{} is larger than {} bytes".format(name, _LONGEST_JSON))
    return content


def _json(tar: tarfile.TarFile, name: str) -> Any:
    return json.loads(_read(tar, name).decode("utf-8"))


def _open(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    stream = tar.extractfile(
        name
    )  # follows a link inside the tar, as older engines write for a layer that is there twice
    if stream is None:
        raise ValueError("{} is no file".format(name))
    return stream


def _add(target: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    target.addfile(member, io.BytesIO(content))


def _copy(source: tarfile.TarFile, name: str, target: tarfile.TarFile, new_name: str) -> None:
    stream = _open(source, name)
    member = tarfile.TarInfo(new_name)
    member.size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    target.addfile(member, stream)
