"""Texts of ours for agents, found by the request they belong to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    notes = sa.text("kind = 'desk_note'")
    op.create_index(
        "ix_effect_note", "effect", ["lane"], unique=False, sqlite_where=notes, postgresql_where=notes
    )
