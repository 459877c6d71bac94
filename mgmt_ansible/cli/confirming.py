"""A typed word before something that matters is ended or replaced: the same rule as on the pages."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible import errors
from mgmt_ansible.cli import text
from mgmt_ansible.domain.confirmations import word_to_type

if TYPE_CHECKING:
    from mgmt_ansible.domain.actions import ActionType
    from mgmt_ansible.wire.api_v2 import Deployment

ConfirmOption = Annotated[
    str | None,
    typer.Option(
        "--confirm",
        metavar="ID",
        help="Of an important deployment, or one in production: its id, instead of typing it when asked.",
    ),
]


def require(deployment: Deployment, action_type: ActionType, confirmed: str | None) -> None:
    """Have the word typed that an action needs, unless it was given.

    Args:
        deployment: Which one.
        action_type: What is about to be asked for.
        confirmed: What was given for `--confirm`.

    Raises:
        InvalidRequestError: Another word was given or typed, or none and nobody is there to type it.
    """
    environment = deployment.prediction_environment.name
    word = word_to_type(
        action_type, deployment_id=deployment.id, importance=deployment.importance, environment_name=environment
    )
    if not word or confirmed == word:
        return
    what = (
        f"{text.clean(deployment.label)} is of {deployment.importance.lower()} importance, in {text.clean(environment)}"
    )
    if confirmed is None and _somebody_is_there():
        confirmed = typer.prompt(f"{what}. Type {word} to go on", err=True)
    if confirmed != word:
        raise errors.InvalidRequestError(f"--confirm: {what}: nothing was done. Next: the same with --confirm {word}")


def _somebody_is_there() -> bool:
    return sys.stdin.isatty()
