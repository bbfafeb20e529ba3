"""Refusals in Twilio's own terms: an HTTP status, a numeric code, one sentence.

The codes are Twilio's error dictionary. Where the dictionary does not say which HTTP status carries a code,
the choice is named beside it.
"""

from __future__ import annotations

from typing import Any

UNAUTHORIZED = 20003
INVALID_PARAMETER = 20001
NOT_FOUND = 20404
USER_EXISTS = 50201
ATTRIBUTES_TOO_LONG = 50303
UNIQUE_NAME_EXISTS = 50353  #: sent with 409
TOO_MANY_WEBHOOKS = 50361
WEBHOOK_URL_TOO_LONG = 50372
CONVERSATION_CLOSED = 50377  #: sent with 400, as Twilio does for requests its state forbids
TIMERS_WITHOUT_STATE = 50382
UNIQUE_NAME_IS_A_SID = 50390
PARTICIPANT_EXISTS = 50433  #: sent with 409
BODY_TOO_LONG = 50504
ALREADY_MAPPED = 45353  #: a warning of the debugger; the request itself is answered 200
CONVERSATION_FETCH_FAILED = 45356
CUSTOMER_MISSING = 45361


class ApiError(Exception):
    """A request that Twilio refuses; also raised by an agent's act that the state forbids."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> dict[str, Any]:
        """The JSON that every Twilio product answers with."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


def not_found(what: str) -> ApiError:
    return ApiError(404, NOT_FOUND, f"The requested resource {what} was not found")


def invalid(message: str) -> ApiError:
    return ApiError(400, INVALID_PARAMETER, message)


def conflict(message: str) -> ApiError:
    """An act that comes too late or twice: somebody else holds the task, or it is over."""
    return ApiError(409, INVALID_PARAMETER, message)
