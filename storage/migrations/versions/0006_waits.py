"""How long members waited; and the queue in one order, also for those who came in the same instant."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wait",
        sa.Column("conversation", sa.Text(), nullable=False),
        sa.Column("request", sa.Integer(), nullable=False),
        sa.Column("queued_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("conversation", "request", name=op.f("pk_wait")),
    )
    op.create_index("ix_wait_ended_at", "wait", ["ended_at"], unique=False)
    waiting = sa.text("state = 'awaiting_agent'")
    op.drop_index("ix_conversation_queue", table_name="conversation")
    op.create_index(
        "ix_conversation_queue",
        "conversation",
        ["queued_at", "id"],
        unique=False,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
