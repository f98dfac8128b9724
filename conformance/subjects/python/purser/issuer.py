"""The issuer: messages in, signed answers out (chapters 7 to 11).

One call is one step: it is refused before anything is changed, or changes everything that goes with its receipt.
"""

from __future__ import annotations

import hmac
from typing import Any

from . import batch, commands, decide, disputes, mandates, message, papers
from .certificates import Trust
from .decide import Books, Confirmation
from .envelope import check_headers, read, sign
from .errors import Reject
from .keys import SigningKey, point_of, sha256, thumbprint
from .message import Part
from .papers import AT_ONCE, AUTHORIZED, CANCELLED, PENDING, RECORDED, REFUSED, SETTLED
from .rules import Entry, Lineage
from .state import (Account, AccountKey, Draws, Holder, Log, Mandate, PaymentRecord, Recorded, detail_bytes,
                    holder_of, public_number)

CREDENTIAL_LIFETIME = 158_112_000  # [AUT-28]
HOLD_SECONDS = 604_800


class Issuer:
    """An issuer with its records in memory."""

    def __init__(self, name: str, network: str, sandbox: bool, key: SigningKey, chain: list[bytes],
                 trust: Trust, pseudonym_secret: bytes) -> None:
        self.name, self.network, self.sandbox, self.key, self.chain = name, network, sandbox, key, chain
        self.trust = trust  # in merchants
        self._pseudonym_secret = pseudonym_secret
        self.log = Log(key, chain, network)
        self.accounts: dict[bytes, Account] = {}
        self.mandates: dict[bytes, Mandate] = {}
        self.lineages: dict[tuple[bytes, bytes], Lineage] = {}
        self.payments: dict[bytes, PaymentRecord] = {}
        self.decided: dict[bytes, Recorded] = {}  # commands and registrations
        self.suspensions: dict[bytes, bytes | None] = {}  # the holder that signed each; None: a key of the account
        self.merchants: dict[tuple[str, str, str], int] = {}
        self.clock = 0
        self.draws = Draws(b"")

    # What is signed.

    def pseudonym(self, account: bytes, merchant: str) -> bytes:
        """Who an account is to a merchant [INT-1] [PRV-2]."""
        return hmac.digest(self._pseudonym_secret, account + merchant.encode(), "sha256")[:16]

    def record(self, claims: dict[int, Any], now: int, code: str | None = None, stage: str | None = None,
               detail: bytes | None = None) -> Recorded:
        """Signs a receipt and fixes the time of the decision [AUT-4]."""
        self.clock = now
        salted = {papers.IAT: now, papers.SALT: self.draws.next()} | claims  # [RCT-6]
        return Recorded(self.log.receipt(salted, now), detail, claims[papers.OUTCOME], code, stage)

    def refuse(self, fault: Reject, claims: dict[int, Any], now: int) -> Recorded:
        """Records a refusal, with a detail whatever the code is [RCT-13]."""
        salt = self.draws.next()
        detail = detail_bytes(fault, sha256(salt + b"detail")[:16])  # another salt than the claims' [RCT-6]
        claims = claims | {papers.OUTCOME: REFUSED, papers.CODE: public_number(fault.slug),
                           papers.DETAIL: sha256(detail)}
        return self.record(claims, now, fault.slug, fault.stage, detail)

    def payment_claims(self, record: PaymentRecord) -> dict[int, Any]:
        """The fields that every receipt about a payment names it by."""
        return {papers.OFFER: record.offer_id, papers.INTENT: record.id,
                papers.PSEUDONYM: self.pseudonym(record.account, record.merchant)}

    def intent_claims(self, record: PaymentRecord, outcome: int) -> dict[int, Any]:
        return self.payment_claims(record) | {
            papers.OUTCOME: outcome, papers.AMOUNT: record.amount, papers.CURRENCY: record.currency,
            papers.SECRET_HASH: record.intent.get(papers.SECRET_HASH)}

    # Messages.

    def receive(self, kind: str, body: bytes, now: int, draws: Draws) -> Recorded:
        """Decides a message, or answers it as it was decided; raises what is not decided."""
        now = self.tick(now, draws)
        if kind == "payment":
            return self._payment(body, now)
        if kind == "batch":
            return batch.receive_batch(self, body, now)
        if kind == "command":
            kind = self._kind_of(body)
        elif kind == "account":
            kind = "enrolment"
        part = Part(kind, kind, body)
        if kind == "mandate":
            self.read_parts([part], now)
            return mandates.register(self, part, now)
        if kind == "confirmation":
            self.read_parts([part], now)
            return self._confirm(part, now)
        return commands.receive(self, part, now)

    @staticmethod
    def _kind_of(body: bytes) -> str:
        """The kind that a command says it is; one that is none is judged as what can be signed either way [SIG-7]."""
        kind = read(body).protected.get(16)
        found = kind.removeprefix("purser-") if isinstance(kind, str) else ""
        known = commands.KINDS - {"enrolment"} | {"mandate", "confirmation"}
        return found if found in known and kind == f"purser-{found}" else "cancel"

    def read_parts(self, parts: list[Part], now: int) -> None:
        message.read_all(parts, self.trust, self.network, now, self.find_key, lambda one: one in self.mandates)

    def find_key(self, part: Part, parts: list[Part]) -> bytes:
        """The key of the signer who is expected [AUT-5]; the refusal where it is not the one named."""
        if part.kind == "mandate":
            if part.paper.has(papers.PARENT):
                point = self._holder_by(part, papers.PARENT, parts).point
                if point is not None and thumbprint(point) == part.paper.kid:
                    return point
                raise Reject("mandate-signer")  # [SIG-12]
            return self._account_key(part, "mandate-signer")  # [SIG-12]
        if part.kind == "intent":
            holder = self._holder_by(part, papers.MANDATE, parts)
            if part.signer is not None and part.signer.party == holder.merchant:
                return part.signer.point
            if part.signer is None and holder.point is not None and thumbprint(holder.point) == part.paper.kid:
                return holder.point
            raise Reject("agent-mismatch")  # [SIG-13]
        if part.signer is not None:
            return part.signer.point
        if part.kind in ("confirmation", "dispute", "batch"):
            return self._account_key(part, "command-signer")  # [SIG-14]
        if part.kind == "deposit" or part.kind == "enrolment" and part.paper.has(papers.SUB):
            return self._account_key(part, "account-unknown")  # [CMD-15]
        if part.kind == "enrolment":
            point = point_of(message.needed(part, papers.CNF).get(1), "signature")
        else:
            point = self._known_key(part.paper.kid)
        if point is None or thumbprint(point) != part.paper.kid:
            raise Reject("command-signer")  # [SIG-14]
        return point

    def _account_key(self, part: Part, slug: str) -> bytes:
        """The key that `kid` names of the account in `sub`."""
        account = self.accounts.get(message.needed(part, papers.SUB))
        key = account.keys.get(part.paper.kid) if account and part.paper.kid else None
        if key is None:
            raise Reject(slug, "signature")
        return key.point

    def _known_key(self, kid: bytes | None) -> bytes | None:
        """A key among those of accounts and holders."""
        for account in self.accounts.values():
            if kid in account.keys:
                return account.keys[kid].point
        for mandate in self.mandates.values():
            if mandate.holder.point is not None and thumbprint(mandate.holder.point) == kid:
                return mandate.holder.point
        return None

    def _holder_by(self, part: Part, label: int, parts: list[Part]) -> Holder:
        """The holder of a mandate that is registered or stands earlier in the message."""
        wanted = message.needed(part, label)
        if wanted in self.mandates:
            return self.mandates[wanted].holder
        for one in parts:
            if one is part:
                break
            if one.kind == "mandate" and one.id == wanted:
                if len(message.needed(one, papers.CNF)) != 1:
                    raise message.unreadable("mandate", one.paper).at(one.name)  # [AUT-6]
                return holder_of(one.paper.payload)
        raise Reject("mandate-unknown", "signature")  # [AUT-32]

    # Payments.

    def _payment(self, body: bytes, now: int) -> Recorded:
        request = papers.read_request(body)
        parts = [Part(*one) for one in request.parts()]
        by_name = {part.name: part for part in parts}
        try:
            self.read_parts(parts, now)
        except Reject:
            known = self._known_intent(request.intent, now)
            if known is not None and known.state != "pending":  # nothing was paid yet
                return known.recorded  # [AUT-10]
            raise
        intent, offer, said = by_name["intent"], by_name["offer"], by_name.get("confirmation")
        record = self.payments.get(intent.id)
        if record is not None:
            if record.state == "pending" and said is not None:
                return self._decide(record, said, now)  # [AUT-13]
            return record.recorded  # [AUT-1] [CNF-7] [CMD-11]
        for part in parts:
            if part.kind == "mandate" and part.id not in self.mandates:
                done = mandates.register(self, part, now)  # [AUT-8]
                if done.outcome != RECORDED:
                    return done
        assert offer.signer is not None
        mandate = self.mandates[intent[papers.MANDATE]]
        record = PaymentRecord(intent.id, intent.paper.payload, mandate.holder, mandate.chain[0][papers.SUB],
                               mandate.chain, by_merchant=intent.signer.party if intent.signer else None,
                               offer_id=offer.id, offer=offer.paper.payload,
                               offer_key=thumbprint(offer.signer.point), offer_categories=offer.signer.categories)
        return self._decide(record, said, now)

    def _known_intent(self, raw: bytes, now: int) -> PaymentRecord | None:
        """The record of an intent that alone passes the stages up to signature [AUT-10]."""
        part = Part("intent", "intent", raw)
        try:
            part.paper = read(raw)
            check_headers(part.paper, "intent")
            record = self.payments.get(part.id)
            if record is None:
                return None
            message.check_certificates(part, self.trust, now)
            message.check_signature(part, self.find_key(part, []), self.network)
        except Reject:
            return None
        return record

    def _confirm(self, part: Part, now: int) -> Recorded:
        """A confirmation that comes by itself [CNF-12]."""
        record = self.payments.get(part[papers.INTENT])
        if record is None or record.account != part[papers.SUB]:
            raise Reject("payment-unknown")  # [CMD-3]
        return self._decide(record, part, now) if record.state == "pending" else record.recorded

    def _books(self, record: PaymentRecord) -> Books:
        return Books(self.name, self.accounts[record.account], self.pseudonym(record.account, record.merchant),
                     [one for one in self.payments.values() if one.account == record.account])

    def _decide(self, record: PaymentRecord, said: Part | None, now: int) -> Recorded:
        """Decides a payment that is new or waits, and takes its money, counters and offer in one step [AUT-63]."""
        account_keys = self.accounts[record.account].retired | self.accounts[record.account].keys
        confirmation = None
        if said is not None:
            signer = self.accounts[said[papers.SUB]].keys[said.paper.kid or b""]
            confirmation = Confirmation(said.paper.payload, signer.expires)
        try:
            asks, grants = decide.decide(record, confirmation, account_keys[record.chain[0].signer].expires,
                                         self._books(record), now)
        except Reject as fault:
            return self.finish_refused(record, fault, now)
        self.payments[record.id] = record
        record.decided_at = now
        if asks:
            return self._ask(record, now)
        self._stop_waiting(record)
        by_command = record.offer.get(papers.CAPTURE) != AT_ONCE
        self._take_money(record)
        for mandate, grant in zip(record.chain, grants):
            entry = Entry(record.id, now, record.amount, grant, papers.REFUND_RETURNS in mandate.payload, by_command)
            mandate.lineage.entries.append(entry)  # [RUL-24] [AUT-64]
            record.entries.append(entry)
        if by_command:
            record.state, record.held = "held", record.amount
            record.hold_until = now + record.offer.get(papers.HOLD_SECONDS, HOLD_SECONDS)
            claims = self.intent_claims(record, AUTHORIZED) | {papers.HOLD_UNTIL: record.hold_until}  # [AUT-66]
        else:
            record.state, record.captured = "settled", record.amount
            self.pay_merchant(record, record.amount)
            claims = self.intent_claims(record, SETTLED)  # [AUT-65]
        record.recorded = self.record(claims, now)
        return record.recorded

    def finish_refused(self, record: PaymentRecord, fault: Reject, now: int) -> Recorded:
        """The refusal is the outcome of the intent, for good."""
        self._stop_waiting(record)
        record.state = "refused"
        claims = self.intent_claims(record, REFUSED)
        record.recorded = self.refuse(fault, claims, now)
        self.payments[record.id] = record
        return record.recorded

    def finish_cancelled(self, record: PaymentRecord, now: int) -> Recorded:
        """There never will be a payment [CMD-25]."""
        self._stop_waiting(record)
        record.state = "cancelled"
        claims = {papers.OUTCOME: CANCELLED, papers.OFFER: record.intent.get(papers.OFFER),
                  papers.INTENT: record.id, papers.CODE: 191}
        record.recorded = self.record(claims, now, "payment-cancelled", "ledger")  # [CMD-11]
        self.payments[record.id] = record
        return record.recorded

    def _ask(self, record: PaymentRecord, now: int) -> Recorded:
        """Asks the person; nothing is moved, held or counted meanwhile [CNF-6]."""
        record.state, record.answer_by = "pending", record.offer.get(papers.EXP)  # [CNF-5]
        for mandate in record.chain:
            mandate.lineage.waiting.add(record.id)
        code = int.from_bytes(self.draws.next(), "big") % 1_000_000
        claims = self.intent_claims(record, PENDING) | {
            papers.APPROVAL: f"https://{self.name}/approvals", papers.USER_CODE: f"{code:06}",
            papers.ANSWER_BY: record.answer_by}
        record.recorded = self.record(claims, now, None)  # [CNF-1]
        return record.recorded

    @staticmethod
    def _stop_waiting(record: PaymentRecord) -> None:
        for mandate in record.chain:
            mandate.lineage.waiting.discard(record.id)

    def _take_money(self, record: PaymentRecord) -> None:
        root = record.chain[0]
        if papers.FUNDED in root.payload:
            record.envelope = root.lineage
            assert root.lineage.envelope is not None
            root.lineage.envelope -= record.amount  # [QTA-3]
        else:
            self.accounts[record.account].available[record.currency] -= record.amount

    def give_back(self, record: PaymentRecord, amount: int) -> None:
        """Money back to where it came from: the envelope while it is open, else the account [AUT-67] [CMD-21]."""
        if record.envelope is not None and record.envelope.envelope is not None:
            record.envelope.envelope += amount
        else:
            available = self.accounts[record.account].available
            available[record.currency] = available.get(record.currency, 0) + amount

    def refund(self, record: PaymentRecord, amount: int) -> None:
        """Money of the merchant's goes back to where it came from, and to the counters that take it [CMD-21]."""
        self.give_back(record, amount)
        record.refunded += amount
        for entry in record.entries:
            if entry.refund_returns:
                entry.returned += amount  # [MAN-23]

    def release(self, record: PaymentRecord) -> int:
        """Ends a hold, and gives the rest back [AUT-67]; what is released was not spent [MAN-23]."""
        rest, record.held = record.held, 0
        if rest:
            self.give_back(record, rest)
        for entry in record.entries:
            entry.returned += rest
            entry.held = False
        return rest

    def pay_merchant(self, record: PaymentRecord, amount: int) -> None:
        payee = record.payee(self.name)
        self.merchants[payee] = self.merchants.get(payee, 0) + amount

    def money(self, currency: str) -> int:
        """All balances of one currency together: of accounts, envelopes, holds and merchants [CMD-14]."""
        envelopes = sum(one.envelope or 0 for one in self.lineages.values()
                        if self.mandates[one.versions[-1]][papers.CURRENCY] == currency)
        return (envelopes + sum(one.available.get(currency, 0) for one in self.accounts.values())
                + sum(one.held + (one.dispute.apart if one.dispute else 0) for one in self.payments.values()
                      if one.currency == currency)
                + sum(minor for (_, _, unit), minor in self.merchants.items() if unit == currency))

    # Time, and what is asked.

    def tick(self, now: int, draws: Draws) -> int:
        """Ends what has ended by itself; the time to decide at, which never goes back [AUT-4]."""
        self.draws = draws
        now = max(now, self.clock)
        for record in list(self.payments.values()):
            if record.state == "pending" and now >= record.answer_by:
                self.finish_refused(record, Reject("confirmation-lapsed"), now)  # [CNF-4]
            elif record.state == "held" and now >= record.hold_until:
                record.state = "expired"  # [FLW-11]
                claims = self.payment_claims(record) | {
                    papers.OUTCOME: papers.VOIDED, papers.AMOUNT: self.release(record),
                    papers.CURRENCY: record.currency}
                self.record(claims, now)
            disputes.comes_due(self, record, now)
        for lineage in self.lineages.values():
            if now >= self.mandates[lineage.versions[-1]][papers.EXP]:
                mandates.close_envelope(self, lineage)
        return now

    def ask(self, intent: bytes, now: int, draws: Draws) -> PaymentRecord:
        self.tick(now, draws)
        if intent not in self.payments:
            raise Reject("not-found")  # [HTB-28]
        return self.payments[intent]

    def must_be_free(self, key: bytes, account: bytes | None) -> None:
        """A key is, or was, of no other account [SIG-28]."""
        name = thumbprint(key)
        if any(name in one.keys or name in one.retired for other, one in self.accounts.items() if other != account):
            raise Reject("key-taken")

    def open_account(self, key: bytes, account: bytes | None, now: int) -> bytes:
        """Adds a key to an account, a new one where none is named; the credential [SIG-26] [SIG-27]."""
        found = account or self.draws.account()
        expires = now + CREDENTIAL_LIFETIME
        self.accounts.setdefault(found, Account()).keys[thumbprint(key)] = AccountKey(key, expires)
        payload = {papers.ISS: self.name, papers.SUB: found, papers.EXP: expires, papers.IAT: now,
                   papers.CNF: {1: {1: 2, -1: 1, -2: key[:32], -3: key[32:]}}, papers.VERSION: 1}
        return sign("credential", payload, self.network, self.key, self.chain[0], self.chain)

