"""The demo models' samples: cached, asked, compared."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mgmt_ansible import archives, errors
from mgmt_ansible.quickstart import demo_models, samples


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Both models, really trained."""
    folder = tmp_path_factory.mktemp("models")
    demo_models.make_packages(folder)
    return folder


@pytest.fixture
def model_server():
    """A server that answers every request with what the test puts into `answer`."""

    class Handler(BaseHTTPRequestHandler):
        answer = (200, b"")

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(self.answer[0])
            self.end_headers()
            self.wfile.write(self.answer[1])

        def log_message(self, *parts):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.url = f"http://127.0.0.1:{server.server_port}/infer"
        yield server
        server.shutdown()
        thread.join()


def test_the_models_disagree_about_every_sample(made):
    """Else nobody could tell one from the other."""
    found = samples.find_samples(made)

    first, second = (found.probabilities[version] for version in samples.VERSIONS)
    assert len(found.rows) >= 3
    assert all(
        samples.judgement(found, one).split(" (")[0] != samples.judgement(found, other).split(" (")[0]
        for one, other in zip(first, second, strict=True)
    )


def test_the_packages_are_packages(made):
    """The control plane would take them."""
    digests = {archives.read_package(samples.archive_path(made, version)).digest for version in samples.VERSIONS}

    assert 2 == len(digests)


def test_making_them_again_gives_the_same_digests(made, tmp_path):
    """Training is deterministic, so a second `up` would find its packages registered."""
    demo_models.make_packages(tmp_path)

    for version in samples.VERSIONS:
        again = archives.read_package(samples.archive_path(tmp_path, version)).digest
        assert archives.read_package(samples.archive_path(made, version)).digest == again


@pytest.mark.parametrize("content", ["", "{}", '{"recipe": 0}', "nonsense"])
def test_samples_of_another_recipe_are_made_again(tmp_path, content):
    """An interrupted or older training is no cache."""
    (tmp_path / samples.SAMPLES_NAME).write_text(content)

    assert samples.find_samples(tmp_path) is None


def test_an_answer_is_a_row_a_bottle(made, model_server):
    """The tensor is flat; classes say how wide a row is."""
    found = samples.find_samples(made)
    rows = found.probabilities["1"]
    flat = [value for row in rows for value in row]
    model_server.RequestHandlerClass.answer = (
        200,
        json.dumps({"outputs": [{"name": found.output, "data": flat}]}).encode(),
    )

    assert 0.0 == samples.largest_difference(rows, samples.ask_model(model_server.url, found))


@pytest.mark.parametrize(
    "answer", [(500, b"{}"), (200, b""), (200, b"{}"), (200, b'{"outputs": 5}'), (200, b'{"outputs": [{"name": "x"}]}')]
)
def test_any_other_answer_is_an_error(made, model_server, answer):
    """The URL is named."""
    model_server.RequestHandlerClass.answer = answer

    with pytest.raises(errors.QuickstartError, match="probabilities"):
        samples.ask_model(model_server.url, samples.find_samples(made))


def test_tables_of_different_shapes_are_far_apart():
    """A missing row is not a small difference."""
    assert float("inf") == samples.largest_difference(((1.0, 0.0),), ())
