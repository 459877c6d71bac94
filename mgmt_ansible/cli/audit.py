"""`mgmt-ansible audit`: who changed what, and whether that record is whole."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mgmt_ansible import errors
from mgmt_ansible.cli import moments, options, output, text
from mgmt_ansible.cli.output import Cell
from mgmt_ansible.cli.whole_files import whole_file
from mgmt_ansible.domain.audit import AuditEntry as Entry
from mgmt_ansible.domain.audit import AuditHead, AuditVerdict, verify

if TYPE_CHECKING:
    from mgmt_ansible.wire.audit import AuditEntry, AuditVerification

app = typer.Typer(
    help="The audit: who changed what. Each entry holds the hash of the one before, so that no later edit goes unnoticed; "
    "`verify` names the first entry that is not as it was written.",
    epilog="Try: audit list --actor ann --since 7d; audit verify --checkpoint /mnt/elsewhere/audit.json.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_COLUMNS = ("SEQUENCE", "WHEN", "WHO", "ROLE", "WHAT", "OUTCOME", "TARGET", "SUMMARY")
_SHOWN_SUMMARY = 80


@app.command("list")
def list_entries(
    context: typer.Context,
    actor: Annotated[str | None, typer.Option("--actor", help="Only what this one did.")] = None,
    target: Annotated[str | None, typer.Option("--target", help="Only about the thing with this id.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only what was refused.")] = False,
    since: Annotated[str | None, typer.Option("--since", help="How long ago (7d), or a time.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="How long ago (1h), or a time.")] = None,
    limit: options.LimitOption = 50,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """List entries, newest first."""
    from mgmt_ansible.wire.audit import AuditFilters

    now = datetime.now(UTC)
    filters = AuditFilters(
        actor=actor,
        target_id=target,
        outcome="refused" if refused else None,
        since=moments.parse_moment("--since", since, now=now) if since else None,
        until=moments.parse_moment("--until", until, now=now) if until else None,
    )
    with options.connected(context, json_output, data) as session:
        session.output.show_list(list(islice(session.client.audit.list_entries(filters), limit)), _COLUMNS, _row)


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file (-: standard output).")],
    data: options.DataOption = None,
) -> None:
    """Write the whole chain, oldest first, as JSON lines; `verify --file` looks at it without the control plane."""
    target = nullcontext(sys.stdout.buffer) if str(file) == "-" else whole_file(file)
    with options.connected(context, False, data) as session, target as opened:
        for piece in session.client.audit.export():
            opened.write(piece)


@app.command("verify")
def verify_chain(
    context: typer.Context,
    head: Annotated[str | None, typer.Option("--head", metavar="HASH", help="A hash that was kept elsewhere.")] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", metavar="FILE", help="Compare with the head in this file, then move it on."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Look at an export instead of the control plane's.")
    ] = None,
    json_output: options.JsonOption = False,
    data: options.DataOption = None,
) -> None:
    """Look at every entry; exit code 1 when one is not as it was written, and its number."""
    kept = _kept(head, checkpoint)
    if file is not None:
        found = _of_verdict(verify(_entries_of(file), kept=() if kept is None else (kept,)))
    else:
        with options.connected(context, json_output, data) as session:
            found = session.client.audit.verify(head=kept.hash if kept else None, sequence=kept.sequence if kept else 0)
    options.output_of(context, json_output).say(_sentence(found), output.as_json(found))
    if not found.whole:
        raise typer.Exit(1)
    if checkpoint is not None:
        _write(checkpoint, AuditHead(sequence=found.head_sequence, hash=found.head_hash))


def _kept(head: str | None, checkpoint: Path | None) -> AuditHead | None:
    if head is not None and checkpoint is not None:
        raise errors.InvalidRequestError("--head, --checkpoint: name one of both")
    if checkpoint is None or not checkpoint.exists():
        return None if head is None else AuditHead(sequence=0, hash=head)
    try:
        value = json.loads(checkpoint.read_text(encoding="utf-8"))
        return AuditHead(sequence=int(value["sequence"]), hash=str(value["hash"]))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise errors.ConfigError(f"--checkpoint: {checkpoint} holds no checkpoint of the audit ({exc})") from exc


def _write(checkpoint: Path, head: AuditHead) -> None:
    try:
        checkpoint.write_text(json.dumps({"sequence": head.sequence, "hash": head.hash}) + "\n", encoding="utf-8")
    except OSError as exc:
        raise errors.ConfigError(f"--checkpoint: {checkpoint} cannot be written ({exc.strerror})") from exc


def _entries_of(file: Path) -> Iterator[Entry]:
    from pydantic import ValidationError

    from mgmt_ansible.wire.audit import AuditEntry

    number = 0
    try:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                number += 1
                yield AuditEntry.model_validate_json(line).to_domain()
    except (OSError, UnicodeDecodeError) as exc:
        raise errors.ConfigError(f"--file: {file} cannot be read ({exc})") from exc
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        raise errors.InvalidRequestError(f"--file: line {number} is no entry of the audit: {first['msg']}") from exc


def _of_verdict(verdict: AuditVerdict) -> AuditVerification:
    from mgmt_ansible.wire.audit import AuditVerification

    return AuditVerification(
        whole=verdict.broken_at is None,
        entries=verdict.entries,
        head_sequence=verdict.head.sequence,
        head_hash=verdict.head.hash,
        broken_at=verdict.broken_at,
        reason=verdict.reason,
    )


def _sentence(found: AuditVerification) -> str:
    if not found.whole:
        return f"audit: BROKEN at entry {found.broken_at}: {found.reason}"
    return f"audit: {found.entries} entries, all as they were written; head {found.head_hash}"


def _row(entry: AuditEntry) -> Sequence[Cell]:
    target = f"{entry.target_kind} {entry.target_id}".strip()
    return (
        entry.sequence,
        text.clock(entry.at),
        entry.actor,
        entry.role,
        entry.action,
        entry.outcome,
        target,
        entry.summary[:_SHOWN_SUMMARY],
    )
