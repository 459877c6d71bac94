"""Whatever is done to the audit's table, `verify` names where: a thousand random edits on SQLite, fewer on PostgreSQL.

`MGMT_ANSIBLE_CASES=10000` tries more.
"""

from __future__ import annotations

import os
import random
import string
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from mgmt_ansible.control_plane.store.access_tables import AUDIT_ENTRIES, AUDIT_HEAD
from mgmt_ansible.control_plane.store.audit import AuditRows
from mgmt_ansible.control_plane.store.database import Database
from mgmt_ansible.domain.audit import GENESIS, AuditEntry, AuditHead, AuditVerdict, digest_of, verify
from mgmt_ansible.domain.roles import Role
from mgmt_ansible.wire import api_v2
from tests.contract.store.sites import START, Site

CASES = {"sqlite": int(os.environ.get("MGMT_ANSIBLE_CASES", "1000")), "postgresql": 60}
UNGUARD = {
    "sqlite": ("DROP TRIGGER audit_entries_no_update", "DROP TRIGGER audit_entries_no_delete"),
    "postgresql": ("DROP TRIGGER audit_entries_no_change ON audit_entries",),
}
KEY = AUDIT_ENTRIES.c.sequence

Edit = Callable[[sa.Connection, random.Random, Sequence[AuditEntry]], None]


@pytest.fixture
def written(site: Site) -> Site:
    """A site where some fifteen things were done."""
    for number in range(5):
        user = site.services.users.create_user(api_v2.UserIn(name=f"user {number}", role=Role.VIEWER))
        site.services.users.change_user(user.id, api_v2.UserPatch(role=Role.OPERATOR))
        site.services.access.create_token(name=f"token {number}", kind="user")
        site.clock.pass_seconds(number)
    return site


def another(value: Any, dice: random.Random) -> Any:
    """Return some other value of the same type."""
    if isinstance(value, int):
        return value + dice.choice((-1, 1, 1000))
    if isinstance(value, str):
        letter = dice.choice(string.ascii_letters + string.digits)
        return dice.choice((value + letter, value[1:], letter + value[1:], value.swapcase() + letter))
    return value.replace(microsecond=dice.randrange(1, 1_000_000))


def edit_field(connection: sa.Connection, dice: random.Random, entries: Sequence[AuditEntry]) -> None:
    entry, column = dice.choice(entries), dice.choice(list(AUDIT_ENTRIES.c))
    former = getattr(entry, column.name)
    value = former
    while value == former or (column is KEY and value in range(1, len(entries) + 1)):
        value = another(former, dice)
        value = value[:64] if column.name.endswith("hash") else value
    connection.execute(AUDIT_ENTRIES.update().where(KEY == entry.sequence).values({column.name: value}))


def delete(connection: sa.Connection, dice: random.Random, entries: Sequence[AuditEntry]) -> None:
    gone = dice.sample(entries, dice.randrange(1, 4))
    connection.execute(AUDIT_ENTRIES.delete().where(KEY.in_([entry.sequence for entry in gone])))


def insert(connection: sa.Connection, dice: random.Random, entries: Sequence[AuditEntry]) -> None:
    """Add an entry with a good hash: before all, after all, or between two, which moves up what follows."""
    place = dice.randrange(0, len(entries) + 2)
    for entry in reversed(entries):
        if 1 <= place <= entry.sequence:
            connection.execute(AUDIT_ENTRIES.update().where(KEY == entry.sequence).values(sequence=entry.sequence + 1))
    former = entries[place - 2].hash if place >= 2 else GENESIS
    forged = replace(dice.choice(entries), sequence=place, actor="eve", previous_hash=former)
    add(connection, replace(forged, hash=digest_of(forged)))


def swap(connection: sa.Connection, dice: random.Random, entries: Sequence[AuditEntry]) -> None:
    one, other = dice.sample(entries, 2)
    connection.execute(AUDIT_ENTRIES.delete().where(KEY.in_([one.sequence, other.sequence])))
    add(connection, replace(one, sequence=other.sequence))
    add(connection, replace(other, sequence=one.sequence))


def cut(connection: sa.Connection, dice: random.Random, entries: Sequence[AuditEntry]) -> None:
    connection.execute(AUDIT_ENTRIES.delete().where(KEY > dice.randrange(0, len(entries))))


def forge(connection: sa.Connection, dice: random.Random, entries: Sequence[AuditEntry]) -> None:
    """Edit an entry, and write every hash after it, and the head, anew: only a head kept elsewhere tells."""
    at = dice.randrange(len(entries))
    connection.execute(AUDIT_ENTRIES.delete().where(KEY > at))
    last = entries[at - 1].hash if at else GENESIS
    for entry in entries[at:]:
        forged = replace(entry, actor="eve", previous_hash=last)
        forged = replace(forged, hash=digest_of(forged))
        add(connection, forged)
        last = forged.hash
    connection.execute(AUDIT_HEAD.update().values(hash=last))


def cut_with_the_head(connection: sa.Connection, dice: random.Random, entries: Sequence[AuditEntry]) -> None:
    stays = entries[dice.randrange(0, len(entries) - 1)]
    connection.execute(AUDIT_ENTRIES.delete().where(KEY > stays.sequence))
    connection.execute(AUDIT_HEAD.update().values(sequence=stays.sequence, hash=stays.hash))


def add(connection: sa.Connection, entry: AuditEntry) -> None:
    values = {column.name: getattr(entry, column.name) for column in AUDIT_ENTRIES.c}
    connection.execute(AUDIT_ENTRIES.insert().values(values))


EDITS: tuple[Edit, ...] = (edit_field, edit_field, delete, insert, swap, cut, forge, cut_with_the_head)


def look(connection: sa.Connection, kept: AuditHead) -> AuditVerdict:
    rows = AuditRows(connection, START)
    return verify(rows.following(-(2**40)), head=rows.head(), kept=[kept])


def test_every_edit_is_found(written: Site, database_url: str):
    """A field, a removal, an addition, an exchange, a cut, and all written anew; the untouched chain is whole."""
    database = Database(database_url)
    dialect = database.engine.dialect.name
    dice = random.Random(4)
    missed: list[str] = []
    with database.write() as connection:
        for statement in UNGUARD[dialect]:
            connection.execute(sa.text(statement))
        rows = AuditRows(connection, START)
        entries, kept = rows.following(0), rows.head()
        assert len(entries) >= 15
        for case in range(CASES[dialect]):
            edit = EDITS[case % len(EDITS)]
            attempt = connection.begin_nested()
            edit(connection, dice, entries)
            verdict = look(connection, kept)
            attempt.rollback()
            if verdict.broken_at is None:
                missed.append(f"{case} {edit.__name__}")
        assert look(connection, kept).broken_at is None
    database.close()

    assert [] == missed


@pytest.mark.parametrize("statement", [AUDIT_ENTRIES.update().values(actor="eve"), AUDIT_ENTRIES.delete()])
def test_the_database_itself_refuses_to_change_an_entry(written: Site, database_url: str, statement: sa.Executable):
    """A second line, for whoever has the program's own connection."""
    database = Database(database_url)

    with pytest.raises(Exception, match=r"never changed|somebody else|refused"), database.write() as connection:
        connection.execute(statement)

    database.close()
    assert written.services.audit.verify().whole
