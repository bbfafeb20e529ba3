"""What statistics look for in a period: moves in the journal, and feedback."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    milestone = sa.text("outcome = 'moved' OR trigger = 'agent_contacts'")
    op.create_index(
        "ix_event_milestone",
        "event",
        ["received_at"],
        unique=False,
        sqlite_where=milestone,
        postgresql_where=milestone,
    )
    op.create_index("ix_feedback_at", "feedback", ["at"], unique=False)
