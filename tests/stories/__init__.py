"""The stories of a hand-off as member and agent live them, over both desks and in both languages.

`python -m tests.stories > docs/stories.md` writes them down as they are read; a test keeps the page fresh.
"""
