"""The envelope of a paper and its headers (chapter 5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .cbor import BYTES, LIST, MAP, TAG, Map, Reader, encode
from .errors import Reject
from .keys import SigningKey, sha256

MAX_PAPER = 16_384  # [ENC-1]
ESP256 = -9
ALG, CRIT, KID, TYP, X5CHAIN, X5T = 1, 2, 4, 16, 33, 34

# How each kind is signed, and by which role where it is by certificate (chapters 5 and 19).
KINDS: dict[str, tuple[str, str | None]] = {
    "credential": ("certificate", "issuer"), "pseudonym": ("certificate", "issuer"),
    "root": ("certificate", "issuer"), "status": ("certificate", "issuer"),
    "offer": ("certificate", "merchant"), "capture": ("certificate", "merchant"),
    "void": ("certificate", "merchant"), "refund": ("certificate", "merchant"),
    "payout": ("certificate", "merchant"),
    "delivery": ("certificate", "merchant"), "dispute-answer": ("certificate", "merchant"),
    "ruling": ("certificate", "issuer"), "freeze": ("certificate", "issuer"), "thaw": ("certificate", "issuer"),
    "intent": ("either", "merchant"), "cancel": ("either", "merchant"), "proof": ("either", None),
    "mandate": ("key", None), "confirmation": ("key", None), "suspension": ("key", None),
    "resumption": ("key", None), "revocation": ("key", None), "enrolment": ("key", None), "deposit": ("key", None),
    "batch": ("key", None), "retirement": ("key", None), "dispute": ("key", None),
}


@dataclass
class Paper:
    """A paper that has passed the stages size, framing and encoding."""

    raw: bytes
    protected_raw: bytes
    protected: Map
    unprotected: Map
    payload_raw: bytes
    payload: Any
    signature: bytes
    id: bytes = field(init=False)

    def __post_init__(self) -> None:
        # The identity covers neither the signature nor the unprotected header [SIG-20] [SIG-18].
        self.id = sha256(encode([self.protected_raw, self.payload_raw]))

    def get(self, label: int) -> Any:
        """A field of the payload, before the schema has been asked."""
        return self.payload.get(label) if isinstance(self.payload, Map) else None

    def has(self, label: int) -> bool:
        return isinstance(self.payload, Map) and label in self.payload

    @property
    def kid(self) -> bytes | None:
        return self.protected.get(KID)

    @property
    def x5t(self) -> bytes | None:
        value = self.protected.get(X5T)
        return None if value is None else value[1]

    @property
    def chain(self) -> list[bytes] | None:
        """The certificates that stand beside the paper, leaf first."""
        value = self.unprotected.get(X5CHAIN)
        return None if value is None else [value] if isinstance(value, bytes) else list(value)


def read(data: bytes) -> Paper:
    """The stages size, framing and encoding, in one pass (chapter 4)."""
    if len(data) > MAX_PAPER:
        raise Reject("message-too-large", "size")  # [ENC-1]
    framing = Reader(data, 0, len(data), "framing")
    major, argument, start = framing.head()
    if major != TAG or argument != 18:
        raise Reject("cose-tag", "framing", offset=start)  # [SIG-1]
    major, argument, start = framing.head()
    if major != LIST or argument != 4:
        raise Reject("cose-structure", "framing", offset=start)  # [SIG-2]
    protected_raw, at = _string(framing)
    protected: Any = Map(())
    if protected_raw:
        inside = Reader(data, at, at + len(protected_raw), "encoding")
        if inside.head()[0] != MAP:
            raise Reject("cose-structure", "framing", offset=at)  # [SIG-2]
        inside.pos = at
        protected = inside.item()
        inside.close()
    major, argument, start = framing.head()
    if major != MAP:
        raise Reject("cose-structure", "framing", offset=start)  # [SIG-2]
    # The head was the envelope's; what is in the map, and how much, is the header's.
    inside = Reader(data, start, len(data), "encoding")
    unprotected = inside.item()
    framing.pos = inside.pos
    if framing.peek() == 0xF6:
        raise Reject("payload-missing", "framing", offset=framing.pos)  # [SIG-3]
    payload_raw, at = _string(framing)
    inside = Reader(data, at, at + len(payload_raw), "encoding")
    payload = inside.item()
    inside.close()
    start = framing.pos
    signature, _ = _string(framing)
    if len(signature) != 64:
        raise Reject("signature-format", "framing", offset=start)  # [SIG-4]
    framing.close()
    return Paper(data, protected_raw, protected, unprotected, payload_raw, payload, signature)


def _string(reader: Reader) -> tuple[bytes, int]:
    """A byte string of the envelope, and where its contents begin."""
    major, argument, start = reader.head()
    if major != BYTES:
        raise Reject("cose-structure", "framing", offset=start)  # [SIG-2]
    if argument > reader.end - reader.pos:
        raise reader.fail("cbor-truncated", start)  # [ENC-2]
    at = reader.pos
    reader.pos += argument
    return reader.data[at:reader.pos], at


def check_headers(paper: Paper, kind: str) -> None:
    """The stage headers, in the order of its clauses."""
    by = KINDS[kind][0]
    header = paper.protected
    if ALG not in header:
        raise Reject("alg-not-protected", field="alg")  # [SIG-5]
    alg = header.get(ALG)
    if type(alg) is not int or alg != ESP256:
        raise Reject("alg-forbidden", field="alg")  # [SIG-6]
    # `crit` has a code of its own, [SIG-8].
    for key, _ in header.pairs:
        if type(key) is not int or key not in (ALG, CRIT, KID, TYP, X5T):
            raise Reject("header-forbidden")  # [SIG-7]
    for key, value in paper.unprotected.pairs:
        listed = isinstance(value, list) and len(value) >= 2 and all(isinstance(one, bytes) for one in value)
        if type(key) is not int or key != X5CHAIN or by == "key" or not (isinstance(value, bytes) or listed):
            raise Reject("header-forbidden")  # [SIG-7]
    if CRIT in header:
        raise Reject("crit-unknown", field="crit")  # [SIG-8]
    if header.get(TYP) != f"purser-{kind}":
        raise Reject("type-mismatch", field="typ")  # [SIG-9]
    kid, x5t = header.get(KID), header.get(X5T)
    by_key = isinstance(kid, bytes) and len(kid) == 32
    by_certificate = (isinstance(x5t, list) and len(x5t) == 2 and type(x5t[0]) is int and x5t[0] == -16
                      and isinstance(x5t[1], bytes) and len(x5t[1]) == 32)
    exactly_one = (KID in header) != (X5T in header) and (by_key or by_certificate)
    if not exactly_one or by == "key" and not by_key or by == "certificate" and not by_certificate:
        raise Reject("signer-unnamed")  # [SIG-10]
    if by_key and len(paper.unprotected):
        raise Reject("header-forbidden")  # [SIG-7], of a kind that can be signed either way


def signed_bytes(protected: bytes, payload: bytes, kind: str, network: str) -> bytes:
    """The `Sig_structure`, with kind and network as external data [SIG-16]."""
    return encode(["Signature1", protected, encode([f"purser-{kind}/1", network]), payload])


def sign(kind: str, payload: Any, network: str, key: SigningKey, certificate: bytes | None = None,
         chain: list[bytes] | None = None) -> bytes:
    """Signs a paper: by certificate where one is given, else by key; `chain` goes beside it [SIG-17]."""
    header: dict[int, Any] = {ALG: ESP256, TYP: f"purser-{kind}"}
    if certificate is None:
        header[KID] = key.thumbprint
    else:
        header[X5T] = [-16, sha256(certificate)]  # [SIG-22]
    protected = encode(header)
    body = payload if isinstance(payload, bytes) else encode(payload)
    unprotected = {} if not chain else {X5CHAIN: chain[0] if len(chain) == 1 else chain}
    signature = key.sign(signed_bytes(protected, body, kind, network))
    return b"\xd2" + encode([protected, unprotected, body, signature])


def paper_id(data: bytes) -> bytes:
    """The id of a paper that is known to read."""
    return read(data).id
