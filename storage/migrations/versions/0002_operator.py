"""What the command line asks of the service, and the dead letters it asks about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operator",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_at", sa.Double(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator")),
    )
    _partial("ix_operator_waiting", "operator", "asked_at", "outcome IS NULL")
    op.create_index("ix_operator_letter", "operator", ["letter"], unique=False)
    _partial("ix_effect_dead", "effect", "done_at", "status = 'dead'")
    _partial("ix_event_failed", "event", "received_at", "outcome = 'failed'")


def _partial(name: str, table: str, column: str, where: str) -> None:
    """An index of the few rows that are looked for: the many cost it nothing."""
    op.create_index(
        name, table, [column], unique=False, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
