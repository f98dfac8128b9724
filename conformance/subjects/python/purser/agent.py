"""The agent's table (chapter 11): takes an offer under a mandate, and does not leave an intent in doubt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from . import http, message, papers, receipt
from .certificates import Trust
from .decide import OFFER_LIFETIME, SKEW
from .envelope import Paper, read, sign
from .errors import BY_NUMBER, CODES, Reject
from .keys import SigningKey, sha256
from .message import Part
from .state import holder_of


LAPSED = 600
"""How long after its offer an intent that the issuer does not have is given up."""

_MONEY = (papers.AMOUNT, papers.CURRENCY, papers.SECRET_HASH)


@dataclass
class Taken:
    """An intent that was signed."""

    paper: bytes
    offer: Part
    intent: dict[int, Any]
    issuer: str
    state: str = "asking"
    sendings: int = 1


class Agent:
    """An agent with one key, and the mandates that it holds."""

    def __init__(self, key: SigningKey, network: str, trust: Trust, mandates: list[bytes]) -> None:
        self.key, self.network, self.trust = key, network, trust
        self.mandates: dict[bytes, Paper] = {}
        for raw in mandates:
            paper = read(raw)
            papers.check_schema("mandate", paper.payload)
            self.mandates[paper.id] = paper
        self.taken: dict[bytes, Taken] = {}

    def offer(self, raw: bytes, request: dict[str, Any] | None, amount_max: int, currency: str, mandate_id: bytes,
              secret: bytes, now: int) -> tuple[bytes, bytes]:
        """Reads an offer, and takes it where it is what was asked for; the id and the bytes of the intent."""
        mandate = self.mandates.get(mandate_id)
        if mandate is None or holder_of(mandate.payload).point != self.key.point:
            raise Reject("mandate-unknown", "signature")
        part = Part("offer", "offer", raw)
        message.read_all([part], self.trust, self.network, now,
                         lambda one, _: one.signer.point)  # type: ignore[union-attr]  # [INT-14]
        made, until = part[papers.IAT], part[papers.EXP]
        if until - made > OFFER_LIFETIME:
            raise Reject("lifetime-exceeded")
        if made > now + SKEW:
            raise Reject("offer-not-yet-valid")
        if now >= until:
            raise Reject("offer-expired")
        if not any(issuer == mandate.get(papers.AUD) for issuer, _ in part[papers.ACCEPTS]):
            raise Reject("issuer-not-accepted")
        if not part[papers.CURRENCY] == mandate.get(papers.CURRENCY) == currency:
            raise Reject("currency-mismatch")
        if part[papers.AMOUNT] > amount_max:
            raise Reject("amount-mismatch")
        if request is not None and part[papers.RESOURCE] != http.resource(
                request["salt"], request["method"], request["authority"], request["target"], request["body"]):
            raise Reject("request-mismatch")  # [HTB-19]
        if any(one.offer.id == part.id and one.state != "idle" for one in self.taken.values()):
            raise Reject("offer-paid")  # [INT-19]
        # Everything is taken from the fields of the verified offer [INT-15].
        payload = {papers.AUD: mandate.get(papers.AUD), papers.IAT: max(now, part[papers.IAT]),  # [INT-20]
                   papers.VERSION: 1, papers.MANDATE: mandate_id, papers.OFFER: part.id,
                   papers.AMOUNT: part[papers.AMOUNT], papers.CURRENCY: part[papers.CURRENCY],
                   papers.SECRET_HASH: sha256(secret)}
        intent = sign("intent", payload, self.network, self.key)
        intent_id = read(intent).id
        self.taken[intent_id] = Taken(intent, part, payload, mandate.get(papers.AUD))
        return intent_id, intent

    def answer(self, intent_id: bytes, status: int | None, body: bytes | None, content_type: str | None,
               now: int) -> tuple[str, str, int | None]:
        """The next state, what to send: `same`, `cancel` or `nothing`, and the number of the code that says why."""
        taken = self.taken.get(intent_id)
        if taken is None:
            raise Reject("payment-unknown")
        if taken.state in ("idle", "paid"):
            return taken.state, "nothing", None
        found = self._receipt(taken, intent_id, body, now) if body else None
        send = "nothing"
        if found is not None:
            outcome = found.outcome
            if outcome in (papers.AUTHORIZED, papers.SETTLED):
                taken.state = "paid"
            elif outcome == papers.PENDING:
                taken.state = "waiting"
            else:
                taken.state = "idle"  # refused, or cancelled
        elif taken.state == "cancelling":
            # Turned away: a copy may be on its way until the offer is over, and the issuer does not know it [FLW-4].
            if self._is_not_found(status, body) and now >= taken.offer[papers.EXP] + LAPSED:
                taken.state = "idle"
            else:
                send = "cancel"
        elif taken.state == "asking" and taken.sendings == 1 and self._undecided_for_good(status, body, content_type):
            taken.state, send = "cancelling", "cancel"
        else:
            taken.state, send = "asking", "same"  # no answer but a receipt is a decision [FLW-3] [INT-18]
        taken.sendings += send == "same"
        return taken.state, send, self._why(found, body)

    @staticmethod
    def _why(found: receipt.Receipt | None, body: bytes | None) -> int | None:
        """What the detail says, where it is that of the claims, and else what everybody is told [RCT-15]."""
        if found is None or body is None:
            return None
        detail = receipt.detail_of(found, papers.read_answer(body)[1])
        return (found.claims if detail is None else detail).get(papers.CODE)

    def delivery(self, intent_id: bytes, raw: bytes, now: int) -> bool:
        """Whether a delivery is the merchant's word about this payment [RCT-17]."""
        taken = self.taken.get(intent_id)
        if taken is None:
            raise Reject("payment-unknown")
        part = Part("delivery", "delivery", raw)
        message.read_all([part], self.trust, self.network, now,
                         lambda one, _: one.signer.point, role="merchant")  # type: ignore[union-attr]
        return (part[papers.OFFER], part[papers.INTENT], part[papers.ISS]) == (
            taken.offer.id, intent_id, taken.offer[papers.ISS])

    def _receipt(self, taken: Taken, intent_id: bytes, body: bytes, now: int) -> receipt.Receipt | None:
        """The receipt in an answer, where it reads and is this intent's, from the issuer asked."""
        try:
            raw, _ = papers.read_answer(body)
            found = receipt.read(raw, self.trust, self.network, now)
        except Reject:
            return None
        claims = found.claims
        # A command's receipt says nothing of the intent.
        fits = claims.get(papers.INTENT) == intent_id and papers.COMMAND not in claims
        same = found.outcome == papers.REFUSED or claims.get(papers.OFFER) == taken.offer.id  # [FLW-14]
        money = all(claims.get(label) == taken.intent[label] for label in _MONEY if label in claims)
        return found if fits and same and money and found.issuer == taken.issuer else None

    @staticmethod
    def _is_not_found(status: int | None, body: bytes | None) -> bool:
        """Whether a problem body says that the issuer does not have the intent."""
        try:
            return status == 404 and json.loads(body or b"").get("code") == CODES["not-found"].number
        except (ValueError, AttributeError):
            return False

    @staticmethod
    def _undecided_for_good(status: int | None, body: bytes | None, content_type: str | None) -> bool:
        """Whether a problem body says that nothing was decided, and that the same bytes would be refused again."""
        if body is None or status is None or status >= 500 or status == 429:
            return False  # a 5xx, a 429 or silence never means that nothing was done
        if (content_type or "").partition(";")[0].strip().lower() != "application/problem+json":
            return False
        try:
            problem = json.loads(body)
            number, retry = problem.get("code"), problem.get("retry")
        except (ValueError, AttributeError):
            return False
        known = BY_NUMBER.get(number) if type(number) is int else None
        if known is not None:
            return known.outcome == "not-decided" and known.retry != "same"
        return type(number) is int and retry != "same"  # [ERR-4]
