"""Certificates, keys and papers for the tests. Keys are made from their names and are no secret."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from purser import certificates, envelope
from purser.cbor import encode
from purser.certificates import Trust
from purser.issuer import Issuer
from purser.keys import SigningKey, cose_key, sha256
from purser.state import Draws

NOW = 1_800_000_000
DAY = 86_400


def tlv(tag: int, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def time(moment: int) -> bytes:
    return tlv(0x17, datetime.fromtimestamp(moment, timezone.utc).strftime("%y%m%d%H%M%SZ").encode())


def key(name: str) -> SigningKey:
    return SigningKey(sha256(name.encode()))


def extension(oid: bytes, value: bytes, critical: bool) -> bytes:
    return tlv(0x30, tlv(0x06, oid), b"\x01\x01\xff" if critical else b"", tlv(0x04, value))


def certificate(subject: str, issuer: str, *, extensions: list[bytes], start: int = NOW - DAY,
                end: int = NOW + 365 * DAY, public: str | None = None) -> bytes:
    def name(text: str) -> bytes:
        return tlv(0x30, tlv(0x31, tlv(0x30, bytes.fromhex("0603550403"), tlv(0x0C, text.encode()))))

    spki = tlv(0x30, certificates.P256_KEY, tlv(0x03, b"\x00\x04" + key(public or subject).point))
    tbs = tlv(0x30, bytes.fromhex("a003020102"), tlv(0x02, b"\x01"), certificates.ECDSA_SHA256, name(issuer),
              tlv(0x30, time(start), time(end)), name(subject), spki, tlv(0xA3, tlv(0x30, *extensions)))
    scalar = int.from_bytes(sha256(issuer.encode()), "big")
    signature = ec.derive_private_key(scalar, ec.SECP256R1()).sign(
        tbs, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    return tlv(0x30, tbs, certificates.ECDSA_SHA256, tlv(0x03, b"\x00", signature))


AUTHORITY = [extension(certificates.BASIC, bytes.fromhex("30030101ff"), True),
             extension(certificates.KEY_USAGE, bytes.fromhex("03020204"), True)]


def leaf_extensions(party: str, role: str, categories: tuple[int, ...] = ()) -> list[bytes]:
    purpose = certificates.ARC + (b"\x01\x01" if role == "issuer" else b"\x01\x02")
    found = [extension(certificates.KEY_USAGE, bytes.fromhex("03020780"), True),
             extension(certificates.EKU, tlv(0x30, tlv(0x06, purpose)), False),
             extension(certificates.SAN, tlv(0x30, tlv(0x86, f"purser:{party}".encode())), False)]
    if categories:
        policies = [tlv(0x30, tlv(0x06, certificates.ARC + b"\x02" + bytes([0x80 | one >> 7, one & 127])))
                    for one in categories]
        found.append(extension(certificates.POLICIES, tlv(0x30, *policies), False))
    return found


ROOT = certificate("root", "root", extensions=AUTHORITY)
ISSUER = certificate("issuer", "root", extensions=leaf_extensions("issuer.example", "issuer"))
MERCHANT = certificate("merchant", "root", extensions=leaf_extensions("tea.example", "merchant", (5411, 5499)))
ANCHORS = [certificates.anchor(ROOT, ("issuer", "merchant"))]


class World:
    """An issuer with one account, and the hands that sign for it."""

    def __init__(self, money: int = 100_000) -> None:
        self.issuer = Issuer("issuer.example", "sandbox", True, key("issuer"), [ISSUER],
                             Trust(ANCHORS, [[MERCHANT]]), sha256(b"pseudonyms"))
        self.account = bytes(16)
        self.count = 0
        enrolment = {3: "issuer.example", 6: NOW, 7: self.nonce(), 8: {1: cose_key(key("payer").point)}, -1: 1}
        self.send("account", self.paper("enrolment", enrolment, "payer"))
        deposit = {2: self.account, 3: "issuer.example", 6: NOW, 7: self.nonce(), -1: 1, -5: money, -6: "CNY"}
        self.send("command", self.paper("deposit", deposit, "payer"))

    def nonce(self) -> bytes:
        self.count += 1
        return self.count.to_bytes(16, "big")

    def paper(self, kind: str, payload: dict[int, Any], signer: str) -> bytes:
        return envelope.sign(kind, payload, "sandbox", key(signer), MERCHANT if signer == "merchant" else None)

    def send(self, kind: str, body: bytes, now: int = NOW) -> Any:
        return self.issuer.receive(kind, body, now, Draws(self.nonce(), self.account))

    def mandate(self, signer: str = "payer", holder: str = "agent", **fields: Any) -> bytes:
        payload = {2: self.account, 3: "issuer.example", 4: NOW + 30 * DAY, 5: NOW - 10, 6: NOW - 10,
                   8: {1: cose_key(key(holder).point)}, -1: 1, -6: "CNY", -10: self.nonce(), -11: 1, -12: 3,
                   -15: {3: 10_000}}
        payload |= {int(label[1:].replace("_", "-")): value for label, value in fields.items()}
        return self.paper("mandate", {label: value for label, value in payload.items() if value is not None}, signer)

    def offer(self, amount: int = 1_000, capture: int = 1, **fields: Any) -> bytes:
        payload = {1: "tea.example", 4: NOW + 900, 6: NOW, 7: self.nonce(), -1: 1, -5: amount, -6: "CNY",
                   -21: [{1: "tea", 2: "Tea", 3: 5499, 4: 1, 5: amount}], -22: [["issuer.example", "main"]],
                   -23: 1, -24: capture}
        payload |= {int(label[1:].replace("_", "-")): value for label, value in fields.items()}
        return self.paper("offer", payload, "merchant")

    def intent(self, mandate: bytes, offer: bytes, amount: int = 1_000, signer: str = "agent") -> bytes:
        return self.paper("intent", {
            3: "issuer.example", 6: NOW, -1: 1, -2: envelope.paper_id(mandate), -3: envelope.paper_id(offer),
            -5: amount, -6: "CNY", -7: sha256(self.nonce())}, signer)

    def pay(self, mandate: bytes, amount: int = 1_000, *, capture: int = 1, first: bool = False,
            now: int = NOW) -> Any:
        offer = self.offer(amount, capture, **{"f4": now + 900, "f6": now})
        return self.send("payment", request([mandate] if first else [], offer, self.intent(mandate, offer, amount)),
                         now)

    def command(self, kind: str, payload: dict[int, Any], signer: str, now: int = NOW) -> Any:
        base = {3: "issuer.example", 6: now, 7: self.nonce(), -1: 1}
        return self.send("command", self.paper(kind, base | payload, signer), now)


def request(mandates: list[bytes], offer: bytes, intent: bytes, confirmation: bytes | None = None) -> bytes:
    return encode({1: mandates, 2: offer, 3: intent} | ({4: confirmation} if confirmation else {}))
