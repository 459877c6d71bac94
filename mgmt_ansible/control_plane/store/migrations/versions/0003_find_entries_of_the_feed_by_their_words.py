"""Find entries of the feed by their words.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from mgmt_ansible.control_plane.store.event_search import STATEMENTS
from mgmt_ansible.domain.search_words import stored_words

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TOGETHER = 1_000


def upgrade() -> None:
    """Go forward: the words of what is there already are stored first, and indexed once."""
    op.add_column("deployment_events", sa.Column("words", sa.Text, nullable=False, server_default=sa.text("''")))
    connection = op.get_bind()
    table = sa.table(
        "deployment_events",
        sa.column("sequence", sa.BigInteger),
        *(sa.column(name, sa.Text) for name in ("type", "title", "message", "deployment_id", "host", "actor", "words")),
        sa.column("data", sa.JSON),
    )
    columns = [table.c[name] for name in ("type", "title", "message", "deployment_id", "host", "actor", "data")]
    last = 0
    while True:
        query = sa.select(table.c.sequence, *columns).where(table.c.sequence > last)
        rows = connection.execute(query.order_by(table.c.sequence).limit(_TOGETHER)).all()
        if not rows:
            break
        for row in rows:
            words = stored_words(row[1:])
            connection.execute(table.update().where(table.c.sequence == row.sequence).values(words=words))
        last = rows[-1].sequence
    for statement in STATEMENTS[connection.dialect.name]:
        connection.execute(sa.text(statement))


def downgrade() -> None:
    """Go back; the words are made anew from the entries on the way forward."""
    if op.get_bind().dialect.name == "sqlite":
        for trigger in ("added", "removed"):
            op.execute(f"DROP TRIGGER deployment_events_search_{trigger}")
        op.execute("DROP TABLE deployment_events_search")
    else:
        op.execute("DROP INDEX deployment_events_search")
    op.drop_column("deployment_events", "words")
