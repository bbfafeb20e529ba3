"""Print the page."""

from __future__ import annotations

from tests.stories.page import page

print(*page(), sep="\n")
