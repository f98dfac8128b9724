"""As much of DER as a certificate of the profile needs (chapter 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID = 0x01, 0x02, 0x03, 0x04, 0x06
SEQUENCE, SET, UTC_TIME, GENERALIZED_TIME = 0x30, 0x31, 0x17, 0x18


class Malformed(Exception):
    """Bytes that are not DER, or not of the shape asked for."""


@dataclass(frozen=True)
class Node:
    """One element: its tag, its contents, and all of its bytes."""

    tag: int
    body: bytes
    raw: bytes


def take(data: bytes) -> tuple[Node, bytes]:
    """The first element, and what follows it."""
    if len(data) < 2 or data[0] & 0x1F == 0x1F:
        raise Malformed
    size, at = data[1], 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4 or len(data) < 2 + count or data[2] == 0:
            raise Malformed
        size, at = int.from_bytes(data[2:2 + count], "big"), 2 + count
        if size < 0x80:
            raise Malformed
    if len(data) < at + size:
        raise Malformed
    return Node(data[0], data[at:at + size], data[:at + size]), data[at + size:]


def whole(data: bytes, tag: int) -> Node:
    """The only element of the bytes."""
    node, rest = take(data)
    if rest or node.tag != tag:
        raise Malformed
    return node


def parts(node: Node) -> list[Node]:
    """The elements in a constructed one."""
    found, rest = [], node.body
    while rest:
        one, rest = take(rest)
        found.append(one)
    return found


def positive(node: Node) -> int:
    """A positive INTEGER of 1 to 20 octets in its shortest form."""
    body = node.body
    if node.tag != INTEGER or not 1 <= len(body) <= 20 or body[0] & 0x80 or not any(body):
        raise Malformed
    if len(body) > 1 and body[0] == 0 and not body[1] & 0x80:
        raise Malformed
    return int.from_bytes(body, "big")


def seconds(node: Node) -> int:
    """A UTCTime or GeneralizedTime in whole seconds of `Z`, not before 1970."""
    length = {UTC_TIME: 13, GENERALIZED_TIME: 15}.get(node.tag)
    text = node.body
    if length is None or len(text) != length or text[-1:] != b"Z" or not text[:-1].isdigit():
        raise Malformed
    digits = text[:-1].decode("ascii")
    if node.tag == UTC_TIME:
        digits = ("19" if digits[0] >= "5" else "20") + digits  # RFC 5280, 4.1.2.5.1
    try:
        moment = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
    except ValueError:
        raise Malformed from None
    if moment.year < 1970:
        raise Malformed
    return int(moment.timestamp())


def bits(data: bytes) -> set[int]:
    """The bits set in a BIT STRING of named bits: of one or two octets, and the last is set."""
    body = whole(data, BIT_STRING).body
    if not 2 <= len(body) <= 3 or body[0] > 7 or (body[-1] & (1 << body[0]) - 1 or not body[-1] >> body[0] & 1):
        raise Malformed
    return {8 * at + bit for at, octet in enumerate(body[1:]) for bit in range(8) if octet & 0x80 >> bit}


def check_oid(body: bytes) -> bytes:
    """The contents of an object identifier whose arcs are each in their shortest form."""
    if not body or body[-1] & 0x80 or body[0] == 0x80 or any(
            body[at] == 0x80 and not body[at - 1] & 0x80 for at in range(1, len(body))):
        raise Malformed
    return body
