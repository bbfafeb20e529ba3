"""The JSON body of a control request, read field by field."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from orchestrator.sandbox.refusal import Refusal


class Body:
    """An object whose fields are asked for by type. Each method raises Refusal 400 `bad_request`."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields

    @classmethod
    async def of(cls, request: web.Request, *known: str) -> Body:
        """The request's body; an empty one is `{}`. Fields other than `known` are refused."""
        raw = await request.read()
        try:
            fields = json.loads(raw) if raw else {}
        except ValueError:
            raise Refusal(400, "bad_request", "The body is not JSON.") from None
        if not isinstance(fields, dict):
            raise Refusal(400, "bad_request", "The body has to be a JSON object.")
        unknown = set(fields) - set(known)
        if unknown:
            detail = f"Unknown fields {sorted(unknown)}; known are {sorted(known)}."
            raise Refusal(400, "bad_request", detail)
        return cls(fields)

    def has(self, name: str) -> bool:
        return self.fields.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        return str(self._typed(name, str, default))

    def number(self, name: str, default: float | None = None) -> float:
        return float(self._typed(name, (int, float), default))

    def flag(self, name: str, default: bool | None = None) -> bool:
        return bool(self._typed(name, bool, default))

    def optional_flag(self, name: str) -> bool | None:
        return self.flag(name) if self.has(name) else None

    def texts(self, name: str) -> list[str]:
        """A list of strings; absent is empty."""
        found: list[Any] = self._typed(name, list, [])
        if not all(isinstance(item, str) for item in found):
            raise Refusal(400, "bad_request", f"Field {name!r} has to be a list of strings.")
        return found

    def mapping(self, name: str) -> dict[str, Any]:
        """An object; absent is empty."""
        found: dict[str, Any] = self._typed(name, dict, {})
        return found

    def objects(self, name: str) -> list[Body]:
        """A list of objects; absent is empty."""
        found: list[Any] = self._typed(name, list, [])
        if not all(isinstance(item, dict) for item in found):
            raise Refusal(400, "bad_request", f"Field {name!r} has to be a list of objects.")
        return [Body(item) for item in found]

    def id(self, name: str) -> int:
        """A snowflake, as a string or an integer."""
        value = self.fields.get(name)
        if isinstance(value, bool) or not str(value).isdecimal():
            raise Refusal(400, "bad_request", f"Field {name!r} has to be an id.")
        return int(str(value))

    def optional_id(self, name: str) -> int | None:
        return self.id(name) if self.has(name) else None

    def _typed(self, name: str, kind: type | tuple[type, ...], default: Any) -> Any:
        value = self.fields.get(name, default)
        if value is None:
            value = default
        if value is None:
            raise Refusal(400, "bad_request", f"Field {name!r} is missing.")
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Refusal(400, "bad_request", f"Field {name!r} has the wrong type.")
        return value
