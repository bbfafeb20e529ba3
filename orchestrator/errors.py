"""Every error that crosses a room, split by what the caller does about it.

OrchestratorError
├── Retry                  the far side may take it later: try again
├── Reject                 the far side will never take it: dead letter, and an event for the table
├── Unavailable            our own store cannot take it now: 503 outward, the sender comes back
└── Fatal                  the process cannot go on; the message is one line for the operator
    ├── ConfigurationError   exit 78: a setting is missing, wrong or refused
    ├── TryLater             exit 75: something else holds what is needed
    └── Unreachable          exit 69: a provider does not answer
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from machines.events import Trigger


class OrchestratorError(Exception):
    """Root of the tree."""


class Retry(OrchestratorError):
    """Try again, not before `after` seconds if that is given.

    `ambiguous`: the far side may have done it all the same, so look before doing it again.
    """

    def __init__(self, reason: str, *, after: float | None = None, ambiguous: bool = False) -> None:
        super().__init__(reason)
        self.after = after
        self.ambiguous = ambiguous


class Reject(OrchestratorError):
    """It will never be taken. `report` is what this says about the far side besides, e.g. that it is gone."""

    def __init__(self, reason: str, *, report: Trigger | None = None) -> None:
        super().__init__(reason)
        self.report = report


@contextmanager
def looking() -> Iterator[None]:
    """A look that is refused says nothing about what was done before: look again. That the far side is gone does."""
    try:
        yield
    except Reject as error:
        if error.report is not None:
            raise
        raise Retry(str(error)) from error


class Unavailable(OrchestratorError):
    """Nothing was stored. Come back after `retry_after` seconds."""

    def __init__(self, reason: str, *, retry_after: int = 2) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Fatal(OrchestratorError):
    """Ends the process with one line and `exit_code`."""

    exit_code = 1

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(f"{what}\n  {hint}" if hint else what)
        self.what = what
        self.hint = hint


class ConfigurationError(Fatal):
    exit_code = 78


class TryLater(Fatal):
    exit_code = 75


class Unreachable(Fatal):
    exit_code = 69
