"""Deterministic CBOR (chapter 4): one pass that checks and reads, and a writer.

Nothing here is lenient: what the pass lets through has exactly one reading, and writing it again gives the same
bytes.
"""

from __future__ import annotations

import unicodedata
from typing import Any, Iterable

from .errors import Reject

MAX_DEPTH = 8  # [ENC-9]
MAX_ENTRIES = 1024  # [ENC-10]
MAX_TEXT = 1024  # [ENC-10]
MAX_BYTES = 16_384  # [ENC-10]

UINT, NINT, BYTES, TEXT, LIST, MAP, TAG, SIMPLE = range(8)

# The table of [ENC-11], both ends included.
_FORBIDDEN = ((0x00, 0x1F), (0x7F, 0x9F), (0x61C, 0x61C), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x2069),
              (0x2028, 0x2029), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F))


class Map:
    """A map as it stood in the bytes: pairs in their order.

    It is no `dict`, because Python takes the keys `1` and `true` for one.
    """

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        self.pairs = tuple(pairs)

    def get(self, label: int, default: Any = None) -> Any:
        """The value of an integer label."""
        for key, value in self.pairs:
            if type(key) is int and key == label:
                return value
        return default

    def __contains__(self, label: int) -> bool:
        return any(type(key) is int and key == label for key, _ in self.pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Map) and encode(self) == encode(other)

    def __len__(self) -> int:
        return len(self.pairs)

    def __repr__(self) -> str:
        return f"Map({self.pairs!r})"


def clean(text: str) -> bool:
    """Whether a text may stand in a paper [ENC-11]."""
    return unicodedata.is_normalized("NFC", text) and not any(
        low <= ord(char) <= high for char in text for low, high in _FORBIDDEN)


class Reader:
    """The pass of [ENC-20] over `data[pos:end]`; `stage` is the one reported."""

    def __init__(self, data: bytes, pos: int, end: int, stage: str) -> None:
        self.data, self.pos, self.end, self.stage = data, pos, end, stage

    def fail(self, slug: str, offset: int) -> Reject:
        return Reject(slug, self.stage, offset=offset)

    def peek(self) -> int | None:
        return self.data[self.pos] if self.pos < self.end else None

    def head(self) -> tuple[int, int, int]:
        """Major type, argument and offset of the next item, up to its shortest form."""
        start = self.pos
        first = self.peek()
        if first is None:
            raise self.fail("cbor-truncated", start)  # [ENC-2]
        major, info = first >> 5, first & 31
        if major == SIMPLE and first not in (0xF4, 0xF5) or 28 <= info <= 30:
            raise self.fail("cbor-type", start)  # [ENC-7]
        if info == 31:
            # Integers and tags have no indefinite form: their head is a reserved one.
            raise self.fail("cbor-indefinite" if BYTES <= major <= MAP else "cbor-type", start)  # [ENC-5] [ENC-7]
        size = 0 if info < 24 else 1 << (info - 24)
        if self.end - start - 1 < size:
            raise self.fail("cbor-truncated", start)  # [ENC-2]
        argument = int.from_bytes(self.data[start + 1:start + 1 + size], "big") if size else info
        if size and argument < (24, 1 << 8, 1 << 16, 1 << 32)[info - 24]:
            raise self.fail("cbor-not-deterministic", start)  # [ENC-4]
        self.pos = start + 1 + size
        return major, argument, start

    def length(self, major: int, argument: int, start: int) -> None:
        """That a length fits the bytes left and the limit [ENC-2] [ENC-10]."""
        left = self.end - self.pos
        if major in (BYTES, TEXT):
            if argument > left:
                raise self.fail("cbor-truncated", start)
            if argument > (MAX_BYTES if major == BYTES else MAX_TEXT):
                raise self.fail("cbor-limit", start)
        elif major in (LIST, MAP) and argument > MAX_ENTRIES:
            raise self.fail("cbor-truncated" if argument > left else "cbor-limit", start)

    def item(self, depth: int = 1, key: bool = False) -> Any:
        """One item with all that is in it."""
        major, argument, start = self.head()
        if major == TAG:
            raise self.fail("cbor-tag", start)  # [ENC-8]
        if major in (LIST, MAP) and depth > MAX_DEPTH:
            raise self.fail("cbor-depth", start)  # [ENC-9]
        self.length(major, argument, start)
        if major == UINT:
            return argument
        if major == NINT:
            return -1 - argument
        if major == SIMPLE:
            return argument == 21
        if major in (BYTES, TEXT):
            raw = self.data[self.pos:self.pos + argument]
            if major == BYTES:
                self.pos += argument
                return raw
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError:
                raise self.fail("text-invalid", start) from None  # [ENC-11]
            if not clean(text):
                raise self.fail("text-invalid", start)  # [ENC-11]
            self.pos += argument
            return text
        if key:
            raise self.fail("cbor-type", start)  # [ENC-7]
        if major == LIST:
            return [self.item(depth + 1) for _ in range(argument)]
        pairs: list[tuple[Any, Any]] = []
        before = b""
        for _ in range(argument):
            at = self.pos
            label = self.item(depth + 1, key=True)
            encoded = self.data[at:self.pos]
            if encoded == before:
                raise self.fail("cbor-duplicate-key", at)  # [ENC-6]
            if encoded < before:
                raise self.fail("cbor-not-deterministic", at)  # [ENC-4]
            before = encoded
            pairs.append((label, self.item(depth + 1)))
        return Map(pairs)

    def close(self) -> None:
        """That nothing follows [ENC-3]."""
        if self.pos != self.end:
            raise self.fail("cbor-trailing", self.pos)


def decode(data: bytes, stage: str = "encoding") -> Any:
    """Reads exactly one item."""
    reader = Reader(data, 0, len(data), stage)
    value = reader.item()
    reader.close()
    return value


def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major << 5 | argument])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * size:
            return bytes([major << 5 | info]) + argument.to_bytes(size, "big")
    raise ValueError("number too large for CBOR")


def encode(value: Any) -> bytes:
    """The one encoding of a value [ENC-19]. Maps are a `Map` or a `dict` of integers and texts."""
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(UINT, value) if value >= 0 else _head(NINT, -1 - value)
    if isinstance(value, bytes):
        return _head(BYTES, len(value)) + value
    if isinstance(value, str):
        raw = value.encode("utf-8")
        return _head(TEXT, len(raw)) + raw
    if isinstance(value, (list, tuple)):
        return _head(LIST, len(value)) + b"".join(map(encode, value))
    if isinstance(value, (Map, dict)):
        pairs = value.pairs if isinstance(value, Map) else value.items()
        entries = sorted((encode(key), encode(item)) for key, item in pairs)
        return _head(MAP, len(entries)) + b"".join(key + item for key, item in entries)
    raise TypeError(f"no CBOR for {type(value).__name__}")
