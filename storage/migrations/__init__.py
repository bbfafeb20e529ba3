"""The schema's history, run by Alembic. Revisions are numbered; a newer or foreign schema is refused."""
