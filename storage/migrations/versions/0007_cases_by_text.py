"""What agents look for cases by: words and whose they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("title", "summary", "assignee"):
        op.add_column("case_", sa.Column(name, sa.Text(), server_default="", nullable=False))
    not_closed = sa.text("state <> 'closed'")
    op.create_index(
        "ix_case_open",
        "case_",
        ["number"],
        unique=False,
        sqlite_where=not_closed,
        postgresql_where=not_closed,
    )
