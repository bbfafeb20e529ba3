"""How the gateway's payloads become frames: plain text, zlib-stream, zstd-stream."""

from __future__ import annotations

import json
import zlib
from typing import Any, Protocol

import zstandard


class Encoder(Protocol):
    """One per connection: the streams keep their dictionary from payload to payload."""

    def encode(self, payload: dict[str, Any]) -> str | bytes:
        """A text frame (str) or a binary frame (bytes)."""


class PlainText:
    def encode(self, payload: dict[str, Any]) -> str:
        return json.dumps(payload, separators=(",", ":"))


class ZlibStream:
    """Every payload ends with a sync flush (00 00 ff ff); the stream itself never ends."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj()

    def encode(self, payload: dict[str, Any]) -> bytes:
        data = json.dumps(payload, separators=(",", ":")).encode()
        return self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)


class ZstdStream:
    """Every payload ends with a flushed block; the frame itself never ends."""

    def __init__(self) -> None:
        self._stream = zstandard.ZstdCompressor().compressobj()

    def encode(self, payload: dict[str, Any]) -> bytes:
        data = json.dumps(payload, separators=(",", ":")).encode()
        return self._stream.compress(data) + self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


def encoder(compress: str | None) -> Encoder:
    """The encoder for the `compress` of a gateway address; anything unknown is plain text."""
    if compress == "zlib-stream":
        return ZlibStream()
    if compress == "zstd-stream":
        return ZstdStream()
    return PlainText()
