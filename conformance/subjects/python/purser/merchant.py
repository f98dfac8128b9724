"""The merchant: offers, and what it asks of a redemption (chapters 8, 11 and 14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import http, papers, receipt
from .cbor import Map, decode, encode
from .certificates import Trust
from .envelope import read, sign
from .errors import Reject
from .keys import SigningKey, sha256


class GivesBack(Reject):
    """A refusal of a redemption, and whether the merchant voids or refunds first [FLW-7]."""

    def __init__(self, slug: str, gives_back: bool) -> None:
        super().__init__(slug)
        self.gives_back = gives_back


@dataclass
class Known:
    """An offer that was made, and the payment that consumed it."""

    offer: Map
    salt: bytes
    withdrawn: bool = False
    consumed_by: bytes | None = None
    payment: tuple[str, bytes] | None = None
    request: bytes | None = None
    delivery: bytes | None = None


@dataclass
class Payee:
    """An issuer at which the merchant takes money."""

    issuer: str
    account: str
    trust: Trust


class Merchant:
    def __init__(self, name: str, network: str, key: SigningKey, chain: list[bytes], payees: list[Payee]) -> None:
        self.name, self.network, self.key, self.chain, self.payees = name, network, key, chain, payees
        self.offers: dict[bytes, Known] = {}

    def offer(self, request: dict[str, Any], price: int, currency: str, item: str, capture: int, nonce: bytes,
              now: int, until: int) -> bytes:
        """Makes an offer for a request."""
        digest = http.resource(request["salt"], request["method"], request["authority"], request["target"],
                               request["body"])
        payload = {papers.ISS: self.name, papers.EXP: until, papers.IAT: now, papers.CTI: nonce, papers.VERSION: 1,
                   papers.AMOUNT: price, papers.CURRENCY: currency,
                   papers.ITEMS: [{1: item, 2: item, 4: 1, 5: price}],
                   papers.ACCEPTS: [[one.issuer, one.account] for one in self.payees], papers.KIND: 1,
                   papers.CAPTURE: capture, papers.RESOURCE: digest}  # [INT-8]
        body = decode(encode(payload))
        papers.check_schema("offer", body)
        paper = sign("offer", payload, self.network, self.key, self.chain[0], self.chain)
        self.offers[read(paper).id] = Known(body, request["salt"])  # [INT-22]
        return paper

    def withdraw(self, offer_id: bytes) -> None:
        """Takes an offer back, unless it was served."""
        known = self.offers.get(offer_id)
        if known is None:
            raise Reject("offer-unknown")
        known.withdrawn = known.consumed_by is None

    def redeem(self, offer_id: bytes, request: dict[str, Any], raw: bytes, secret: bytes,
               now: int) -> tuple[bytes, bool]:
        """The delivery for a receipt, and whether it was served before."""
        known = self.offers.get(offer_id)
        if known is None:
            raise GivesBack("offer-unknown", self._paid_for(offer_id, raw, secret, now))  # [HTB-11] [FLW-12]
        found = self._read(raw, now)
        claims, offer = found.claims, known.offer
        wanted = papers.SETTLED if offer.get(papers.CAPTURE) == papers.AT_ONCE else papers.AUTHORIZED
        same = (claims.get(papers.OFFER) == offer_id and found.outcome == wanted
                and all(claims.get(label) == offer.get(label) for label in (papers.AMOUNT, papers.CURRENCY))
                and claims.get(papers.IAT) >= offer.get(papers.IAT) - 10
                and any(found.issuer == issuer for issuer, _ in offer.get(papers.ACCEPTS)))
        if not same:
            raise Reject("receipt-mismatch")  # [HTB-12]
        if sha256(secret) != claims.get(papers.SECRET_HASH):
            raise Reject("secret-mismatch")  # [HTB-15]
        if known.withdrawn:
            raise GivesBack("offer-unknown", True)  # [FLW-7] [HTB-11]
        payment = (found.issuer, claims.get(papers.INTENT))
        asked = http.resource(known.salt, request["method"], request["authority"], request["target"],
                              request["body"])
        if known.consumed_by is not None:
            if known.consumed_by != found.id or known.request != asked:
                raise GivesBack("receipt-already-used", known.payment != payment)  # [HTB-14] [FLW-7] [FLW-15]
            assert known.delivery is not None
            return known.delivery, True  # [HTB-17]
        if papers.HOLD_UNTIL in claims and claims.get(papers.HOLD_UNTIL) <= now + 10:
            raise Reject("receipt-mismatch")  # [HTB-39]
        if asked != offer.get(papers.RESOURCE):
            raise Reject("request-mismatch")  # [HTB-13]
        known.consumed_by, known.payment, known.request = found.id, payment, asked  # [FLW-6]
        payload = {papers.ISS: self.name, papers.IAT: now, papers.VERSION: 1, papers.OFFER: offer_id,
                   papers.INTENT: claims.get(papers.INTENT), papers.STATE: 1, papers.DIGEST: sha256(b"")}
        known.delivery = sign("delivery", payload, self.network, self.key, self.chain[0])
        return known.delivery, False

    def _paid_for(self, offer_id: bytes, raw: bytes, secret: bytes, now: int) -> bool:
        """Whether a receipt reads, says that this offer was paid, and is shown by who paid."""
        try:
            found = self._read(raw, now)
        except Reject:
            return False
        own = sha256(secret) == found.claims.get(papers.SECRET_HASH)  # [HTB-15]
        paid = found.outcome in (papers.SETTLED, papers.AUTHORIZED)
        return own and paid and found.claims.get(papers.OFFER) == offer_id

    def _read(self, raw: bytes, now: int) -> receipt.Receipt:
        """Reads a receipt under the anchors of one of the issuers; the refusal is that of the first."""
        first: Reject | None = None
        for payee in self.payees:
            try:
                return receipt.read(raw, payee.trust, self.network, now)
            except Reject as fault:
                first = first or fault
        raise first or Reject("cert-missing")

