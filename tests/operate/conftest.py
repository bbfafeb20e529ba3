"""Fixtures: the service in one loop over its models, and a store with its database."""

from __future__ import annotations

from tests.inprocess.conftest import database, folder, url, world
from tests.storage.conftest import template

__all__ = ["database", "folder", "template", "url", "world"]
