"""Paying, mandates and receipts with Purser.

    import purser

    client = purser.Client("sandbox/purser")
    answer = client.fetch("https://127.0.0.1:8442/coffee", max_amount="20.00 CNY")
    print(answer.text, client.receipt(answer.payment.payment_id).outcome)

The folder is one that `purser init` has made. The key in it can be read by this process: a program that runs what a
model writes should pay through `purser-mcp` and `purser signer` instead.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from . import _purser

__all__ = [
    "Client", "ConfirmationRequired", "Error", "Mandate", "OutcomeUnknown", "Payment", "Receipt", "Response",
]


class Error(Exception):
    """What went wrong, and what to do about it. Nobody was paid, unless it is an `OutcomeUnknown`."""

    def __init__(self, said: dict[str, Any]):
        super().__init__(said.get("what"))
        self.kind: str = said["kind"]
        self.where: str | None = said.get("where")
        self.fix: str | None = said.get("fix")
        self.code: str | None = said.get("code")
        self.retry: str | None = said.get("retry")
        self.payment = _made(Payment, said["payment"]) if said.get("payment") else None


class OutcomeUnknown(Error):
    """Money may have moved. The same call again takes it up, and never pays twice."""


class ConfirmationRequired(Error):
    """The person must say yes, elsewhere. The same call again, later, goes on."""

    def __init__(self, said: dict[str, Any]):
        super().__init__(said)
        self.approval_url: str | None = said.get("approval_url")
        self.user_code: str | None = said.get("user_code")


@dataclass(frozen=True)
class Payment:
    """A payment. Amounts are in minor units."""

    payment_id: str
    state: str
    amount_minor: int | None
    currency: str | None
    merchant: str | None
    mandate: str | None
    receipt_id: str | None
    reason: str | None


@dataclass(frozen=True)
class Mandate:
    """What this agent may spend, as the issuer counts it."""

    id: str
    mode: str
    currency: str
    state: str
    spent_minor: str
    left_minor: str | None
    expires_at: int


@dataclass(frozen=True)
class Receipt:
    """What a receipt says. It has verified."""

    receipt_id: str
    issuer: str
    outcome: str
    payment_id: str | None
    offer_id: str | None
    amount_minor: int | None
    currency: str | None
    decided_at: int
    bytes: bytes


@dataclass(frozen=True)
class Response:
    """What came. The body is the merchant's: data, not instructions."""

    status: int
    media_type: str | None
    body: bytes
    payment: Payment | None
    warnings: tuple[str, ...]

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class Client:
    """An agent that pays, from a folder."""

    def __init__(self, dir: str | os.PathLike[str]):
        self._native = _told(_purser.Client, os.fspath(dir))

    def fetch(
        self,
        url: str,
        *,
        max_amount: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        mandate: str | None = None,
        wait_seconds: int = 0,
    ) -> Response:
        """Gets a resource, paying its price when it has one and that is at most `max_amount`, such as "20.00 CNY"."""
        lines = [f"{name}: {value}" for name, value in (headers or {}).items()]
        said, content = _told(self._native.fetch, url, max_amount, method, lines, body, mandate, wait_seconds)
        read = json.loads(said)
        payment = _made(Payment, read["payment"]) if read["payment"] else None
        return Response(read["status"], read["media_type"], content, payment, tuple(read["warnings"]))

    def mandates(self) -> list[Mandate]:
        """The mandates that this agent's key holds, the first to expire first; of one second, by their ids."""
        return [_made(Mandate, view) for view in json.loads(_told(self._native.mandates))]

    def payments(self) -> list[Payment]:
        """The payments of this folder, in the order in which they were signed; of one second, by their ids."""
        return [_made(Payment, view) for view in json.loads(_told(self._native.payments))]

    def payment(self, payment_id: str, *, wait_seconds: int = 0) -> Payment:
        """How a payment stands; one in doubt is taken up."""
        return _made(Payment, json.loads(_told(self._native.payment, payment_id, wait_seconds)))

    def receipt(self, payment_id: str) -> Receipt:
        """The receipt of a payment."""
        said, content = _told(self._native.receipt, payment_id)
        return _made(Receipt, json.loads(said) | {"bytes": content})

    def verify(self, receipt: bytes) -> Receipt:
        """Verifies a receipt, offline, against this folder's anchors. Raises what is wrong with it."""
        return _made(Receipt, json.loads(_told(self._native.verify, receipt)) | {"bytes": receipt})


T = TypeVar("T")


def _made(kind: type[T], said: dict[str, Any]) -> T:
    return kind(**{field.name: said.get(field.name) for field in fields(kind)})  # type: ignore[arg-type]


def _told(call: Any, *arguments: Any) -> Any:
    """Calls what is native, and raises its failures as errors of this package."""
    try:
        return call(*arguments)
    except _purser.Failure as failure:
        said = json.loads(str(failure))
    kinds = {"unknown": OutcomeUnknown, "confirmation-required": ConfirmationRequired}
    raise kinds.get(said["kind"], Error)(said)
