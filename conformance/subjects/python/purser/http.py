"""The header fields of the HTTP binding (chapter 14)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from . import certificates, envelope, papers
from .cbor import encode
from .errors import CURRENCIES, Reject
from .keys import sha256
from .schema import MAX_AMOUNT

MAX_FIELD = 2_048  # [HTB-34]
PARAMETERS = ("id", "realm", "method", "intent", "request", "expires")
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_PAIR = re.compile(rf'({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\.)*)"|({_TOKEN}))')
_SCHEME = re.compile(rf"[ \t]*({_TOKEN})(?:[ \t]+|$)")
_COMMA = re.compile(r"[ \t]*(?:,[ \t]*)+|[ \t]+$")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


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


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of texts and objects in which no name stands twice."""
    found = dict(pairs)
    if len(found) != len(pairs) or not all(isinstance(value, (str, dict)) for value in found.values()):
        raise malformed()
    return found


def _json(text: Any, field: str) -> dict[str, Any]:
    """An object in base64url. Whoever writes it writes the canonical form [HTB-38]; any other reads as well."""
    try:
        value = json.loads(unb64(text, field), object_pairs_hook=_once)
    except ValueError:
        raise malformed(field) from None
    if not isinstance(value, dict):
        raise malformed(field)
    return value


def _texts(value: Any, *names: str) -> bool:
    """Whether a value is an object with these texts; others may stand beside them."""
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in names)


def rfc3339(moment: int) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).strftime(_TIME)


@dataclass
class Challenge:
    """The parameters of a challenge, read."""

    id: bytes
    realm: str
    amount: int
    currency: str
    expires: str
    salt: bytes | None


def _challenges(header: str) -> list[tuple[str, dict[str, str]]]:
    """The schemes of a field value, each with its parameters (RFC 9110, 11.6.1)."""
    found: list[tuple[str, dict[str, str]]] = []
    at, first = 0, True
    while at < len(header):
        pair = _PAIR.match(header, at)
        if pair and found and not first:
            name, value = pair[1].lower(), re.sub(r"\\(.)", r"\1", pair[2]) if pair[2] is not None else pair[3]
            if name in found[-1][1]:
                raise malformed(name)
            found[-1][1][name] = value
            at = pair.end()
        else:
            scheme = _SCHEME.match(header, at)
            if not scheme:
                raise malformed()
            found.append((scheme[1].lower(), {}))
            at, first = scheme.end(), False
            continue
        gap = _COMMA.match(header, at)
        if at < len(header) and not gap:
            raise malformed()
        at = gap.end() if gap else at
    return found


def parse_challenge(header: str) -> Challenge:
    """The `Payment` challenge of method `purser` in a field value."""
    if len(header.encode()) > MAX_FIELD:
        raise malformed()  # [HTB-34]
    for scheme, parameters in _challenges(header):
        if scheme == "payment" and (parameters.get("method"), parameters.get("intent")) == ("purser", "charge"):
            return _challenge(parameters)
    raise malformed()


def _id(text: Any) -> bytes:
    """The id of an offer."""
    offer = unb64(text, "id")
    if len(offer) != 32:
        raise malformed("id")
    return offer


def _challenge(found: dict[str, str]) -> Challenge:
    if not _texts(found, *PARAMETERS):
        raise malformed()
    id_ = _id(found["id"])
    if not re.fullmatch(certificates.PARTY, found["realm"]):
        raise malformed("realm")
    asked = _json(found["request"], "request")
    details = asked.get("methodDetails", {})
    if not _texts(asked, "amount", "currency") or not _texts(details):
        raise malformed("request")
    amount, currency = asked["amount"], asked["currency"]
    if not re.fullmatch(r"[1-9][0-9]{0,15}", amount) or int(amount) > MAX_AMOUNT:
        raise malformed("request")
    if currency != currency.lower() or currency.upper() not in CURRENCIES:
        raise malformed("request")
    salt = unb64(details["salt"], "salt") if "salt" in details else None
    if salt is not None and len(salt) != 16:
        raise malformed("salt")
    return Challenge(id_, found["realm"], int(amount), currency.upper(), found["expires"], salt)


def read_challenge(header: str, offer: bytes | None) -> Challenge:
    """A challenge, and that its copies are those of the offer in the body [HTB-37]."""
    found = parse_challenge(header)
    if offer is not None:
        paper = envelope.read(offer)
        papers.check_schema("offer", paper.payload)
        copies = (found.id, found.realm, found.amount, found.currency, found.expires)
        if copies != (paper.id, paper.get(papers.ISS), paper.get(papers.AMOUNT), paper.get(papers.CURRENCY),
                      rfc3339(paper.get(papers.EXP))):
            raise Reject("offer-mismatch")
        if paper.has(papers.RESOURCE) != (found.salt is not None):
            raise Reject("offer-mismatch")  # an offer without `resource` has no salt, and no other goes without
    return found


def read_credentials(header: str) -> tuple[bytes, bytes, bytes]:
    """The id of the offer, receipt and secret of a redemption [HTB-38]."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "payment":
        raise Reject("payment-required")  # [HTB-10]: no payment was shown
    if len(header.encode()) > MAX_FIELD:
        raise malformed()  # [HTB-34]
    value = _json(token.strip(" "), "credentials")
    challenge: Any = value.get("challenge")
    payload: Any = value.get("payload")
    if _texts(challenge, "method") and challenge["method"] != "purser":
        raise Reject("payment-required")  # another method's
    if not _texts(payload, "receipt", "secret") or not _texts(challenge, "id", "method"):
        raise malformed()
    offer = _id(challenge.get("id"))
    receipt, secret = unb64(payload["receipt"], "receipt"), unb64(payload["secret"], "secret")
    if not receipt or len(secret) != 32:
        raise malformed()
    return offer, receipt, secret


def resource(salt: bytes, method: str, authority: str, target: str, content: bytes) -> bytes:
    """The digest that binds an offer to a request [INT-6]."""
    return sha256(encode([salt, method, authority, target, sha256(content)]))
