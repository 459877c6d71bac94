"""Settings of the control plane: file, environment, arguments; every error names its path."""

from __future__ import annotations

from pathlib import Path

import pytest

from mgmt_ansible import errors
from mgmt_ansible.settings.control_plane import ControlPlaneSettings, load_control_plane_settings
from mgmt_ansible.settings.notifications import NotificationSettings
from mgmt_ansible.settings.reading import read_yaml

PAGE = Path(__file__).parents[3] / "docs/reference/settings-control-plane.md"


def test_arguments_rank_above_the_environment_above_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The nearest to the person wins."""
    file = tmp_path / "serve.yaml"
    file.write_text("port: 1\nhost: file\nlog_format: json\n")
    monkeypatch.setenv("MGMT_ANSIBLE_SERVE_HOST", "environment")
    monkeypatch.setenv("MGMT_ANSIBLE_SERVE_PORT", "2")

    settings = load_control_plane_settings(file, port=3, host=None)

    assert (3, "environment", "json") == (settings.port, settings.host, settings.log_format)


def test_the_database_lies_in_the_data_folder():
    """Unless it is given."""
    settings = load_control_plane_settings(data=Path("/srv/x"))

    assert "sqlite:////srv/x/control-plane.sqlite3" == settings.database_url
    assert "postgresql://h/d" == load_control_plane_settings(database="postgresql://h/d").database_url


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port: 70000", "port: "),
        ("prot: 1", "prot: "),
        ("log_format: xml", "log_format: "),
        ("- a list", "must be a mapping"),
        ("a: [", "cannot be read"),
        ("1: 2", "must be a mapping"),
        ("\x00", "cannot be read"),
        ("!!python/object/apply:os.system [true]", "cannot be read"),
    ],
)
def test_a_wrong_file_is_an_error_with_its_path(tmp_path: Path, text: str, message: str):
    """File first, then the setting."""
    file = tmp_path / "serve.yaml"
    file.write_text(text)

    with pytest.raises(errors.ConfigError, match=message) as caught:
        load_control_plane_settings(file)
    assert str(caught.value).startswith(str(file))


def test_a_missing_file_is_an_error(tmp_path: Path):
    """It was asked for by name."""
    with pytest.raises(errors.ConfigError, match=r"gone\.yaml"):
        read_yaml(tmp_path / "gone.yaml")


def test_an_empty_file_sets_nothing(tmp_path: Path):
    """A file of comments is fine."""
    file = tmp_path / "serve.yaml"
    file.write_text("# nothing\n")

    assert load_control_plane_settings() == load_control_plane_settings(file)


def test_every_setting_has_its_line_in_the_reference():
    """With its variable."""
    page = PAGE.read_text()

    assert [] == [name for name in ControlPlaneSettings.model_fields if f"`{name}`" not in page]
    plain = set(ControlPlaneSettings.model_fields) - {"notifications"}
    assert set() == {name for name in plain if f"`MGMT_ANSIBLE_SERVE_{name.upper()}`" not in page}
    inner = NotificationSettings.model_fields
    assert [] == [name for name in inner if f"| `notifications/{name}` | `...__{name.upper()}` |" not in page]
