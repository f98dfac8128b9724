"""Disputes: the payer's claim, the merchant's answer, the issuer's ruling, and the money (chapter 21)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import papers
from .errors import Reject
from .message import Part
from .papers import RECORDED, REFUNDED
from .state import PaymentRecord, Recorded

if TYPE_CHECKING:
    from .issuer import Issuer

DISPUTE_SECONDS = 10_368_000  # [DSP-5]
ANSWER_SECONDS = 604_800  # [DSP-12]
RULING_SECONDS = 1_209_600  # [DSP-13]
ACCEPTS = 1


@dataclass
class Dispute:
    """One that is open, and what is set apart for it."""

    id: bytes
    amount: int
    apart: int
    ends_at: int
    answered: bool = False


def open_dispute(issuer: "Issuer", part: Part, _: PaymentRecord | None, now: int) -> Recorded:
    payment = issuer.payments.get(part[papers.INTENT])
    if payment is None or payment.state == "pending" or payment.account != part[papers.SUB]:
        raise Reject("payment-unknown")  # [DSP-2]
    if payment.state in ("refused", "cancelled"):
        raise Reject("payment-refused")  # [DSP-14]
    if payment.was_disputed:
        raise Reject("payment-disputed")  # [DSP-3]
    if payment.held:
        raise Reject("payment-held")  # [DSP-4]
    if now - payment.decided_at > DISPUTE_SECONDS:
        raise Reject("dispute-late")  # [DSP-5]
    if part[papers.CURRENCY] != payment.currency:
        raise Reject("currency-mismatch")  # [DSP-15]
    amount = part[papers.AMOUNT]
    if amount > payment.captured - payment.refunded:
        raise Reject("dispute-exceeds-payment")  # [DSP-6]
    payee = payment.payee(issuer.name)
    apart = min(amount, issuer.merchants.get(payee, 0))  # [DSP-18]
    issuer.merchants[payee] = issuer.merchants.get(payee, 0) - apart
    payment.dispute = Dispute(part.id, amount, apart, now + ANSWER_SECONDS)
    payment.was_disputed = True
    return issuer.record({papers.OUTCOME: RECORDED, papers.COMMAND: part.id, papers.AMOUNT: amount,
                          papers.CURRENCY: payment.currency}, now)


def _open(issuer: "Issuer", part: Part) -> tuple[PaymentRecord, Dispute]:
    """The dispute that is named, where it is open on the payment that is named [DSP-7]."""
    payment = issuer.payments.get(part[papers.INTENT])
    if payment is None or payment.dispute is None or payment.dispute.id != part[papers.DISPUTE]:
        raise Reject("dispute-unknown")
    return payment, payment.dispute


def answer(issuer: "Issuer", part: Part, _: PaymentRecord | None, now: int) -> Recorded:
    payment, dispute = _open(issuer, part)
    if part.signer is None or payment.merchant != part.signer.party:
        raise Reject("dispute-unknown")  # [DSP-7]
    if dispute.answered:
        raise Reject("dispute-answered")  # [DSP-9]
    if part[papers.STANCE] == ACCEPTS:
        return end(issuer, payment, dispute.amount, part.id, now)  # [DSP-16]
    dispute.answered, dispute.ends_at = True, now + RULING_SECONDS
    return issuer.record({papers.OUTCOME: RECORDED, papers.COMMAND: part.id}, now)


def rule(issuer: "Issuer", part: Part, _: PaymentRecord | None, now: int) -> Recorded:
    payment, dispute = _open(issuer, part)
    if payment.account != part[papers.SUB]:
        raise Reject("dispute-unknown")  # [DSP-7]
    if part[papers.CURRENCY] != payment.currency:
        raise Reject("currency-mismatch")  # [DSP-15]
    awarded = part.paper.payload.get(papers.AMOUNT, 0)
    if awarded > dispute.amount:
        raise Reject("ruling-exceeds-dispute")  # [DSP-10]
    return end(issuer, payment, awarded, part.id, now)


def comes_due(issuer: "Issuer", payment: PaymentRecord, now: int) -> None:
    """Who has said nothing gives way [DSP-12] [DSP-13]."""
    dispute = payment.dispute
    if dispute is not None and now >= dispute.ends_at:
        end(issuer, payment, 0 if dispute.answered else dispute.amount, dispute.id, now)


def end(issuer: "Issuer", payment: PaymentRecord, awarded: int, command: bytes, now: int) -> Recorded:
    """What is awarded goes back, as far as the merchant has it; the rest is the merchant's again [DSP-17]."""
    dispute, payee = payment.dispute, payment.payee(issuer.name)
    assert dispute is not None
    has = issuer.merchants.get(payee, 0) + dispute.apart
    given = min(awarded, has)
    issuer.merchants[payee] = has - given
    payment.dispute = None
    claims: dict[int, Any] = {papers.OUTCOME: RECORDED, papers.COMMAND: command}
    if given:
        issuer.refund(payment, given)
        claims = issuer.payment_claims(payment) | {
            papers.OUTCOME: REFUNDED, papers.AMOUNT: given, papers.CURRENCY: payment.currency, papers.COMMAND: command}
    return issuer.record(claims, now)
