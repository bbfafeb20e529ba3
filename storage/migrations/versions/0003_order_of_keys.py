"""Keys of effects in the order of their bytes, also where the database sorts as a language does."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("effect", "key", type_=sa.Text(collation="C"))
