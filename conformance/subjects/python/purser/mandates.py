"""Registrations, envelopes and the standing of mandates (chapter 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import decide, papers
from .cbor import Map
from .envelope import sign
from .errors import Reject
from .message import Part
from .papers import RECORDED
from .rules import Lineage
from .state import Draws, Mandate, Recorded

if TYPE_CHECKING:
    from .issuer import Issuer

STATUS_LIFETIME = 60  # [REV-9]
ACTIVE, SUSPENDED, SUPERSEDED, REVOKED, EXPIRED, EXHAUSTED = range(1, 7)
STATES = dict(enumerate(("active", "suspended", "superseded", "revoked", "expired", "exhausted"), 1))


@dataclass
class Registration:
    """A mandate that may be registered: where it stands, and what its envelope takes, or gives back below zero."""

    above: Mandate | None
    lineage: Lineage
    moved: int | None


def register(issuer: "Issuer", part: Part, now: int) -> Recorded:
    """Registers a mandate, or answers as it was answered before."""
    if part.id in issuer.decided:
        return issuer.decided[part.id]  # [CMD-1]
    try:
        registration = check(issuer, part, now)
    except Reject as fault:
        done = issuer.refuse(fault.at(part.name), {papers.COMMAND: part.id}, now)
    else:
        carry_out(issuer, part, registration)
        done = issuer.record({papers.OUTCOME: RECORDED, papers.COMMAND: part.id}, now)  # [MAN-17]
    issuer.decided[part.id] = done
    return done


def carry_out(issuer: "Issuer", part: Part, registration: Registration) -> None:
    payload, lineage, moved = part.paper.payload, registration.lineage, registration.moved
    if moved is not None:
        available, currency = issuer.accounts[payload.get(papers.SUB)].available, payload.get(papers.CURRENCY)
        available[currency] = available.get(currency, 0) - moved  # [QTA-5]
        lineage.envelope = (lineage.envelope or 0) + moved if papers.FUNDED in payload else None
    issuer.lineages[payload.get(papers.SUB), payload.get(papers.LINEAGE)] = lineage
    lineage.versions.append(part.id)  # from here on the version before is superseded [MAN-18]
    assert part.paper.kid is not None
    issuer.mandates[part.id] = Mandate(part.id, payload, part.paper.kid, lineage, registration.above)


def check(issuer: "Issuer", part: Part, now: int, of_batch: bool = False) -> Registration:
    """The checks of a registration, in the order of their table. Whether the account covers the mandates of a batch is
    asked of them together [WAL-25]."""
    payload = part.paper.payload
    above = issuer.mandates.get(payload.get(papers.PARENT))
    account, currency = payload.get(papers.SUB), payload.get(papers.CURRENCY)
    decide.mandate_lifetime(payload)  # [AUT-28]
    if now >= payload.get(papers.EXP):
        raise Reject("mandate-expired")  # [AUT-21]
    if payload.get(papers.IAT) > now + decide.SKEW:
        raise Reject("mandate-not-yet-valid")  # [MAN-15]
    if payload.get(papers.AUD) != issuer.name:
        raise Reject("audience-mismatch")  # [AUT-30]
    chain = above.chain if above else []
    if above and account != above[papers.SUB]:
        raise Reject("account-mismatch")  # [AUT-31]
    if len(chain) + 1 > decide.MAX_CHAIN:
        raise Reject("chain-too-long")  # [AUT-46]
    if any(one.lineage.revoked for one in chain):
        raise Reject("mandate-revoked")  # [MAN-27]
    if above and above[papers.CURRENCY] != currency:
        raise Reject("currency-mismatch")  # [MAN-28]
    decide.check_delegation(chain)  # [AUT-37]
    over = (account, above[papers.LINEAGE]) if above else None
    lineage = issuer.lineages.get((account, payload.get(papers.LINEAGE))) or Lineage(account, parent=over)
    before = issuer.mandates[lineage.versions[-1]] if lineage.versions else None
    serial = payload.get(papers.SERIAL)
    if lineage.revoked:
        raise Reject("mandate-revoked")  # [MAN-16]
    if before and serial <= before[papers.SERIAL]:
        raise Reject("mandate-conflict")  # [MAN-20]
    if serial > 1 and not (
            before and payload.get(papers.REPLACES) == before.id and serial == before[papers.SERIAL] + 1
            and payload.get(papers.AUD) == before[papers.AUD] and currency == before[papers.CURRENCY]
            and lineage.parent == over):
        raise Reject("lineage-broken")  # [MAN-21]
    if issuer.accounts[account].frozen:
        raise Reject("account-frozen")  # [WAL-41]
    # A closed envelope has had its sum back, and no `funded` is a sum of nothing.
    set_aside = (before[papers.FUNDED] or 0) if before and lineage.envelope is not None else 0
    difference = payload.get(papers.FUNDED, 0) - set_aside
    free = issuer.accounts[account].available.get(currency, 0)
    if difference > free and not of_batch or -difference > (lineage.envelope or 0):
        raise Reject("insufficient-funds")  # [QTA-4]
    funds = papers.FUNDED in payload or lineage.envelope is not None
    return Registration(above, lineage, difference if funds else None)


def close_envelope(issuer: "Issuer", lineage: Lineage) -> None:
    """Gives what an envelope has free back to the account [QTA-6]."""
    if lineage.envelope is None:
        return
    currency = issuer.mandates[lineage.versions[-1]][papers.CURRENCY]
    available = issuer.accounts[lineage.account].available
    available[currency] = available.get(currency, 0) + lineage.envelope
    lineage.envelope = None


def _exhausted(mandate: Mandate) -> bool:
    total = mandate.payload.get(papers.CAPS, Map(())).get(3)
    return total is not None and sum(one.counted for one in mandate.lineage.entries) >= total


def status(issuer: "Issuer", mandate_id: bytes, now: int, draws: Draws) -> bytes:
    """How a mandate stands, signed, for a short time: the first state of the table that holds [REV-8]."""
    now = issuer.tick(now, draws)
    if mandate_id not in issuer.mandates:
        raise Reject("not-found")  # [PRV-4]
    chain = issuer.mandates[mandate_id].chain
    suspensions = sorted(set().union(*(one.lineage.suspensions for one in chain)))
    state = ACTIVE
    if any(one.lineage.revoked for one in chain):
        state = REVOKED
    elif not all(one.latest for one in chain):
        state = SUPERSEDED
    elif any(now >= one[papers.EXP] for one in chain):
        state = EXPIRED
    elif suspensions:
        state = SUSPENDED
    elif any(_exhausted(one) for one in chain):
        state = EXHAUSTED
    payload = {papers.ISS: issuer.name, papers.EXP: now + STATUS_LIFETIME, papers.IAT: now, papers.VERSION: 1,
               papers.MANDATE: mandate_id, papers.STATE: state}
    if suspensions:
        payload[papers.SUSPENSIONS] = suspensions[:64]
    return sign("status", payload, issuer.network, issuer.key, issuer.chain[0], issuer.chain)
