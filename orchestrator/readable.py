"""What becomes of somebody who asks while the database cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from orchestrator.errors import Unavailable


@contextmanager
def readable() -> Iterator[None]:
    """Raises Unavailable: a database that cannot be read is one that cannot take anything either."""
    try:
        yield
    except SQLAlchemyError as error:
        raise Unavailable("the database cannot be read") from error
