"""The decision about one payment, check by check (chapter 9). Nothing here changes anything."""

from __future__ import annotations

from dataclasses import dataclass

from . import papers
from .cbor import Map
from .errors import Reject
from .rules import TERMS, Payment, evaluate_link, term_of
from .state import Account, Mandate, PaymentRecord

SKEW = 10  # [ENC-24]
MAX_CHAIN = 4  # [AUT-46]
MAX_WAITING = 8  # [CNF-2]
MANDATE_LIFETIME = 158_112_000
OFFER_LIFETIME = 3_600
DAY = 86_400


@dataclass
class Confirmation:
    """A confirmation that has passed the stages up to schema."""

    payload: Map
    expires: int  # the end of the credential of the key that signed it


@dataclass
class Books:
    """What the decision reads of the issuer's records."""

    issuer: str
    account: Account
    pseudonym: bytes
    payments: list[PaymentRecord]  # of the account


def mandate_lifetime(payload: Map) -> None:
    if payload.get(papers.EXP) - payload.get(papers.NBF) > MANDATE_LIFETIME:
        raise Reject("lifetime-exceeded")  # [AUT-28]


def check_time(record: PaymentRecord, confirmation: Confirmation | None, root_expires: int, now: int) -> None:
    """The stage time, part by part."""
    if now >= root_expires or confirmation and now >= confirmation.expires:
        raise Reject("credential-expired")  # [AUT-27]
    for mandate in record.chain:
        mandate_lifetime(mandate.payload)
        if now < mandate[papers.NBF]:
            raise Reject("mandate-not-yet-valid")  # [AUT-20]
        if now >= mandate[papers.EXP]:
            raise Reject("mandate-expired")  # [AUT-21]
    made, until = record.offer.get(papers.IAT), record.offer.get(papers.EXP)
    if until - made > OFFER_LIFETIME:
        raise Reject("lifetime-exceeded")  # [AUT-28]
    if made > now + SKEW:
        raise Reject("offer-not-yet-valid")  # [AUT-22]
    if now >= until:
        raise Reject("offer-expired")  # [AUT-23]
    taken = record.intent.get(papers.IAT)
    if taken > now + SKEW:
        raise Reject("intent-in-future")  # [AUT-24]
    if taken < made - SKEW or taken < now - DAY:
        raise Reject("intent-stale")  # [AUT-25]
    if confirmation:
        said = confirmation.payload.get(papers.IAT)
        if said > now + SKEW or said < taken - SKEW or said < now - 900:
            raise Reject("confirmation-stale")  # [AUT-26]


def check_chain_length(chain: list[Mandate]) -> None:
    if len(chain) > MAX_CHAIN:
        raise Reject("chain-too-long")  # [AUT-46]


def check_delegation(above: list[Mandate]) -> None:
    if any(one[papers.MODE] == papers.SINGLE or one.holder.merchant for one in above):
        raise Reject("delegation-forbidden")  # [AUT-37]


def check_mandates(record: PaymentRecord, books: Books) -> None:
    """The stage mandate, of the chain."""
    check_chain_length(record.chain)
    for at, mandate in enumerate(record.chain):
        if mandate[papers.AUD] != books.issuer:
            raise Reject("audience-mismatch")  # [AUT-30]
        if mandate[papers.SUB] != record.account:
            raise Reject("account-mismatch")  # [AUT-31]
        if mandate.lineage.revoked:
            raise Reject("mandate-revoked")  # [AUT-34]
        if not mandate.latest:
            raise Reject("mandate-superseded")  # [AUT-35]
        if mandate.lineage.suspensions:
            raise Reject("mandate-suspended")  # [AUT-36]
        check_delegation(record.chain[:at])


def check_papers(record: PaymentRecord, confirmation: Confirmation | None, books: Books, now: int) -> None:
    """The stage mandate, of offer, intent and confirmation."""
    offer, intent = record.offer, record.intent
    if not any(issuer == books.issuer for issuer, _ in offer.get(papers.ACCEPTS)):
        raise Reject("issuer-not-accepted")  # [AUT-39]
    if offer.get(papers.PSEUDONYM, books.pseudonym) != books.pseudonym:
        raise Reject("pseudonym-mismatch")  # [AUT-42]
    if any(3 in line and line.get(3) not in record.offer_categories for line in offer.get(papers.ITEMS)):
        raise Reject("category-uncertified")  # [AUT-43]
    if intent.get(papers.AUD) != books.issuer:
        raise Reject("audience-mismatch")  # [AUT-30]
    singles = [one[papers.OFFER] for one in record.chain if one[papers.MODE] == papers.SINGLE]
    if any(named != record.offer_id for named in [intent.get(papers.OFFER), *singles]):
        raise Reject("offer-mismatch")  # [AUT-38]
    currencies = [intent.get(papers.CURRENCY)] + [one[papers.CURRENCY] for one in record.chain]
    if any(one != offer.get(papers.CURRENCY) for one in currencies):
        raise Reject("currency-mismatch")  # [AUT-40]
    total, amount = offer.get(papers.AMOUNT), intent.get(papers.AMOUNT)
    if amount > total or amount < total and offer.get(papers.KIND) != papers.METERED:
        raise Reject("amount-mismatch")  # [AUT-41]
    if record.by_merchant is not None and record.by_merchant != record.merchant:
        raise Reject("holder-mismatch")  # [AUT-44]
    if (papers.PERIOD in intent) != (offer.get(papers.KIND) == papers.SUBSCRIPTION):
        raise Reject("period-mismatch")  # [AUT-47]
    if record.by_merchant is not None:
        caps = record.chain[-1][papers.CAPS]
        counts = caps.get(6, []) if caps else []
        terms = [period for _, period in counts if period[0] == TERMS]
        if any(intent.get(papers.PERIOD) != term_of(period, now) for period in terms):
            raise Reject("period-mismatch")  # [TOK-48]
    if confirmation:
        said = confirmation.payload
        if (said.get(papers.INTENT), said.get(papers.SUB), said.get(papers.AUD)) != (
                record.id, record.account, books.issuer):
            raise Reject("confirmation-mismatch")  # [AUT-45]


def check_rules(record: PaymentRecord, books: Books, now: int) -> tuple[bool, list[int | None]]:
    """The stage rules, link by link from the root on [AUT-50]: whether one asks, and the grants taken [AUT-55]."""
    paid_before = any(one.was_paid and one.merchant == record.merchant for one in books.payments)
    payment = Payment(record.amount, record.merchant, record.offer, record.intent, record.offer_key, paid_before, now)
    asks, grants = False, []
    for link, mandate in enumerate(record.chain):
        below = len(record.chain) - 1 - link
        asked, grant = evaluate_link(mandate.payload, payment, mandate.lineage, link, below)
        asks = asks or asked
        grants.append(grant)
    return asks, grants


def envelope_of(record: PaymentRecord) -> int | None:
    """What is free in the envelope that the payment is made from, where its root is funded [QTA-3]."""
    root = record.chain[0]
    return None if papers.FUNDED not in root.payload else root.lineage.envelope or 0


def check_ledger(record: PaymentRecord, books: Books) -> None:
    """The stage ledger: the account, then the intent."""
    if books.account.frozen:
        raise Reject("account-frozen")  # [AUT-62]
    free = envelope_of(record)
    if free is None:
        free = books.account.available.get(record.currency, 0)
    if record.amount > free:
        raise Reject("insufficient-funds")  # [AUT-61]
    # [CMD-14] comes here, and is met by deposits alone: nothing else makes money.
    if any(one.took_offer and one.id != record.id and one.offer_id == record.offer_id for one in books.payments):
        raise Reject("offer-paid")  # [AUT-60]


def decide(record: PaymentRecord, confirmation: Confirmation | None, root_expires: int, books: Books,
           now: int) -> tuple[bool, list[int | None]]:
    """Every check from the stage time on; whether the person has to be asked, and the grants taken."""
    check_time(record, confirmation, root_expires, now)
    check_mandates(record, books)
    check_papers(record, confirmation, books, now)
    asks, grants = check_rules(record, books, now)
    check_ledger(record, books)
    if not asks or confirmation:
        return False, grants  # a confirmation answers every asking rule of every link [CNF-13]
    if any(len(mandate.lineage.waiting) >= MAX_WAITING for mandate in record.chain):
        raise Reject("pending-limit")  # [CNF-2]
    return True, grants

