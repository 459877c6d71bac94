"""The agent's settings: the documented example, and errors that name their path."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from mgmt_ansible import errors
from mgmt_ansible.settings import agent
from mgmt_ansible.settings.agent import AgentSettings, load_agent_settings
from mgmt_ansible.settings.content import default_content_path

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "agent-configuration.md"
ENVIRONMENT = "0123456789abcdef01234567"


def fine() -> dict[str, object]:
    return {
        "control_plane": {"url": "https://cp.example", "token_file": "agent.token"},
        "environments": [{"id": ENVIRONMENT, "inventory": "inventory.yml"}],
    }


def load(folder: Path, values: object) -> AgentSettings:
    """Load settings from a folder that has a token and an inventory."""
    (folder / "agent.token").write_text("secret\n")
    (folder / "agent.token").chmod(0o600)
    (folder / "inventory.yml").write_text("all: {}\n")
    path = folder / "agent.yml"
    path.write_text(values if isinstance(values, str) else yaml.safe_dump(values))
    return load_agent_settings(path)


def change(values: dict[str, object], path: str, value: object) -> dict[str, object]:
    """Set one setting by its path."""
    *folders, name = path.split("/")
    inner: object = values
    for folder in folders:
        inner = inner[int(folder)] if folder.isdigit() else inner.setdefault(folder, {})  # type: ignore[index,attr-defined]
    inner[name] = value  # type: ignore[index]
    return values


def example() -> str:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return text


def test_the_documented_example_loads(tmp_path):
    """What the reference page shows is accepted."""
    settings = load(tmp_path, example())

    assert [ENVIRONMENT] == list(settings.bindings)
    assert ("secret", 4, 30.0) == (settings.token, settings.workers, settings.grace_seconds)


def test_every_setting_is_on_the_reference_page():
    """A setting that is not documented does not exist."""
    page = PAGE.read_text()
    sections = (agent._AgentFile, agent._ControlPlane, agent._Ansible, agent._Environment)
    names = [name for section in sections for name in section.model_fields]
    assert [] == [name for name in names if name not in page]


def test_relative_paths_are_relative_to_the_file(tmp_path):
    """The working directory does not matter."""
    settings = load(tmp_path, {**fine(), "data_dir": "data"})

    assert tmp_path / "inventory.yml" == settings.bindings[ENVIRONMENT].inventory
    assert tmp_path / "data" == settings.data_dir


def test_only_onnx_is_served_until_the_agents_configuration_says_more(tmp_path):
    """What other packages bring runs as the hosts' account."""
    default = load(tmp_path, fine())
    wider = load(tmp_path, change(fine(), "environments/0/runtimes", ["onnx", "command"]))

    assert ("onnx",) == default.bindings[ENVIRONMENT].runtimes
    assert ("onnx", "command") == wider.bindings[ENVIRONMENT].runtimes


def test_a_runtime_of_the_content_path_is_served_when_it_is_allowed(tmp_path):
    """The row is there; the list decides."""
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "runtimes.yml").write_text("scorer: {start: [scorer], health_path: /health}")
    mine = change(fine(), "environments/0/content_path", "content")
    default = load(tmp_path, mine).bindings[ENVIRONMENT]
    wider = load(tmp_path, change(mine, "environments/0/runtimes", ["onnx", "scorer"])).bindings[ENVIRONMENT]

    assert (("onnx",), ("onnx", "scorer")) == (default.runtimes, wider.runtimes)
    assert ["scorer"] == [row.name for row in default.runtime_rows] == [row.name for row in wider.runtime_rows]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scorer: {start: [scorer]}", "scorer: health_path: give it here"),
        ("scorer: {start: scorer, health_path: /h}", "scorer/start: "),
        ("scorer: {start: [scorer], health_path: /h, shell: x}", "scorer/shell: "),
        ("scorer: {start: [scorer], health_path: /h, role: ../x}", "scorer/role: "),
        ("scorer: {start: [scorer], health_path: /h, role: absent}", "scorer: role: .* does not exist"),
        ("onnx: {start: [scorer], health_path: /h}", "onnx: the name must be"),
        ("[scorer]", "must be a mapping"),
        ("scorer: {start: [a], health_path: /h}\nscorer: {start: [b], health_path: /h}", "is there twice"),
        ("scorer: !!python/object:os.system {}", "cannot be read"),
        ("scorer: " + "[" * 5000, "cannot be read"),
        ("x" * (1 << 21), "is larger than"),
        ("a: &a [x, x]\n" + "".join(f"b{n}: *a\n" for n in range(30)), "aliases"),
    ],
)
def test_a_row_that_is_none_is_named_when_the_agent_starts(tmp_path, text, said):
    """With the file, the runtime and the key."""
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "runtimes.yml").write_text(text)
    with pytest.raises(errors.ConfigError, match=rf"runtimes\.yml: (?s:.*){said}"):
        load(tmp_path, change(fine(), "environments/0/content_path", "content"))


def test_the_token_is_not_in_the_repr(tmp_path):
    """Settings may be logged."""
    assert "'secret'" not in repr(load(tmp_path, fine()))


def test_our_content_is_found_without_a_setting(tmp_path):
    """The checkout, or the folder in the wheel."""
    assert default_content_path() == load(tmp_path, fine()).content_path


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    """One setting can be changed without another file."""
    monkeypatch.setenv("MGMT_ANSIBLE_AGENT_WORKERS", "9")

    assert 9 == load(tmp_path, {**fine(), "workers": 2}).workers


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("environments/0/inventory", "nowhere.yml", r"environments/0/inventory: .*nowhere\.yml does not exist"),
        ("environments/0/id", "../../etc", "environments/0/id: "),
        ("environments/0/pattern", "-i/etc/passwd", "environments/0/pattern: "),
        ("environments/0/pattern", "@/etc/passwd", "environments/0/pattern: "),
        ("environments/0/base_dir", "relative", "environments/0/base_dir: .* not an absolute path"),
        ("environments/0/pass_environment", ["ANSIBLE_HOST_KEY_CHECKING"], "environments/0/pass_environment/0: "),
        ("environments/0/pass_environment", ["a b"], "environments/0/pass_environment/0: "),
        ("environments/0/vault_password_files", ["no"], "environments/0/vault_password_files/0: .* does not exist"),
        ("environments/0/forks", 0, "environments/0/forks: "),
        ("environments/0/bind_address", "host; rm", "environments/0/bind_address: "),
        ("environments/0/traffic", "nginx", "environments/0/traffic: "),
        ("environments/0/drain_timeout_seconds", -1, "environments/0/drain_timeout_seconds: "),
        ("environments/0/runtimes", ["magic"], "environments/0/runtimes/0: "),
        ("environments/0/runtimes", [], "environments/0/runtimes: "),
        ("environments/0/runtimes", ["external"], "environments/0/runtimes: external is what others serve"),
        ("environments/0/invented", 1, "environments/0/invented: "),
        ("control_plane/url", "ftp://x", "control_plane/url: "),
        ("control_plane/token", "both", "control_plane/token: give either"),
        ("control_plane/token_file", "no.token", r"control_plane/token_file: .*no\.token does not exist"),
        ("ansible/bin_dir", "no", "ansible/bin_dir: .* does not exist"),
        ("workers", 0, "workers: "),
        ("environments", [], "environments: "),
        ("invented", 1, "invented: "),
    ],
)
def test_an_error_names_the_path_of_its_setting(tmp_path, path, value, said):
    """Operators read where, what, and what next."""
    with pytest.raises(errors.ConfigError, match=said):
        load(tmp_path, change(fine(), path, value))


def test_an_environment_that_is_there_twice_is_refused(tmp_path):
    """Two bindings of one environment would be a coin toss."""
    values = fine()
    values["environments"] = [*values["environments"], *values["environments"]]  # type: ignore[misc]

    with pytest.raises(errors.ConfigError, match=r"environments/1/id: .* is there twice"):
        load(tmp_path, values)


def test_a_token_that_everybody_can_read_is_refused(tmp_path):
    """The message has the command that repairs it."""
    path = tmp_path / "open.token"
    path.write_text("secret")
    path.chmod(0o644)

    with pytest.raises(errors.ConfigError, match=r"control_plane/token_file: .* run `chmod 600 .*open\.token`"):
        load(tmp_path, change(fine(), "control_plane/token_file", "open.token"))


def test_a_vault_script_may_be_read_by_everybody(tmp_path):
    """It prints the password, it does not hold it."""
    script = tmp_path / "vault.sh"
    script.write_text("#!/bin/sh\npass show vault\n")
    script.chmod(0o755)

    settings = load(tmp_path, change(fine(), "environments/0/vault_password_files", ["vault.sh"]))

    assert (script,) == settings.bindings[ENVIRONMENT].vault_password_files


@pytest.mark.parametrize("text", ["", "[]", "a: [", "\x00", "control_plane: 1"])
def test_a_file_of_another_shape_is_refused(tmp_path, text):
    """Nothing but a mapping is read."""
    with pytest.raises(errors.ConfigError):
        load(tmp_path, text)


def token_in_the_file(tmp_path, mode):
    values = fine()
    values["control_plane"] = {"url": "https://cp.example", "token": "secret"}
    path = tmp_path / "agent.yml"
    path.touch()
    path.chmod(mode)
    return load(tmp_path, values)


def test_a_token_in_a_configuration_that_everybody_can_read_is_refused(tmp_path):
    """It is as secret there as in a file of its own."""
    with pytest.raises(errors.ConfigError, match=r"control_plane/token: .* run `chmod 600 .*agent\.yml`"):
        token_in_the_file(tmp_path, 0o644)


def test_a_token_in_a_private_configuration_is_taken(tmp_path):
    """One file is enough."""
    assert "secret" == token_in_the_file(tmp_path, 0o600).token


def test_a_token_of_the_environment_needs_no_private_file(tmp_path, monkeypatch):
    """The file does not hold it."""
    monkeypatch.setenv("MGMT_ANSIBLE_AGENT_CONTROL_PLANE__TOKEN", "secret")
    values = fine()
    values["control_plane"] = {"url": "https://cp.example"}

    assert "secret" == load(tmp_path, values).token


def test_a_password_in_the_arguments_of_pip_is_refused_without_being_shown(tmp_path):
    """It would be in the process list of every host."""
    arguments = ["--index-url", "https://me:hunter2@index.example/simple"]

    with pytest.raises(errors.ConfigError, match="environments/0/pip_arguments/1: ") as refused:
        load(tmp_path, change(fine(), "environments/0/pip_arguments", arguments))

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "files",
    [
        {"A B": "/etc/key"},
        {"1A": "/etc/key"},
        {"A": "etc/key"},
        {"A": ""},
        {"A": "/etc/a\nb"},
        {"A": "/etc/a\x00"},
        {"A": 1},
        ["/etc/key"],
    ],
)
def test_a_secret_is_named_by_a_word_and_an_absolute_path_on_the_hosts(tmp_path, files):
    """The message names the setting."""
    with pytest.raises(errors.ConfigError, match="environments/0/secret_files"):
        load(tmp_path, change(fine(), "environments/0/secret_files", files))


def test_supervision_and_secret_files_reach_the_binding(tmp_path):
    """As they stand."""
    values = change(fine(), "environments/0/secret_files", {"API_KEY": "/etc/keys/api"})
    binding = load(tmp_path, change(values, "environments/0/supervision", "process")).bindings[ENVIRONMENT]

    assert ("process", {"API_KEY": "/etc/keys/api"}) == (binding.supervision, binding.secret_files)
