"""`package record-golden`: ask a running model, and keep what it answers as a package's golden predictions."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from mgmt_ansible import errors
from mgmt_ansible.archives import golden
from mgmt_ansible.domain.model_packages import MANIFEST_NAME

_ASK_SECONDS = 30.0
_WHERE = "see in `mgmt-ansible deployment show` where a model that runs takes predictions"
_ANSWER_BYTES = 1 << 20
_OF_ONE_ANSWER = frozenset({"model_name", "model_version", "id"})
"""What an answer of the Open Inference Protocol says of itself, which is another for each release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A line of the file of requests."""

    number: int
    asked: dict[str, object]

    @property
    def body(self) -> bytes:
        """What is posted: a text with a media type as it stands, anything else as JSON."""
        request = self.asked["request"]
        plain = isinstance(request, str) and "content_type" in self.asked
        return (str(request) if plain else json.dumps(request)).encode("utf-8", "replace")

    @property
    def kind(self) -> str:
        """Its media type."""
        return str(self.asked.get("content_type", "application/json"))


def record(folder: Path, url: str, requests_file: Path, *, tolerance: float | None, without: Sequence[str]) -> Path:
    """Write a package folder's file of examples, and name it in the manifest.

    Args:
        folder: With a manifest at its root.
        url: Takes predictions by POST, as `deployment show` says it.
        requests_file: A JSON object a line: `request` and, if need be, `content_type`; `answer` is not looked at.
        tolerance: For the manifest; None leaves what it says.
        without: Keys at the top of an answer that are not kept.

    Returns:
        The file of examples.

    Raises:
        InvalidRequestError: A file cannot be read or written, or the model's answers cannot be kept.
    """
    manifest_path = folder / MANIFEST_NAME
    if not manifest_path.is_file():
        raise errors.InvalidRequestError(
            f"{folder}: holds no {MANIFEST_NAME}. Next: name the folder of a model package"
        )
    try:
        manifest = json.loads(manifest_path.read_text())
        lines = [_line(asked, _answer(url, asked, frozenset(without))) for asked in _requests(requests_file)]
        said = dict(manifest.get("golden") or {"file": golden.DEFAULT_FILE})
        if tolerance is not None:
            said["tolerance"] = tolerance
        target = folder / _inside(str(said.get("file", golden.DEFAULT_FILE)))
        _replace(target, "".join(lines))
        if manifest.get("golden") != said:
            _replace(manifest_path, json.dumps({**manifest, "golden": said}, indent=2) + "\n")
    except OSError as exc:
        raise errors.InvalidRequestError(f"{exc.filename}: cannot be read or written: {exc.strerror}") from exc
    except (ValueError, TypeError, AttributeError) as exc:
        raise errors.InvalidRequestError(f"{manifest_path} is no manifest: {exc}") from exc
    return target


def _requests(path: Path) -> Iterator[_Request]:
    lines = [line for line in path.read_bytes().split(b"\n") if line.strip()]
    if not 1 <= len(lines) <= golden.MOST_EXAMPLES:
        raise errors.InvalidRequestError(f"{path}: must have 1 to {golden.MOST_EXAMPLES} lines, a request each")
    for number, line in enumerate(lines, 1):
        try:
            asked = golden.loads(line.decode())
        except (ValueError, RecursionError) as exc:
            raise errors.InvalidRequestError(f"{path}: line {number} is not JSON: {exc}") from exc
        if not isinstance(asked, dict) or "request" not in asked:
            raise errors.InvalidRequestError(f"{path}: line {number} must be an object with `request`")
        kind = asked.get("content_type", "text/plain")
        if not isinstance(kind, str) or not golden.MEDIA_TYPE.fullmatch(kind):
            raise errors.InvalidRequestError(f"{path}: line {number}: content_type is no media type such as text/csv")
        yield _Request(number=number, asked=asked)


def _answer(url: str, asked: _Request, without: frozenset[str]) -> object:
    """Return what the model answers twice; a value that differs from one time to the next proves nothing."""
    first, second = (_kept(_ask(url, asked), without) for _ in range(2))
    where = _difference("", first, second)
    if where is None:
        return first
    key = where.partition(".")[0].partition("[")[0]
    raise errors.InvalidRequestError(
        f"request {asked.number}: the model answered twice, and differs at {where or 'the whole'}. "
        f"Next: leave it out with --without {key or 'KEY'}, or ask a model that says the same twice"
    )


def _ask(url: str, asked: _Request) -> object:
    where = f"request {asked.number}: {url}"
    headers = {"Content-Type": asked.kind, "Accept": "application/json"}
    try:
        with requests.post(
            url, asked.body, headers=headers, timeout=_ASK_SECONDS, stream=True, allow_redirects=False
        ) as answer:
            content = answer.raw.read(_ANSWER_BYTES + 1, decode_content=True)
            status = answer.status_code
    except requests.ConnectionError as exc:
        raise errors.InvalidRequestError(f"{where} does not answer. Next: {_WHERE}") from exc
    except (requests.RequestException, ValueError, OSError) as exc:
        raise errors.InvalidRequestError(f"{where} cannot be asked: {exc}. Next: {_WHERE}") from exc
    text = content.decode("utf-8", "replace")
    if status != requests.codes.ok:
        raise errors.InvalidRequestError(f"{where} answered {status}: {text[:200]}. Next: {_WHERE}")
    if len(content) > _ANSWER_BYTES:
        raise errors.InvalidRequestError(f"{where} answered more than {_ANSWER_BYTES} bytes")
    try:
        return golden.loads(text)
    except json.JSONDecodeError:
        return text
    except (ValueError, RecursionError) as exc:
        raise errors.InvalidRequestError(f"{where} answered what cannot be kept: {exc}") from exc


def _kept(answer: object, without: frozenset[str]) -> object:
    if not isinstance(answer, dict):
        return answer
    left_out = without | (_OF_ONE_ANSWER if isinstance(answer.get("outputs"), list) else frozenset())
    return {key: value for key, value in answer.items() if key not in left_out}


def _difference(where: str, first: object, second: object) -> str | None:
    """Return where two answers differ; None where they do not, numbers within the usual tolerance."""
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        inner = ((f"{where}.{key}".lstrip("."), value, second[key]) for key, value in first.items())
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        pairs = enumerate(zip(first, second, strict=True))
        inner = ((f"{where}[{place}]", *both) for place, both in pairs)
    else:
        return None if _same(first, second) else where
    return next((found for one in inner if (found := _difference(*one)) is not None), None)


def _same(first: object, second: object) -> bool:
    if isinstance(first, float) and isinstance(second, float):
        allowed = golden.DEFAULT_TOLERANCE
        return math.isclose(first, second, rel_tol=allowed, abs_tol=allowed)
    return first == second


def _line(asked: _Request, answer: object) -> str:
    kept = {key: asked.asked[key] for key in ("request", "content_type") if key in asked.asked}
    return json.dumps({**kept, "answer": answer}) + "\n"


def _inside(name: str) -> str:
    if name.startswith("/") or {"", ".", ".."}.intersection(name.split("/")):
        raise ValueError("golden.file must name a file of the package")
    return name


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(text)
    draft.replace(path)
