"""What an issuer keeps: accounts, mandates, payments, and the log of its batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import merkle, papers
from .cbor import Map, encode
from .envelope import sign
from .errors import CODES, Reject
from .keys import SigningKey, point_of, sha256
from .rules import Entry, Lineage
from .schema import MAX_AMOUNT

if TYPE_CHECKING:
    from .disputes import Dispute

# The greatest balance, and the most of one currency together [CMD-14].
LEDGER_MAX = MAX_AMOUNT


@dataclass
class Recorded:
    """A signed answer, kept byte for byte [RCT-7]."""

    receipt: bytes
    detail: bytes | None
    outcome: int
    code: str | None = None
    stage: str | None = None
    credential: bytes | None = None

    def answer(self, payer: bool = True) -> bytes:
        """The answer; the detail is for the payer's side alone [RCT-14]."""
        return encode({1: self.receipt} | ({2: self.detail} if payer and self.detail is not None else {}))


@dataclass
class AccountKey:
    point: bytes
    expires: int  # the end of the credential for it [AUT-27]


@dataclass
class Account:
    keys: dict[bytes, AccountKey] = field(default_factory=dict)
    retired: dict[bytes, AccountKey] = field(default_factory=dict)  # what they signed before stands [WAL-31]
    available: dict[str, int] = field(default_factory=dict)
    frozen: bool = False


@dataclass(frozen=True)
class Holder:
    """Who may spend: a key, or a certified merchant."""

    point: bytes | None = None
    merchant: str | None = None


def holder_of(payload: Map) -> Holder:
    """The holder that a mandate names, of a payload that has passed the schema."""
    cnf = payload.get(papers.CNF)
    return Holder(point=point_of(cnf.get(1), "schema")) if 1 in cnf else Holder(merchant=cnf.get(-1))


@dataclass
class Mandate:
    """A registered mandate."""

    id: bytes
    payload: Map
    signer: bytes  # the thumbprint of the key that signed it
    lineage: Lineage
    above: "Mandate | None"

    @property
    def chain(self) -> "list[Mandate]":
        """From the root to this one."""
        return (self.above.chain if self.above else []) + [self]

    @property
    def holder(self) -> Holder:
        return holder_of(self.payload)

    @property
    def latest(self) -> bool:
        return self.lineage.versions[-1] == self.id

    def __getitem__(self, label: int) -> Any:
        return self.payload.get(label)


@dataclass
class PaymentRecord:
    """A payment by the id of its intent, in a state of chapter 11."""

    id: bytes
    intent: Map
    holder: Holder
    account: bytes
    chain: list[Mandate]
    state: str = "none"
    recorded: Recorded = None  # type: ignore[assignment]
    by_merchant: str | None = None  # the party whose certificate signed the intent
    offer_id: bytes | None = None
    offer: Map = field(default_factory=lambda: Map(()))
    offer_key: bytes = b""
    offer_categories: tuple[int, ...] = ()
    envelope: Lineage | None = None
    entries: list[Entry] = field(default_factory=list)
    held: int = 0
    captured: int = 0
    refunded: int = 0
    hold_until: int = 0
    answer_by: int = 0
    decided_at: int = 0
    dispute: "Dispute | None" = None
    was_disputed: bool = False

    @property
    def amount(self) -> int:
        return self.intent.get(papers.AMOUNT)

    @property
    def currency(self) -> str:
        return self.intent.get(papers.CURRENCY)

    @property
    def merchant(self) -> str:
        return self.offer.get(papers.ISS)

    @property
    def took_offer(self) -> bool:
        """Whether it waits, or was authorized or settled [AUT-60]."""
        return self.state not in ("none", "refused", "cancelled")

    @property
    def was_paid(self) -> bool:
        """Whether it was authorized or settled [RUL-18]."""
        return self.took_offer and self.state != "pending"

    def payee(self, issuer: str) -> tuple[str, str, str]:
        """The merchant's account at the issuer, with the currency [AUT-39]."""
        name = next(name for party_id, name in self.offer.get(papers.ACCEPTS) if party_id == issuer)
        return self.merchant, name, self.currency


class Draws:
    """What an implementation would draw at random, taken from what a call brings."""

    def __init__(self, nonce: bytes, account: bytes | None = None) -> None:
        self._nonce, self._count, self._account = nonce, 0, account

    def next(self, size: int = 16) -> bytes:
        self._count += 1
        if self._count == 1 and len(self._nonce) == size:
            return self._nonce
        return sha256(self._nonce + bytes([self._count]))[:size]

    def account(self) -> bytes:
        return self._account or sha256(self._nonce + b"account")[:16]


class Log:
    """Batches, their tree, and the receipts made from them. A batch here is one decision."""

    def __init__(self, key: SigningKey, chain: list[bytes], network: str) -> None:
        self._key, self._chain, self._network = key, chain, network
        self._roots: list[bytes] = []

    def receipt(self, claims: dict[int, Any], now: int) -> bytes:
        raw = encode(claims)
        tree_root = merkle.leaf(raw)  # [RCT-5], of one leaf
        self._roots.append(tree_root)
        root = {papers.IAT: now, papers.VERSION: 1, papers.TREE_ROOT: tree_root, papers.TREE_SIZE: 1,
                papers.BATCH: len(self._roots) - 1, papers.LOG_SIZE: len(self._roots), papers.NETWORK: self._network,
                papers.LOG_ROOT: merkle.root([merkle.leaf(one) for one in self._roots])}  # [RCT-9]
        paper = sign("root", root, self._network, self._key, self._chain[0], self._chain)
        return encode([raw, 0, [], paper])


def detail_bytes(fault: Reject, salt: bytes) -> bytes:
    """What only the payer is told [RCT-12]."""
    return encode({papers.CODE: fault.code.number, papers.SALT: salt} | fault.place)


def public_number(slug: str) -> int:
    """What a merchant is told [RCT-8]."""
    code = CODES[slug]
    return CODES["declined"].number if code.public == "declined" else code.number

