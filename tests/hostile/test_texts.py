"""A hundred hostile texts in every field that people, programs and hosts may fill: over the real API and pages."""

from __future__ import annotations

import html
import io
import json
import tarfile

import pytest
from fastapi.testclient import TestClient

from mgmt_ansible.domain.outcomes import Evidence, HostOutcome, Outcome, Step
from mgmt_ansible.domain.redaction import clean_text
from tests.contract.store.sites import Site
from tests.hostile.texts import TEXTS, controls, without_surrogates

ANSWERS = {200, 201, 202, 400, 404, 409, 413, 422}
API = "/api/v2"


def bodies(site: Site, text: str) -> dict[str, tuple[str, str, dict[str, object]]]:
    """Field -> method, route and body with the text in that field."""
    package, environment = site.add_package("p", "1").id, site.environment.id
    launch = {"modelPackageId": package, "label": "l", "predictionEnvironmentId": environment, "launch": False}
    made = f"{API}/deployments/fromModelPackage/"
    return {
        "environment name": ("POST", f"{API}/predictionEnvironments/", {"name": text}),
        "environment description": ("POST", f"{API}/predictionEnvironments/", {"name": "x", "description": text}),
        "environment platform": ("POST", f"{API}/predictionEnvironments/", {"name": "y", "platform": text}),
        "label": ("POST", made, {**launch, "label": text}),
        "description": ("POST", made, {**launch, "description": text}),
        "deployment id": ("POST", made, {**launch, "deploymentId": text}),
        "importance": ("POST", made, {**launch, "importance": text}),
        "package id": ("POST", made, {**launch, "modelPackageId": text}),
        "environment id": ("POST", made, {**launch, "predictionEnvironmentId": text}),
        "port": ("POST", made, {**launch, "port": text}),
        "new label": ("PATCH", f"{API}/deployments/d1/", {"label": text}),
        "new description": ("PATCH", f"{API}/deployments/d1/", {"description": text}),
        "reason": ("PATCH", f"{API}/deployments/d1/model/", {"modelPackageId": package, "reason": text}),
        "status": ("PATCH", f"{API}/deployments/d1/status/", {"status": text}),
        "action type": ("POST", f"{API}/deployments/d1/actions/", {"type": text}),
        "token name": ("POST", f"{API}/accessTokens/", {"name": text, "kind": "user"}),
        "token kind": ("POST", f"{API}/accessTokens/", {"name": "x", "kind": text}),
    }


REFUSED_WHOLE = {
    "deployment id",
    "importance",
    "package id",
    "environment id",
    "port",
    "reason",
    "status",
    "action type",
    "token kind",
}


@pytest.fixture
def deployed(site: Site) -> Site:
    site.create("d1", launch=False)
    return site


def test_every_text_in_every_field_is_refused_or_stays_text(deployed: Site, user: TestClient):
    """Never a 500; where it is taken, no control character of it is kept; closed fields take none of them."""
    fields = bodies(deployed, "x")
    for text in TEXTS:
        for name, (method, route, body) in bodies_with(fields, text).items():
            answer = user.request(method, route, content=json.dumps(body), headers={"Content-Type": "application/json"})
            assert answer.status_code in ANSWERS, (name, text)
            assert [] == controls(answer.json().get("label", "") + answer.json().get("name", "")), (name, text)
            assert name not in REFUSED_WHOLE or answer.status_code >= 400, (name, text)
    listed = user.get(f"{API}/deployments/?limit=500").json()["data"]
    assert [] == [one["label"] for one in listed if controls(one["label"] + one["description"])]
    assert_pages_are_harmless(user, [one["id"] for one in listed[:20]])


def bodies_with(fields, text: str):
    """The same bodies with another text where the first one is `x` and the others are not."""
    return {
        name: (method, route, {**body, **{changed_key(name): text}}) for name, (method, route, body) in fields.items()
    }


def changed_key(name: str) -> str:
    """The JSON key of a field."""
    keys = {
        "environment name": "name", "environment description": "description", "environment platform": "platform",
        "deployment id": "deploymentId", "package id": "modelPackageId", "environment id": "predictionEnvironmentId",
        "new label": "label", "new description": "description", "action type": "type", "token name": "name", "token kind": "kind",
    }  # fmt: skip
    return keys.get(name, name)


def assert_pages_are_harmless(user: TestClient, deployment_ids: list[str]) -> None:
    for address in ["/", *(f"/deployments/{one}" for one in deployment_ids)]:
        answer = user.get(address)
        assert 200 == answer.status_code
        assert [] == [mark for mark in ("<script>", "<img src=x", "<svg/onload") if mark in answer.text]
        assert [] == controls(html.unescape(answer.text))
        assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_every_text_as_name_and_version_of_a_package(deployed: Site, user: TestClient):
    """They stand in the query of an upload."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as stream:
        for name, content in (("model-package.json", b'{"schema": 1, "runtime": "onnx", "model": "m"}'), ("m", b"x")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            stream.addfile(info, io.BytesIO(content))
    for text in TEXTS:
        for query in ({"name": text, "version": "1"}, {"name": "n", "version": text}):
            answer = user.post(f"{API}/modelPackages/", params=query, content=archive.getvalue())
            assert answer.status_code in ANSWERS, text
            assert [] == controls(answer.json().get("name", "") + answer.json().get("version", "")), text


def test_every_text_as_filter_header_and_path(deployed: Site, user: TestClient):
    """Searches find nothing or something, ids are unknown, and no header is repeated as it came."""
    for text in TEXTS:
        for route in ("deployments/", "deploymentEvents/", "runs/", "modelPackages/"):
            query = {"search": text, "type": text, "name": text, "deploymentId": text}
            assert user.get(f"{API}/{route}", params=query).status_code in ANSWERS
        found = user.get(
            "/", params={"search": text, "environment": text, "state": text, "health": text, "offset": text}
        )
        assert 200 == found.status_code
        assert "<script>alert" not in found.text
        header = text.encode("ascii", errors="ignore").replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")[:500]
        answer = user.get(f"{API}/version/", headers={"X-Request-Id": header, "Idempotency-Key": header})
        assert answer.status_code in ANSWERS
        assert "set-cookie" not in answer.headers


def test_every_text_that_a_host_says_is_harmless_on_pages_and_in_answers(site: Site, user: TestClient):
    """Messages, evidence, steps and notes of a host, and the log of its run."""
    site.create("d1")
    claim = site.take()
    hosts = tuple(
        HostOutcome(
            host=f"h{number}",
            outcome=Outcome.FAILED,
            message=text,
            evidence=(Evidence(kind=clean_text(text)[:20] or "x", text=text),),
            steps=(Step(name=text, seconds=1.0),),
            notes=(text,),
        )
        for number, text in enumerate(without_surrogates())
    )
    site.report(claim, hosts=hosts, message=" ".join(without_surrogates()))

    answer = user.get(f"{API}/actions/{claim.spec.id}/")
    assert 100 == len(answer.json()["hosts"])
    assert [] == controls(str([host["message"] for host in answer.json()["hosts"]]))
    assert_pages_are_harmless(user, ["d1"])
