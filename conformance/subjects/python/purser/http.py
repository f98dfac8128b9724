"""The header fields of the HTTP binding (chapter 14)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import datetime, timezone
from typing import Any

from . import envelope, papers
from .cbor import encode
from .errors import Reject
from .keys import sha256

MAX_FIELD = 2_048  # [HTB-34]
PARAMETERS = ("id", "realm", "method", "intent", "request", "expires")
_PAIR = re.compile(r'([A-Za-z0-9!#$%&\'*+.^_`|~-]+)[ \t]*=[ \t]*(?:"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\.)*)"'
                   r'|([A-Za-z0-9!#$%&\'*+.^_`|~-]+))[ \t]*')


def malformed(field: str | None = None) -> Reject:
    return Reject("credential-malformed", "http", field=field)  # [HTB-33]


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: Any, field: str | None = None) -> bytes:
    """The bytes of base64url in its one form."""
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise malformed(field)
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise malformed(field) from None
    if b64(data) != text:
        raise malformed(field)
    return data


def canonical(value: Any) -> bytes:
    """JSON in the form of RFC 8785, of the texts and objects that occur here."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _json(text: Any, field: str) -> Any:
    raw = unb64(text, field)
    try:
        value = json.loads(raw)
    except ValueError:
        raise malformed(field) from None
    if not isinstance(value, dict) or canonical(value) != raw:
        raise malformed(field)
    return value


def _is_map(value: Any, *names: str) -> bool:
    return isinstance(value, dict) and sorted(value) == sorted(names) and all(
        isinstance(one, (str, dict)) for one in value.values())


def expires(moment: int) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_challenge(header: str) -> dict[str, str]:
    """The parameters of a `Payment` challenge."""
    if len(header.encode()) > MAX_FIELD:
        raise malformed()  # [HTB-34]
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "payment":
        raise malformed()
    found: dict[str, str] = {}
    at = len(rest) - len(rest.lstrip(" \t"))
    while True:
        pair = _PAIR.match(rest, at)
        if not pair or pair[1].lower() in found:
            raise malformed()
        found[pair[1].lower()] = re.sub(r"\\(.)", r"\1", pair[2]) if pair[2] is not None else pair[3]
        at = pair.end()
        if at == len(rest):
            break
        if rest[at] != ",":
            raise malformed()
        at += 1 + len(rest[at + 1:]) - len(rest[at + 1:].lstrip(" \t"))
    _check_parameters(found)
    return found


def _check_parameters(found: dict[str, str]) -> None:
    if sorted(found) != sorted(PARAMETERS) or found["method"] != "purser" or found["intent"] != "charge":
        raise malformed()
    if len(unb64(found["id"], "id")) != 32:
        raise malformed("id")
    try:
        datetime.strptime(found["expires"], "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        raise malformed("expires") from None
    request_of(found)


def request_of(parameters: dict[str, str]) -> tuple[str, str, bytes | None]:
    """Amount, currency and salt of a challenge."""
    value = _json(parameters["request"], "request")
    details = value.pop("methodDetails", {})
    if not _is_map(value, "amount", "currency") or not (_is_map(details) or _is_map(details, "salt")):
        raise malformed("request")
    if not isinstance(value["amount"], str) or not isinstance(value["currency"], str):
        raise malformed("request")
    salt = unb64(details["salt"], "salt") if "salt" in details else None
    if salt is not None and len(salt) != 16:
        raise malformed("salt")
    return value["amount"], value["currency"], salt


def read_challenge(header: str, offer: bytes) -> dict[str, str]:
    """A challenge whose copies are those of the offer in the body [HTB-37]."""
    found = parse_challenge(header)
    paper = envelope.read(offer)
    papers.check_schema("offer", paper.payload)
    amount, currency, _ = request_of(found)
    copies = {"id": b64(paper.id), "realm": paper.get(papers.ISS), "expires": expires(paper.get(papers.EXP))}
    for name, value in copies.items():
        if found[name] != value:
            raise malformed(name)
    if amount != str(paper.get(papers.AMOUNT)) or currency != paper.get(papers.CURRENCY).lower():
        raise malformed("request")
    return found


def read_credentials(header: str) -> tuple[bytes, bytes]:
    """Receipt and secret of a redemption [HTB-38]."""
    if len(header.encode()) > MAX_FIELD:
        raise malformed()  # [HTB-34]
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "payment":
        raise malformed()
    value = _json(token.strip(" "), "credentials")
    if not _is_map(value, "challenge", "payload"):
        raise malformed()
    challenge, payload = value["challenge"], value["payload"]
    if not _is_map(payload, "receipt", "secret") or not isinstance(challenge, dict) or not all(
            isinstance(one, str) for one in challenge.values()):
        raise malformed()
    _check_parameters(challenge)
    receipt, secret = unb64(payload["receipt"], "receipt"), unb64(payload["secret"], "secret")
    if not receipt or len(secret) != 32:
        raise malformed()
    return receipt, secret


def resource(salt: bytes, method: str, authority: str, target: str, content: bytes) -> bytes:
    """The digest that binds an offer to a request [INT-6]."""
    return sha256(encode([salt, method, authority, target, sha256(content)]))
