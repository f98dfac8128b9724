"""Commands to the issuer (chapter 11): each with the order of checks that its section gives [CMD-17]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from . import accounts, disputes, mandates as standing, papers
from .accounts import is_account_key
from .certificates import parse
from .decide import DAY, SKEW
from .envelope import read
from .errors import Reject
from .keys import point_of, thumbprint
from .message import Part
from .papers import CAPTURED, RECORDED, REFUNDED, VOIDED
from .state import LEDGER_MAX, Mandate, PaymentRecord, Recorded

if TYPE_CHECKING:
    from .issuer import Issuer

KINDS = frozenset({"capture", "void", "refund", "payout", "cancel", "deposit", "enrolment", "suspension", "resumption",
                   "revocation", "retirement", "freeze", "thaw", "dispute", "dispute-answer", "ruling"})
# A command refused so may be early, or with the wrong issuer: its coming again is no loss [CMD-27].
NOT_RECORDED = frozenset({"command-stale", "audience-mismatch", "payment-unknown", "not-sandbox"})


def receive(issuer: "Issuer", part: Part, now: int) -> Recorded:
    """Reads a command through the stages, and carries it out."""
    issuer.read_parts([part], now)
    if part.kind in ("freeze", "thaw"):
        accounts.own(issuer, part)
    if part.kind == "cancel":
        return _cancel(issuer, part, now)
    if part.id in issuer.decided:
        return issuer.decided[part.id]  # [CMD-1]
    payment = issuer.payments.get(part[papers.INTENT]) if part.kind in ("capture", "void", "refund") else None
    try:
        fresh(issuer, part, now)
        done = _CARRY_OUT[part.kind](issuer, part, payment, now)
    except Reject as fault:
        if fault.slug in NOT_RECORDED or fault.code.outcome != "refused":
            raise fault.at(part.name)
        claims: dict[int, Any] = {papers.COMMAND: part.id}
        if payment and part.signer and payment.merchant == part.signer.party and payment.state != "cancelled":
            claims |= issuer.payment_claims(payment)
        done = issuer.refuse(fault.at(part.name), claims, now)
    issuer.decided[part.id] = done
    return done


def fresh(issuer: "Issuer", part: Part, now: int) -> None:
    made = part[papers.IAT]
    if made > now + SKEW or made < now - DAY:
        raise Reject("command-stale")  # [CMD-2]
    if papers.AUD in papers.SCHEMAS[part.kind] and part[papers.AUD] != issuer.name:
        raise Reject("audience-mismatch")  # [AUT-30]


# Capture, void, refund.


def _payment_of(part: Part, payment: PaymentRecord | None) -> PaymentRecord:
    """[CMD-3], [CMD-16] and [CMD-4]."""
    if payment is None or payment.state == "pending":
        raise Reject("payment-unknown")  # [CMD-3]
    if payment.state in ("refused", "cancelled"):
        raise Reject("payment-refused")  # [CMD-16]
    if part.signer is None or payment.merchant != part.signer.party:
        raise Reject("caller-mismatch")  # [CMD-4]
    return payment


def _still_held(payment: PaymentRecord) -> None:
    slug = {"settled": "payment-captured", "captured": "payment-captured", "voided": "payment-voided",
            "expired": "hold-expired"}.get(payment.state)  # [CMD-6] [CMD-7] [CMD-8]
    if slug:
        raise Reject(slug)


def _same_currency(part: Part, payment: PaymentRecord) -> None:
    if part[papers.CURRENCY] != payment.currency:
        raise Reject("currency-mismatch")  # [CMD-18]


def _about(issuer: "Issuer", part: Part, payment: PaymentRecord, outcome: int, amount: int) -> dict[int, Any]:
    return issuer.payment_claims(payment) | {
        papers.OUTCOME: outcome, papers.AMOUNT: amount, papers.CURRENCY: payment.currency, papers.COMMAND: part.id}


def _capture(issuer: "Issuer", part: Part, found: PaymentRecord | None, now: int) -> Recorded:
    payment = _payment_of(part, found)
    _still_held(payment)
    _same_currency(part, payment)
    amount = part[papers.AMOUNT]
    if amount > payment.held:
        raise Reject("capture-exceeds-hold")  # [CMD-5]
    payment.held -= amount
    payment.captured += amount
    issuer.pay_merchant(payment, amount)
    if papers.FINAL in part.paper.payload or payment.held == 0:
        payment.state = "captured"
        issuer.release(payment)  # [CMD-19]
    return issuer.record(_about(issuer, part, payment, CAPTURED, amount), now)


def _void(issuer: "Issuer", part: Part, found: PaymentRecord | None, now: int) -> Recorded:
    payment = _payment_of(part, found)
    _still_held(payment)
    payment.state = "voided"
    released = issuer.release(payment)  # [CMD-20]
    return issuer.record(_about(issuer, part, payment, VOIDED, released), now)


def _refund(issuer: "Issuer", part: Part, found: PaymentRecord | None, now: int) -> Recorded:
    payment = _payment_of(part, found)
    if payment.dispute is not None:
        raise Reject("payment-disputed")  # [DSP-11]
    _same_currency(part, payment)
    amount, payee = part[papers.AMOUNT], payment.payee(issuer.name)
    if amount > payment.captured - payment.refunded:
        raise Reject("refund-exceeds-capture")  # [CMD-9]
    if amount > issuer.merchants.get(payee, 0):
        raise Reject("merchant-funds")  # [CMD-10]
    issuer.merchants[payee] -= amount
    issuer.refund(payment, amount)
    return issuer.record(_about(issuer, part, payment, REFUNDED, amount), now)


def _payout(issuer: "Issuer", part: Part, _: PaymentRecord | None, now: int) -> Recorded:
    if not issuer.sandbox:
        raise Reject("not-sandbox")  # [CMD-28]
    amount, currency = part[papers.AMOUNT], part[papers.CURRENCY]
    payee = (part[papers.ISS], part[papers.ACCOUNT], currency)
    if amount > issuer.merchants.get(payee, 0):
        raise Reject("merchant-funds")  # [CMD-29]
    issuer.merchants[payee] -= amount  # [CMD-30]
    return issuer.record({papers.OUTCOME: RECORDED, papers.COMMAND: part.id, papers.AMOUNT: amount,
                          papers.CURRENCY: currency}, now)


# Accounts.


def _deposit(issuer: "Issuer", part: Part, _: PaymentRecord | None, now: int) -> Recorded:
    if not issuer.sandbox:
        raise Reject("not-sandbox")  # [CMD-13]
    amount, currency = part[papers.AMOUNT], part[papers.CURRENCY]
    available = issuer.accounts[part[papers.SUB]].available
    if issuer.money(currency) + amount > LEDGER_MAX:
        raise Reject("amount-overflow")  # [CMD-14]
    available[currency] = available.get(currency, 0) + amount
    return issuer.record({papers.OUTCOME: RECORDED, papers.COMMAND: part.id, papers.AMOUNT: amount,
                          papers.CURRENCY: currency}, now)


def _enrol(issuer: "Issuer", part: Part, found: PaymentRecord | None, now: int) -> Recorded:
    key = point_of(part[papers.CNF].get(1), "schema")
    account = issuer.accounts.get(part[papers.SUB])
    if account is not None and account.frozen:
        raise Reject("account-frozen")  # [WAL-41]
    issuer.must_be_free(key, part[papers.SUB])
    credential = issuer.open_account(key, part[papers.SUB], now)
    done = issuer.record({papers.OUTCOME: RECORDED, papers.COMMAND: part.id}, now)
    done.credential = credential
    return done


# Suspension, resumption, revocation.


def _named(issuer: "Issuer", part: Part) -> list[Mandate]:
    found = [issuer.mandates.get(one) for one in part[papers.MANDATES]]
    if any(one is None or one[papers.SUB] != part[papers.SUB] for one in found):
        raise Reject("mandate-unknown", "mandate")  # [REV-1]
    return [one for one in found if one is not None]


def _latest(issuer: "Issuer", mandate: Mandate) -> Mandate:
    """The version that stands: a command is about the lineage, whichever version it names [REV-2]."""
    return issuer.mandates[mandate.lineage.versions[-1]]


def _key_names(mandates: list[Mandate]) -> list[bytes]:
    return [thumbprint(one.holder.point) for one in mandates if one.holder.point is not None]


def _withdraw(issuer: "Issuer", part: Part, _: PaymentRecord | None, now: int) -> Recorded:
    withdrawn(issuer, part)()
    return issuer.record({papers.OUTCOME: RECORDED, papers.COMMAND: part.id}, now)


def withdrawn(issuer: "Issuer", part: Part) -> Callable[[], None]:
    """Checks a suspension or a revocation; what it then does."""
    mandates = _named(issuer, part)
    by_account = is_account_key(issuer, part, part[papers.SUB])
    for mandate in mandates:
        chain = _latest(issuer, mandate).chain
        allowed = chain if part.kind == "revocation" else chain[:-1]
        if not by_account and part.paper.kid not in _key_names(allowed):
            raise Reject("command-signer")  # [SIG-14]

    def carry_out() -> None:
        for mandate in mandates:  # whichever version is named [REV-2], all in one step [REV-3]
            if part.kind == "revocation":
                mandate.lineage.revoked = True  # [REV-5]
                standing.close_envelope(issuer, mandate.lineage)
            else:
                mandate.lineage.suspensions.add(part.id)  # [REV-4]
        if part.kind == "suspension":
            issuer.suspensions[part.id] = None if by_account else part.paper.kid
    return carry_out


def _resume(issuer: "Issuer", part: Part, _: PaymentRecord | None, now: int) -> Recorded:
    resumed(issuer, part)()
    return issuer.record({papers.OUTCOME: RECORDED, papers.COMMAND: part.id}, now)


def resumed(issuer: "Issuer", part: Part) -> Callable[[], None]:
    """Checks a resumption; what it then does."""
    mandates = _named(issuer, part)
    suspension = part[papers.SUSPENSION]
    if not is_account_key(issuer, part, part[papers.SUB]):
        for mandate in mandates:
            above = _key_names(_latest(issuer, mandate).chain[:-1])
            if suspension in mandate.lineage.suspensions:
                signer = issuer.suspensions[suspension]
                # The holder who suspended, and those above it; nobody but the account lifts its own.
                above = above[:above.index(signer) + 1] if signer in above else []
            if part.paper.kid not in above:
                raise Reject("command-signer")  # [SIG-14]
    if any(suspension not in mandate.lineage.suspensions for mandate in mandates):
        raise Reject("suspension-unknown")  # [CMD-12]

    def carry_out() -> None:
        for mandate in mandates:
            mandate.lineage.suspensions.discard(suspension)
    return carry_out


# Cancel.


def payer_side(issuer: "Issuer", cancel: bytes) -> bool:
    """Whether the signer of a cancel that was answered is of the payer's side [RCT-14]."""
    paper = read(cancel)
    if paper.kid is not None:
        return True
    leaf = parse(issuer.trust.chain_for(paper.x5t, paper.chain)[0])
    return issuer.payments[read(paper.get(papers.ENCLOSED)).id].holder.merchant == leaf.party()


def _cancel(issuer: "Issuer", part: Part, now: int) -> Recorded:
    """A cancel is a container too: it is read, then the intent in it, then the offer [ENC-21]."""
    intent = Part("intent", "intent", part[papers.ENCLOSED])
    issuer.read_parts([intent], now)
    offer = None
    if papers.OFFERED in part.paper.payload:
        offer = Part("offer", "offer", part[papers.OFFERED])
        issuer.read_parts([offer], now)
    mandate = issuer.mandates[intent[papers.MANDATE]]
    account = mandate.chain[0][papers.SUB]
    by_account = part.signer is None and is_account_key(issuer, part, account)
    if part.signer is None:
        allowed = by_account or part.paper.kid in _key_names([mandate])
    else:
        own = (offer is not None and offer.id == intent[papers.OFFER]
               and offer[papers.ISS] == part.signer.party)
        allowed = own or mandate.holder.merchant == part.signer.party
    if not allowed:
        raise Reject("command-signer")  # [SIG-14]
    record = issuer.payments.get(intent.id)
    if record is not None and record.state != "pending":
        return record.recorded  # [CMD-26]
    fresh(issuer, part, now)
    if record is None:
        record = PaymentRecord(intent.id, intent.paper.payload, mandate.holder, account, mandate.chain)
    elif by_account:
        return issuer.finish_refused(record, Reject("confirmation-refused"), now)  # [CNF-3]
    return issuer.finish_cancelled(record, now)  # [CMD-25]


_CARRY_OUT: dict[str, Callable[["Issuer", Part, PaymentRecord | None, int], Recorded]] = {
    "capture": _capture, "void": _void, "refund": _refund, "payout": _payout, "deposit": _deposit, "enrolment": _enrol,
    "suspension": _withdraw, "revocation": _withdraw, "resumption": _resume, "retirement": accounts.retire,
    "freeze": accounts.freeze, "thaw": accounts.thaw, "dispute": disputes.open_dispute,
    "dispute-answer": disputes.answer, "ruling": disputes.rule}
