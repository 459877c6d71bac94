"""Groups of commands that answer at once."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class PromptGroup(TyperGroup):
    """Converts a group's own options only when one is given.

    Typer converts every option, even one that was not given, by a pydantic adapter, and loading pydantic takes a third of
    the time that `--help` may take.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer keeps its context type private
        """Split the group's options from the command that follows."""
        if not args or args[0].startswith("-"):
            return super().parse_args(ctx, args)
        ctx._protected_args, ctx.args = args[:1], args[1:]  # as Typer 0.29 does it itself
        return args[1:]
