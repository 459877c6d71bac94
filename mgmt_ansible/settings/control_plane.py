"""Settings of the control plane; the reference page is docs/reference/settings-control-plane.md."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from mgmt_ansible.settings.notifications import NotificationSettings
from mgmt_ansible.settings.reading import read_settings


class ControlPlaneSettings(BaseSettings):
    """What `mgmt-ansible serve` needs to know.

    Attributes:
        data: Directory of the control plane's own files: database, package archives, `admin.token`,
            `control-plane.json`; made when missing, mode 0700.
        database: `sqlite:///PATH` or `postgresql://...`; None is `<data>/control-plane.sqlite3`.
        host: Address to listen on.
        port: TCP port; 0 takes a free one, which `control-plane.json` tells.
        log_format: `console` for people, `json` for machines.
        max_package_bytes: Largest archive that is taken.
        session_idle_hours: A session of the pages ends after so long without a request.
        session_hours: And so long after it began, whatever happens.
        writes_per_second: Writing requests of one token, on average; ten seconds' worth may come at once; 0 is no limit.
        notifications: Whom notifications may reach, and how hard is tried.
    """

    model_config = SettingsConfigDict(
        env_prefix="MGMT_ANSIBLE_SERVE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    data: Path = Path("mgmt-ansible-data")
    database: str | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8765
    log_format: Literal["console", "json"] = "console"
    max_package_bytes: Annotated[int, Field(ge=1)] = 10 * 1024**3
    session_idle_hours: Annotated[float, Field(gt=0, le=720)] = 12
    session_hours: Annotated[float, Field(gt=0, le=720)] = 168
    writes_per_second: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 100.0
    notifications: NotificationSettings = NotificationSettings()

    @property
    def database_url(self) -> str:
        """The database's URL with the default filled in."""
        return self.database or f"sqlite:///{self.data.absolute() / 'control-plane.sqlite3'}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not stand in a log: the passwords of the database and of the mail server, as given and unquoted."""
        urls = (self.database_url, self.notifications.mail_url.get_secret_value())
        found = {password for url in urls for password in _passwords(url)}
        return tuple(sorted(filter(None, {*found, urls[1]})))

    @property
    def notifications_key_file(self) -> Path:
        """The key's file with the default filled in."""
        return self.notifications.key_file or self.data.absolute() / "notifications.key"


def _passwords(url: str) -> tuple[str, ...]:
    try:
        password = urlsplit(url).password or ""
    except ValueError:  # whoever uses it says what is wrong with it
        return ()
    return (password, unquote(password))


def load_control_plane_settings(path: Path | None = None, **overrides: object) -> ControlPlaneSettings:
    """Return settings from a YAML file, `MGMT_ANSIBLE_SERVE_*` variables and arguments (None = not given).

    Raises:
        ConfigError: The message names the path of the setting.
    """
    return read_settings(ControlPlaneSettings, path=path, overrides=overrides)
