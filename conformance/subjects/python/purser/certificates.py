"""Certificates and their paths: the profile and the checks of chapter 5, in the order of the clauses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from . import der
from .der import Malformed
from .errors import Reject
from .keys import public_key, sha256

MAX_CERTIFICATE = 4096
MAX_CHAIN = 3
PARTY = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")

ARC = bytes.fromhex("6981ef8d84c1a2a6a2b48982e2cc84ddcff2e934")
PURPOSES = {ARC + b"\x01\x01": "issuer", ARC + b"\x01\x02": "merchant"}
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
P256_KEY = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")

SKI, KEY_USAGE, SAN, BASIC, POLICIES, AKI, EKU = (bytes([0x55, 0x1D, arc]) for arc in (14, 15, 17, 19, 32, 35, 37))
LEAF_EXTENSIONS = {KEY_USAGE, BASIC, EKU, SAN, POLICIES, SKI, AKI}
AUTHORITY_EXTENSIONS = {KEY_USAGE, BASIC, SKI, AKI}
DIGITAL_SIGNATURE, KEY_CERT_SIGN, CRL_SIGN = 0, 5, 6


def malformed() -> Reject:
    return Reject("cert-malformed")


@dataclass
class Certificate:
    """A certificate whose outer form is that of the profile [CRT-2]; the rest is asked of it later."""

    raw: bytes
    tbs: bytes
    issuer: bytes
    subject: bytes
    not_before: int
    not_after: int
    spki: bytes
    signature: bytes
    extensions: dict[bytes, tuple[bool, bytes]]
    is_authority: bool = field(init=False)
    path_length: int | None = field(init=False, default=None)
    usage: set[int] = field(init=False)

    def __post_init__(self) -> None:
        basic = self.extensions.get(BASIC, (False, b"\x30\x00"))[1]
        self.is_authority = basic != b"\x30\x00"
        if self.is_authority and basic != bytes.fromhex("30030101ff"):
            if len(basic) != 8 or basic[:7] != bytes.fromhex("30060101ff0201") or basic[7] > 127:
                raise Malformed  # [CRT-2]
            self.path_length = basic[7]
        self.usage = der.bits(self.extensions[KEY_USAGE][1]) if KEY_USAGE in self.extensions else set()

    @property
    def point(self) -> bytes | None:
        """x ‖ y, where the key is an uncompressed point of P-256 under its curve's name [CRT-5]."""
        prefix = P256_KEY + bytes.fromhex("03420004")
        if len(self.spki) != 2 + len(prefix) + 64 or self.spki[2:2 + len(prefix)] != prefix:
            return None
        point = self.spki[-64:]
        try:
            public_key(point)
        except ValueError:
            return None
        return point

    def purposes(self) -> list[bytes]:
        """The purposes named, or none where the list does not read."""
        try:
            return [der.check_oid(one.body) if one.tag == der.OID else b""
                    for one in der.parts(der.whole(self.extensions[EKU][1], der.SEQUENCE))]
        except (KeyError, Malformed):
            return []

    def role(self) -> str | None:
        """The one role named [CRT-10]."""
        purposes = self.purposes()
        return PURPOSES.get(purposes[0]) if len(purposes) == 1 else None

    def party(self) -> str | None:
        """The one name given [CRT-12]."""
        try:
            names = der.parts(der.whole(self.extensions[SAN][1], der.SEQUENCE))
        except (KeyError, Malformed):
            return None
        if len(names) != 1 or names[0].tag != 0x86 or not names[0].body.startswith(b"purser:"):
            return None
        name = names[0].body[7:].decode("latin-1")
        return name if PARTY.fullmatch(name) else None

    def categories(self) -> list[int] | None:
        """The categories of a merchant, ascending and in their one encoding; None where they are not so."""
        if POLICIES not in self.extensions:
            return []
        found: list[int] = []
        try:
            for info in der.parts(der.whole(self.extensions[POLICIES][1], der.SEQUENCE)):
                oid = der.whole(info.body, der.OID).body if info.tag == der.SEQUENCE else b""
                if not oid.startswith(ARC + b"\x02"):
                    return None
                number, octets = 0, der.check_oid(oid)[len(ARC) + 1:]
                for octet in octets:
                    number = number << 7 | octet & 0x7F
                # One arc after `02`, so that only its last octet has its highest bit clear.
                if not octets or any(not octet & 0x80 for octet in octets[:-1]) or number > 9999:
                    return None
                found.append(number)
        except Malformed:
            return None
        return found if found and all(a < b for a, b in zip(found, found[1:])) else None

    def extensions_fit(self) -> bool:
        """Whether each extension is one of the certificate's kind, with its criticality [CRT-6]."""
        allowed = AUTHORITY_EXTENSIONS if self.is_authority else LEAF_EXTENSIONS
        for oid, (critical, _) in self.extensions.items():
            if oid not in allowed:
                return False
            if oid == KEY_USAGE and not critical or oid in (POLICIES, SKI, AKI) and critical:
                return False
            if oid == BASIC and self.is_authority and not critical:
                return False
        if POLICIES in self.extensions:
            # A leaf that names no role is left to [CRT-10].
            return self.role() != "issuer" and self.categories() is not None
        return True

    def signed_by(self, above: "Certificate") -> bool:
        """Whether the key of the one above verifies the signature [CRT-16]."""
        if above.point is None:
            return False
        try:
            public_key(above.point).verify(self.signature, self.tbs, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


def parse(raw: bytes) -> Certificate:
    """Reads a certificate; `cert-malformed` where it is not DER of the profile [CRT-2]."""
    try:
        return _parse(raw)
    except Malformed:
        raise malformed() from None


def _parse(raw: bytes) -> Certificate:
    if len(raw) > MAX_CERTIFICATE:
        raise Malformed
    outer = der.parts(der.whole(raw, der.SEQUENCE))
    if len(outer) != 3 or outer[0].tag != der.SEQUENCE or outer[1].raw != ECDSA_SHA256:
        raise Malformed
    if outer[2].tag != der.BIT_STRING or outer[2].body[:1] != b"\x00":
        raise Malformed
    fields = der.parts(outer[0])
    # Version 3, serial, algorithm, issuer, validity, subject, key, and extensions alone after it: no unique
    # identifiers.
    if not 7 <= len(fields) <= 8 or fields[0].raw != bytes.fromhex("a003020102"):
        raise Malformed
    der.positive(fields[1])
    if fields[2].raw != ECDSA_SHA256 or any(fields[at].tag != der.SEQUENCE for at in (3, 4, 5, 6)):
        raise Malformed
    times = der.parts(fields[4])
    if len(times) != 2:
        raise Malformed
    # The names are any: they are compared as they stand. The key is judged by [CRT-5], its frame here.
    key = der.parts(fields[6])
    if [one.tag for one in key[:2]] != [der.SEQUENCE, der.BIT_STRING] or not key[1].body or (
            [one.tag for one in der.parts(key[0])[:1]] != [der.OID]):
        raise Malformed
    extensions: dict[bytes, tuple[bool, bytes]] = {}
    if len(fields) == 8:
        if fields[7].tag != 0xA3:
            raise Malformed
        for entry in der.parts(der.whole(fields[7].body, der.SEQUENCE)):
            inner = der.parts(entry)
            if entry.tag != der.SEQUENCE or not 2 <= len(inner) <= 3 or inner[0].tag != der.OID:
                raise Malformed
            # DEFAULT FALSE is not written in DER.
            if len(inner) == 3 and inner[1].raw != bytes.fromhex("0101ff") or inner[-1].tag != der.OCTET_STRING:
                raise Malformed
            oid = der.check_oid(inner[0].body)
            if oid in extensions:
                raise Malformed
            extensions[oid] = (len(inner) == 3, inner[-1].body)
    return Certificate(raw, outer[0].raw, fields[3].raw, fields[5].raw, der.seconds(times[0]), der.seconds(times[1]),
                       fields[6].raw, outer[2].body[1:], extensions)


@dataclass
class Anchor:
    """A trust anchor as a reader configures it: for which roles, and for which names."""

    certificate: Certificate
    roles: tuple[str, ...]
    names: tuple[str, ...] = ()

    def vouches_for(self, party: str) -> bool:
        return not self.names or any(
            party == name or name.startswith(".") and party.endswith(name) for name in self.names)


def anchor(raw: bytes, roles: tuple[str, ...], names: tuple[str, ...] = ()) -> Anchor:
    """Configures an anchor, with the checks that are made of one then."""
    certificate = parse(raw)
    if certificate.point is None:
        raise Reject("cert-key-type")  # [CRT-5]
    if not certificate.extensions_fit():
        raise Reject("cert-extension")  # [CRT-6]
    if not certificate.is_authority:
        raise Reject("cert-not-ca")  # [CRT-8]
    if KEY_CERT_SIGN not in certificate.usage:
        raise Reject("cert-key-usage")  # [CRT-9]
    return Anchor(certificate, roles, names)


@dataclass(frozen=True)
class Signer:
    """What a path that passed says of the signer."""

    party: str
    point: bytes
    categories: tuple[int, ...]


@dataclass
class Trust:
    """What a reader of certificates was given: anchors, chains at hand, what is revoked and which keys are retired."""

    anchors: list[Anchor]
    chains: list[list[bytes]] = field(default_factory=list)
    revoked: frozenset[bytes] = frozenset()
    fresh_until: int | None = None  # the last second at which the list is young enough [CRT-18]
    retired: dict[bytes, int] = field(default_factory=dict)

    def chain_for(self, x5t: bytes | None, beside: list[bytes] | None) -> list[bytes]:
        """A chain for the certificate that `x5t` names, the one beside the paper first."""
        if beside:
            return beside
        for chain in self.chains:
            if sha256(chain[0]) == x5t:
                return chain
        raise Reject("cert-missing")  # [CRT-1]


@dataclass
class Question:
    """What a chain is checked for. What stands in a paper is looked up when a check needs it [AUT-6]."""

    role: str
    now: int
    time: int  # of the check: the present, or the `iat` of a root [RCT-11]
    made: Callable[[], int]  # when the paper says that it was made
    name: Callable[[], str | None]  # the `iss` that has to fit, if there is one
    x5t: bytes | None = None


def check(chain: list[bytes], question: Question, trust: Trust) -> Signer:
    """Checks a chain, leaf first."""
    certificates = [parse(raw) for raw in chain[:MAX_CHAIN]]  # [CRT-2]
    if len(chain) > MAX_CHAIN:
        raise Reject("cert-chain-length")  # [CRT-3]
    if question.x5t is not None and sha256(chain[0]) != question.x5t:
        raise Reject("cert-mismatch")  # [CRT-4]
    last = certificates[-1]
    above: list[Anchor | None] = [one for one in trust.anchors if question.role in one.roles
                                  and one.certificate.subject == last.issuer and last.signed_by(one.certificate)]
    first: Reject | None = None
    for candidate in above or [None]:
        try:
            return _check_path(certificates, candidate, question, trust)
        except Reject as fault:
            first = first or fault
    assert first is not None
    raise first


def _check_path(chain: list[Certificate], top: Anchor | None, question: Question, trust: Trust) -> Signer:
    leaf = chain[0]
    path = chain + ([top.certificate] if top else [])
    if any(one.point is None for one in path):
        raise Reject("cert-key-type")  # [CRT-5]
    if not all(one.extensions_fit() for one in path):
        raise Reject("cert-extension")  # [CRT-6]
    if leaf.is_authority:
        raise Reject("cert-is-ca")  # [CRT-7]
    if not all(one.is_authority for one in path[1:]):
        raise Reject("cert-not-ca")  # [CRT-8]
    if DIGITAL_SIGNATURE not in leaf.usage or leaf.usage & {KEY_CERT_SIGN, CRL_SIGN} or any(
            KEY_CERT_SIGN not in one.usage for one in path[1:]):
        raise Reject("cert-key-usage")  # [CRT-9]
    if leaf.role() is None:
        raise Reject("cert-eku")  # [CRT-10]
    if leaf.role() != question.role:
        raise Reject("cert-role")  # [CRT-11]
    party = leaf.party()
    if party is None or top and not top.vouches_for(party):
        raise Reject("cert-name")  # [CRT-12]
    for at, one in enumerate(path[1:]):
        if one.path_length is not None and at > one.path_length:
            raise Reject("cert-pathlen")  # [CRT-13]
    time = question.time
    if any(time < one.not_before for one in path):
        raise Reject("cert-not-yet-valid")  # [CRT-14]
    if any(time > one.not_after for one in path):
        raise Reject("cert-expired")  # [CRT-15]
    linked = all(one.issuer == above.subject and one.signed_by(above) for one, above in zip(path, path[1:]))
    if top is None or not linked or len({one.point for one in path}) != len(path):
        raise Reject("cert-untrusted")  # [CRT-16]
    if any(sha256(one.tbs) in trust.revoked for one in path):
        raise Reject("cert-revoked")  # [CRT-17]
    if trust.fresh_until is not None and question.now > trust.fresh_until:
        raise Reject("status-stale")  # [CRT-18]
    if question.name() not in (None, party):
        raise Reject("cert-name", field="iss")  # [SIG-23]
    assert leaf.point is not None
    if leaf.point in trust.retired and question.made() >= trust.retired[leaf.point]:
        raise Reject("key-retired")  # [CRT-19]
    return Signer(party, leaf.point, tuple(leaf.categories() or ()))
