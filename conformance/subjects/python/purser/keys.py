"""P-256 keys, their names and their signatures (chapter 5)."""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from .cbor import Map, encode
from .errors import Reject


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def cose_key(point: bytes) -> dict[int, Any]:
    """The COSE key of a point given as x ‖ y."""
    return {1: 2, -1: 1, -2: point[:32], -3: point[32:]}


def thumbprint(point: bytes) -> bytes:
    """The name of a key [SIG-21]."""
    return sha256(encode(cose_key(point)))


def point_of(value: Any, stage: str) -> bytes:
    """x ‖ y of a COSE key of exactly the one form; `key-invalid` otherwise [SIG-11]."""
    if isinstance(value, Map) and len(value) == 4 and all(type(key) is int for key, _ in value.pairs):
        kind, curve, x, y = (value.get(label) for label in (1, -1, -2, -3))
        if type(kind) is int and kind == 2 and type(curve) is int and curve == 1 and all(
                isinstance(part, bytes) and len(part) == 32 for part in (x, y)):
            return x + y
    raise Reject("key-invalid", stage, field="cnf")


def public_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """The key of a point; `ValueError` where it is none of the curve."""
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + point)


def verify(point: bytes, signature: bytes, message: bytes) -> None:
    """That a signature r ‖ s of a paper verifies; either s is good [SIG-19]."""
    try:
        key = public_key(point)
    except ValueError:
        raise Reject("key-invalid", "signature") from None  # [SIG-11]
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Reject("signature-invalid", "signature") from None  # [SIG-15]


class SigningKey:
    """A private key."""

    def __init__(self, scalar: bytes) -> None:
        self._key = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        self.point = numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
        self.thumbprint = thumbprint(self.point)

    def sign(self, message: bytes) -> bytes:
        """r ‖ s, with the nonce of RFC 6979, so that a signature needs no randomness."""
        der = self._key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(der)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
