"""Batches: one signature for many papers of an account (chapter 12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from . import commands, envelope, mandates, merkle, papers
from .cbor import Map, decode
from .errors import Reject
from .message import Part, naming
from .papers import RECORDED
from .state import Recorded

if TYPE_CHECKING:
    from .issuer import Issuer

PART_KINDS = ("mandate", "suspension", "resumption", "revocation")
Plan = Callable[[], None]


@dataclass
class Moves:
    """What the mandates of a batch take out of an account, and give back, by currency [WAL-25]."""

    taken: dict[str, int]
    given: dict[str, int]


def receive_batch(issuer: "Issuer", body: bytes, now: int) -> Recorded:
    """The batch through all stages, then each part, then the checks in their order; all of it, or nothing."""
    raw, parts_raw = papers.read_batch(body)
    batch = Part("batch", "batch", raw)
    issuer.read_parts([batch], now)
    parts = [_read(f"part {at}", one, batch) for at, one in enumerate(parts_raw)]
    root = merkle.root([merkle.leaf(part.id) for part in parts])
    if batch[papers.PARTS] != len(parts) or batch[papers.PARTS_ROOT] != root:
        raise Reject("batch-mismatch")  # [WAL-20]
    if batch.id in issuer.decided:
        return issuer.decided[batch.id]  # [CMD-1]
    commands.fresh(issuer, batch, now)
    try:
        plans = _plans(issuer, batch, parts, now)
    except Reject as fault:
        if fault.slug in commands.NOT_RECORDED or fault.code.outcome != "refused":
            raise
        done = issuer.refuse(fault, {papers.COMMAND: batch.id}, now)
    else:
        for carry_out in plans:
            carry_out()
        done = issuer.record({papers.OUTCOME: RECORDED, papers.COMMAND: batch.id}, now)  # [WAL-23]
        issuer.decided.update({part.id: done for part in parts})  # [WAL-26]
    issuer.decided[batch.id] = done
    return done


def _read(name: str, data: bytes, batch: Part) -> Part:
    """A part: a paper of the batch's key but for its signature."""
    inside = Part(name, "", data)
    with naming(inside):
        protected_raw, payload_raw = papers.read_part(data)
        protected = decode(protected_raw)
        paper = envelope.Paper(data, protected_raw, protected, Map(()), payload_raw, decode(payload_raw), b"")
        typ = paper.protected.get(envelope.TYP)
        kind = typ.removeprefix("purser-") if isinstance(typ, str) else ""
        inside.kind, inside.paper = (kind if kind in PART_KINDS and typ == f"purser-{kind}" else "mandate"), paper
        envelope.check_headers(paper, inside.kind)
        if paper.kid != batch.paper.kid:
            raise Reject("command-signer")  # [WAL-21]
        papers.check_version(paper)
        papers.check_schema(inside.kind, paper.payload)
    return inside


def _plans(issuer: "Issuer", batch: Part, parts: list[Part], now: int) -> list[Plan]:
    """What each part does, decided on the state before the batch."""
    plans: list[Plan] = []
    seen: set[tuple[bytes, bytes]] = set()
    moves = Moves({}, {})
    for part in parts:
        with naming(part):
            if part[papers.SUB] != batch[papers.SUB]:
                raise Reject("account-mismatch")  # [WAL-27]
            about = _lineages(issuer, part)
            if part.id in issuer.decided or part.id in issuer.mandates or seen & about:
                raise Reject("batch-conflict")  # [WAL-24]
            seen |= about
            plans.append(_plan(issuer, part, moves, now))
    available = issuer.accounts[batch[papers.SUB]].available
    for currency, taken in moves.taken.items():
        if taken > available.get(currency, 0) + moves.given.get(currency, 0):
            raise Reject("insufficient-funds")  # [WAL-25]
    return plans


def _lineages(issuer: "Issuer", part: Part) -> set[tuple[bytes, bytes]]:
    if part.kind == "mandate":
        return {(part[papers.SUB], part[papers.LINEAGE])}
    named = (issuer.mandates.get(one) for one in part[papers.MANDATES])
    return {(one[papers.SUB], one[papers.LINEAGE]) for one in named if one is not None}


def _plan(issuer: "Issuer", part: Part, moves: Moves, now: int) -> Plan:
    if part.kind != "mandate":
        commands.fresh(issuer, part, now)
        return (commands.resumed if part.kind == "resumption" else commands.withdrawn)(issuer, part)
    issuer.find_key(part, [])  # [SIG-12]
    registration = mandates.check(issuer, part, now, of_batch=True)
    moved = registration.moved or 0
    side = moves.taken if moved > 0 else moves.given
    side[part[papers.CURRENCY]] = side.get(part[papers.CURRENCY], 0) + abs(moved)
    return lambda: mandates.carry_out(issuer, part, registration)
