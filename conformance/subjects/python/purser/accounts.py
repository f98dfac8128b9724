"""Keys that are retired, and accounts that are frozen and thawed (chapter 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import papers
from .errors import Reject
from .keys import point_of
from .message import Part
from .papers import RECORDED
from .state import PaymentRecord, Recorded

if TYPE_CHECKING:
    from .issuer import Issuer


def is_account_key(issuer: "Issuer", part: Part, account: bytes) -> bool:
    found = issuer.accounts.get(account)
    return found is not None and part.paper.kid in found.keys


def retire(issuer: "Issuer", part: Part, _: PaymentRecord | None, now: int) -> Recorded:
    if not is_account_key(issuer, part, part[papers.SUB]):
        raise Reject("command-signer")  # [SIG-14]
    account = issuer.accounts[part[papers.SUB]]
    if account.frozen:
        raise Reject("account-frozen")  # [WAL-41]
    if part[papers.KEY] not in account.keys:
        raise Reject("key-unknown")  # [WAL-32]
    if len(account.keys) == 1:
        raise Reject("last-key")  # [WAL-33]
    account.retired[part[papers.KEY]] = account.keys.pop(part[papers.KEY])  # [WAL-31]
    return issuer.record({papers.OUTCOME: RECORDED, papers.COMMAND: part.id}, now)


def own(issuer: "Issuer", part: Part) -> None:
    """A freeze or a thaw is the issuer's own [WAL-40], and of an account that there is [CMD-15]."""
    if part.signer is None or part.signer.party != issuer.name:
        raise Reject("command-signer")
    if part[papers.SUB] not in issuer.accounts:
        raise Reject("account-unknown")


def freeze(issuer: "Issuer", part: Part, _: PaymentRecord | None, now: int) -> Recorded:
    issuer.accounts[part[papers.SUB]].frozen = True
    return issuer.record({papers.OUTCOME: RECORDED, papers.COMMAND: part.id}, now)


def thaw(issuer: "Issuer", part: Part, _: PaymentRecord | None, now: int) -> Recorded:
    account = issuer.accounts[part[papers.SUB]]
    key = point_of(part[papers.CNF].get(1), "schema") if papers.CNF in part.paper.payload else None
    if key is not None:
        issuer.must_be_free(key, part[papers.SUB])
    account.frozen = False  # [WAL-43]
    credential = None
    if key is not None:
        account.retired.update(account.keys)
        account.keys.clear()
        credential = issuer.open_account(key, part[papers.SUB], now)  # [WAL-44]
    done = issuer.record({papers.OUTCOME: RECORDED, papers.COMMAND: part.id}, now)
    done.credential = credential
    return done
