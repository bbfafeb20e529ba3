"""Is a webhook from Twilio? The arithmetic of `X-Twilio-Signature`. Pure.

Twilio, Webhooks Security: base64(HMAC(secret, address + every name and value, sorted by name)).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator, get_signature_algorithm

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Signatures:
    """Checks signatures of requests to one public address.

    The secrets are the auth tokens, or the shared keys once there are any: the algorithm follows from what is
    configured and never from the request, whose settings header is not signed.
    """

    def __init__(self, public_url: str, auth_tokens: Sequence[str], shared_keys: Sequence[str] = ()) -> None:
        self._origins = origins(public_url)
        self._algorithm = HMAC_SHA256 if shared_keys else HMAC_SHA1
        # an empty secret would be one that everybody knows
        self._validators = [RequestValidator(secret) for secret in shared_keys or auth_tokens if secret]

    def hold(self, raw_path: str, fields: Mapping[str, str], given: str, settings: str | None) -> bool:
        """Was this request signed with one of the secrets?

        `raw_path` is path and query as sent: Twilio signs the address it was given, escapes and all. The host
        is never taken from the request, where it is whatever the sender or a proxy says.
        """
        if get_signature_algorithm(settings) != self._algorithm:
            return False
        if not raw_path.startswith("/") or not raw_path.isascii():
            return False
        presented = given.encode("utf-8", "surrogateescape")
        matches = [
            hmac.compare_digest(
                validator.compute_signature(origin + raw_path, fields, self._algorithm).encode(), presented
            )
            for validator in self._validators
            for origin in self._origins
        ]
        return any(matches)


def origins(public_url: str) -> tuple[str, ...]:
    """The public address as Twilio may have signed it: as configured, and with its default port named or left out."""
    url = public_url.rstrip("/")
    parts = urlsplit(url)
    default = _DEFAULT_PORTS.get(parts.scheme)
    if parts.port is None:
        other = parts._replace(netloc=f"{parts.netloc.rstrip(':')}:{default}")
    elif parts.port == default:
        other = parts._replace(netloc=parts.netloc.removesuffix(f":{default}"))
    else:
        return (url,)
    return (url, other.geturl())
