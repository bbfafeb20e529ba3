"""What the control API answers when a wish cannot be granted."""

from __future__ import annotations


class Refusal(Exception):
    """A control request that changes nothing; sent as `{error, detail}` with its status."""

    def __init__(self, status: int, error: str, detail: str) -> None:
        super().__init__(f"{error}: {detail}")
        self.status = status  #: HTTP status, 4xx
        self.error = error  #: a word for machines, e.g. `unknown_message`
        self.detail = detail  #: a sentence for people
