"""Form bodies, read strictly: what could be understood in two ways is refused. Pure.

aiohttp's own reader guesses instead: it answers an unknown charset with a 500 and turns broken UTF-8 into U+FFFD.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

#: A Conversations webhook has about twenty fields.
MOST_FIELDS = 200

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Malformed(ValueError):
    """The body is not a form, or not one with a single meaning. The message never quotes it."""


def parse(body: bytes) -> dict[str, str]:
    """The fields of an `application/x-www-form-urlencoded` body, blank values kept. Raises Malformed.

    A name twice is refused: Twilio's signature covers the *set* of a name's values, so that one of two equal
    values could be added or taken away unnoticed.
    """
    try:
        text = body.decode("utf-8")
        if _BROKEN_ESCAPE.search(text):
            raise Malformed("a % that escapes nothing")
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    except Malformed:
        raise
    except ValueError:
        raise Malformed(f"not a form of at most {MOST_FIELDS} fields") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Malformed("a field is repeated")
    return fields
