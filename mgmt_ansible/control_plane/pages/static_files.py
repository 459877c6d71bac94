"""Static files: read once, served under a name with their content's hash, so that browsers may keep them for ever."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fastapi import APIRouter, Request, Response

from mgmt_ansible import errors

FOLDER = Path(__file__).parent / "static"
VENDORED = ("vendor/htmx.min.js", "vendor/hx-sse.min.js")
SCRIPTS = ("times.js", "live.js", "keys.js", "pages.js", "views.js", *VENDORED, "log.js", "upload.js")
"""At the end of each page, in this order."""
NAMES = ("favicon.svg", "icons.svg", "pages.css", "views.css", "runs.css", "theme.js", *SCRIPTS)
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """One file: its octets as they are and as gzip, and the hash in its address."""

    media_type: str
    content: bytes
    compressed: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """All files by name."""

    files: Mapping[str, StaticFile]

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Self:
        """Read all files.

        Raises:
            ConfigError: One is not there: a checkout whose page assets were never built.
        """
        return cls({name: _read(folder / name) for name in NAMES})

    def url(self, name: str) -> str:
        """Return the address of a file, which changes with its content; KeyError for a name that is not ours."""
        return f"/static/{self.files[name].digest}/{name}"

    def router(self) -> APIRouter:
        """Return the route that serves them."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/static/{digest}/{name:path}", self._serve, methods=["GET", "HEAD"])
        return router

    def _serve(self, request: Request, digest: str, name: str) -> Response:
        file = self.files.get(name)
        if file is None:
            return Response("not found\n", status_code=404, media_type="text/plain")
        headers = {
            # an address of another release is answered, but not to be kept
            "Cache-Control": FOR_EVER if digest == file.digest else "no-cache",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(file.content, media_type=file.media_type, headers=headers)
        return Response(file.compressed, media_type=file.media_type, headers=headers | {"Content-Encoding": "gzip"})


def _read(path: Path) -> StaticFile:
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise errors.ConfigError(
            f"pages: {path} cannot be read ({exc.strerror}). Next: in a checkout run python hatch_build.py, else install again"
        ) from exc
    return StaticFile(
        media_type=MEDIA_TYPES[path.suffix],
        content=content,
        compressed=gzip.compress(content, mtime=0),
        digest=hashlib.sha256(content).hexdigest()[:16],
    )
