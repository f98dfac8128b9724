"""The wallet: yes and no to a payment that waits (chapter 8)."""

from __future__ import annotations

from . import message, papers
from .certificates import Trust
from .envelope import check_headers, read, sign
from .errors import Reject
from .keys import SigningKey
from .message import Part


class Wallet:
    def __init__(self, key: SigningKey, account: bytes, issuer: str, network: str, trust: Trust) -> None:
        self.key, self.account, self.issuer, self.network = key, account, issuer, network
        self.trust = trust  # in merchants

    def confirm(self, offer: bytes, intent: bytes, now: int) -> bytes:
        """Signs a confirmation, after offer and intent have been read from the papers themselves [CNF-9]."""
        sold = Part("offer", "offer", offer)
        message.read_all([sold], self.trust, self.network, now,
                         lambda one, _: one.signer.point)  # type: ignore[union-attr]
        taken = self._intent(intent)
        if taken[papers.OFFER] != sold.id:
            raise Reject("offer-mismatch")
        total, amount = sold[papers.AMOUNT], taken[papers.AMOUNT]
        if amount > total or amount < total and sold[papers.KIND] != papers.METERED:
            raise Reject("amount-mismatch")
        if taken[papers.CURRENCY] != sold[papers.CURRENCY]:
            raise Reject("currency-mismatch")
        if taken[papers.AUD] != self.issuer:
            raise Reject("audience-mismatch")
        payload = {papers.SUB: self.account, papers.AUD: self.issuer, papers.IAT: now, papers.VERSION: 1,
                   papers.INTENT: taken.id, papers.HOW: 1}
        return sign("confirmation", payload, self.network, self.key)

    def refuse(self, intent: bytes, nonce: bytes, now: int) -> bytes:
        """Signs a cancel: a person who does not want the payment."""
        if self._intent(intent)[papers.AUD] != self.issuer:
            raise Reject("audience-mismatch")
        payload = {papers.AUD: self.issuer, papers.IAT: now, papers.CTI: nonce, papers.VERSION: 1,
                   papers.ENCLOSED: intent}
        return sign("cancel", payload, self.network, self.key)

    @staticmethod
    def _intent(raw: bytes) -> Part:
        """An intent as far as a wallet can read it: whose key signed it is for the issuer to say."""
        part = Part("intent", "intent", raw)
        part.paper = read(raw)
        check_headers(part.paper, "intent")
        papers.check_version(part.paper)
        papers.check_schema("intent", part.paper.payload)
        return part
