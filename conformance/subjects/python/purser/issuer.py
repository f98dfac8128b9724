"""The issuer: messages in, signed answers out (chapters 7 to 11).

One call is one step: it is refused before anything is changed, or changes everything that goes with its receipt.
"""

from __future__ import annotations

import hmac
from typing import Any

from . import commands, decide, message, papers
from .cbor import Map
from .certificates import Anchor
from .decide import Books, Confirmation
from .envelope import Paper, check_headers, read, sign
from .errors import Reject
from .keys import SigningKey, point_of, sha256, thumbprint
from .message import Part, Trust
from .papers import AT_ONCE, AUTHORIZED, CANCELLED, PENDING, RECORDED, REFUSED, SETTLED
from .rules import Entry, Lineage
from .state import (Account, AccountKey, Draws, Holder, Log, Mandate, PaymentRecord, Recorded, detail_bytes,
                    holder_of, public_number)

CREDENTIAL_LIFETIME = 158_112_000  # [AUT-28]
STATUS_LIFETIME = 60  # [REV-9]
HOLD_SECONDS = 604_800


class Issuer:
    """An issuer with its records in memory."""

    def __init__(self, name: str, network: str, sandbox: bool, key: SigningKey, chain: list[bytes],
                 anchors: list[Anchor], merchants: list[list[bytes]], pseudonym_secret: bytes) -> None:
        self.name, self.network, self.sandbox, self.key, self.chain = name, network, sandbox, key, chain
        self.trust = Trust(anchors, merchants)
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
        return {papers.OFFER: record.intent.get(papers.OFFER), papers.INTENT: record.id,
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
        if kind == "command":
            kind = self._kind_of(body)
        else:
            kind = {"account": "enrolment", "mandate": "mandate"}[kind]
        part = Part(kind, kind, body)
        if kind == "mandate":
            self._read([part], now)
            return self.register(part, now)
        if kind == "confirmation":
            self._read([part], now)
            return self._confirm(part, now)
        return commands.receive(self, part, now)

    @staticmethod
    def _kind_of(body: bytes) -> str:
        """The kind that a command says it is; one that is no command is read as a cancel, and refused."""
        kind = read(body).protected.get(16)
        found = kind.removeprefix("purser-") if isinstance(kind, str) else ""
        known = commands.KINDS | {"mandate", "confirmation"}
        return found if found in known and kind == f"purser-{found}" else "cancel"

    def _read(self, parts: list[Part], now: int) -> None:
        message.read_all(parts, self.trust, self.network, now, self.find_key, lambda one: one in self.mandates)

    def find_key(self, part: Part, parts: list[Part]) -> bytes:
        """The key of the signer who is expected [AUT-5]; the refusal where it is not the one named."""
        paper = part.paper
        if part.kind == "mandate":
            return self._mandate_key(paper, parts)
        if part.kind == "intent":
            holder = self._holder_by(paper.get(papers.MANDATE), parts)
            if part.signer is not None and part.signer.party == holder.merchant:
                return part.signer.point
            if part.signer is None and holder.point is not None and thumbprint(holder.point) == paper.kid:
                return holder.point
            raise Reject("agent-mismatch")  # [SIG-13]
        if part.signer is not None:
            return part.signer.point
        if part.kind in ("confirmation", "deposit") or part.kind == "enrolment" and paper.has(papers.SUB):
            account = paper.get(papers.SUB)
            key = self.accounts[account].keys.get(paper.kid) if self._is_account(account) else None
            if key is None:
                raise Reject("command-signer" if part.kind == "confirmation" else "account-unknown",
                             "signature")  # [SIG-14] [CMD-15]
            return key.point
        if part.kind == "enrolment":
            cnf = paper.get(papers.CNF)
            point = point_of(cnf.get(1), "signature") if isinstance(cnf, Map) and 1 in cnf else None
            if point is None or thumbprint(point) != paper.kid:
                raise Reject("command-signer")  # [SIG-14]
            return point
        point = self._known_key(paper.kid)
        if point is None:
            raise Reject("command-signer")  # [SIG-14]
        return point

    def _is_account(self, account: Any) -> bool:
        return isinstance(account, bytes) and account in self.accounts

    def _known_key(self, kid: bytes | None) -> bytes | None:
        """A key among those of accounts and holders."""
        for account in self.accounts.values():
            if kid in account.keys:
                return account.keys[kid].point
        for mandate in self.mandates.values():
            if mandate.holder.point is not None and thumbprint(mandate.holder.point) == kid:
                return mandate.holder.point
        return None

    def _holder_by(self, mandate: Any, parts: list[Part]) -> Holder:
        """The holder of a mandate that is registered or in the message; `mandate-unknown` else [AUT-32]."""
        holder = None
        if isinstance(mandate, bytes):
            if mandate in self.mandates:
                return self.mandates[mandate].holder
            for part in parts:
                if part.kind == "mandate" and part.id == mandate:
                    holder = holder_of(part.paper.payload)
        if holder is None:
            raise Reject("mandate-unknown", "signature")
        return holder

    def _mandate_key(self, paper: Paper, parts: list[Part]) -> bytes:
        if paper.has(papers.PARENT):
            point = self._holder_by(paper.get(papers.PARENT), parts).point
            if point is None or thumbprint(point) != paper.kid:
                raise Reject("mandate-signer")  # [SIG-12]
            return point
        account = paper.get(papers.SUB)
        key = self.accounts[account].keys.get(paper.kid) if self._is_account(account) else None
        if key is None:
            raise Reject("mandate-signer")  # [SIG-12]
        return key.point

    # Mandates.

    def register(self, part: Part, now: int) -> Recorded:
        """Registers a mandate (chapter 7)."""
        if part.id in self.decided:
            return self.decided[part.id]  # [CMD-1]
        payload = part.paper.payload
        try:
            parent = payload.get(papers.PARENT)
            if parent is not None and parent not in self.mandates:
                raise Reject("mandate-unknown", "mandate")  # [AUT-32], in front of the one above it
            above = self.mandates.get(parent)
            lineage, moved = self._check_registration(payload, above, now)
        except Reject as fault:
            if fault.code.outcome != "refused":
                raise fault.at(part.name)
            done = self.refuse(fault.at(part.name), {papers.COMMAND: part.id}, now)
        else:
            if moved is not None:
                account = self.accounts[payload.get(papers.SUB)]
                currency = payload.get(papers.CURRENCY)
                account.available[currency] = account.available.get(currency, 0) - moved  # [QTA-5]
                lineage.envelope = (lineage.envelope or 0) + moved if papers.FUNDED in payload else None
            self.lineages[payload.get(papers.SUB), payload.get(papers.LINEAGE)] = lineage
            lineage.versions.append(part.id)
            assert part.paper.kid is not None
            self.mandates[part.id] = Mandate(part.id, payload, part.paper.kid, lineage, above)
            done = self.record({papers.OUTCOME: RECORDED, papers.COMMAND: part.id}, now)  # [MAN-17]
        self.decided[part.id] = done
        return done

    def _check_registration(self, payload: Map, above: Mandate | None, now: int) -> tuple[Lineage, int | None]:
        """The checks of a registration, in the order of their table; the lineage, and what the envelope takes."""
        account, currency = payload.get(papers.SUB), payload.get(papers.CURRENCY)
        decide.mandate_lifetime(payload)
        if now >= payload.get(papers.EXP):
            raise Reject("mandate-expired")  # [AUT-21]
        if payload.get(papers.IAT) > now + decide.SKEW:
            raise Reject("mandate-not-yet-valid")  # [MAN-15]
        if payload.get(papers.AUD) != self.name:
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
        decide.check_delegation(chain)
        key = (account, payload.get(papers.LINEAGE))
        over = (account, above[papers.LINEAGE]) if above else None
        lineage = self.lineages.get(key)
        if lineage is None:
            lineage = Lineage(account, parent=over)
            before = None
        else:
            before = self.mandates[lineage.versions[-1]]
            if lineage.revoked:
                raise Reject("mandate-revoked")  # [MAN-16]
            if payload.get(papers.SERIAL) <= before[papers.SERIAL]:
                raise Reject("mandate-conflict")  # [MAN-20]
        if payload.get(papers.SERIAL) > 1:
            fits = before is not None and (
                payload.get(papers.REPLACES) == before.id and payload.get(papers.SERIAL) == before[papers.SERIAL] + 1
                and payload.get(papers.AUD) == before[papers.AUD] and currency == before[papers.CURRENCY]
                and lineage.parent == over)
            if not fits:
                raise Reject("lineage-broken")  # [MAN-21]
        set_aside = before[papers.FUNDED] or 0 if before and lineage.envelope is not None else 0
        difference = payload.get(papers.FUNDED, 0) - set_aside
        free = self.accounts[account].available.get(currency, 0)
        if difference > free or -difference > (lineage.envelope or 0):
            raise Reject("insufficient-funds")  # [QTA-4]
        funds = papers.FUNDED in payload or lineage.envelope is not None
        return lineage, difference if funds else None

    def close_envelope(self, lineage: Lineage) -> None:
        """Gives what an envelope has free back to the account [QTA-6]."""
        if lineage.envelope is None:
            return
        currency = self.mandates[lineage.versions[-1]][papers.CURRENCY]
        available = self.accounts[lineage.account].available
        available[currency] = available.get(currency, 0) + lineage.envelope
        lineage.envelope = None

    # Payments.

    def _payment(self, body: bytes, now: int) -> Recorded:
        request = papers.read_request(body)
        parts = [Part(*one) for one in request.parts()]
        by_name = {part.name: part for part in parts}
        try:
            self._read(parts, now)
        except Reject:
            known = self._known_intent(request.intent, now)
            if known is not None:
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
                done = self.register(part, now)  # [AUT-8]
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
        payee = next((name for party, name in record.offer.get(papers.ACCEPTS) if party == self.name), "")
        return Books(self.name, self.accounts[record.account], self.pseudonym(record.account, record.merchant),
                     [one for one in self.payments.values() if one.account == record.account],
                     self.merchants.get((record.merchant, payee, record.currency), 0))

    def _decide(self, record: PaymentRecord, said: Part | None, now: int) -> Recorded:
        """Decides a payment that is new or waits, and takes its money, counters and offer in one step [AUT-63]."""
        account_keys = self.accounts[record.account].keys
        confirmation = None
        if said is not None:
            confirmation = Confirmation(said.paper.payload,
                                        self.accounts[said[papers.SUB]].keys[said.paper.kid].expires)
        try:
            asks, grants = decide.decide(record, confirmation, account_keys[record.chain[0].signer].expires,
                                         self._books(record), now)
        except Reject as fault:
            return self.finish_refused(record, fault, now)
        self.payments[record.id] = record
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
        for lineage in self.lineages.values():
            if now >= self.mandates[lineage.versions[-1]][papers.EXP]:
                self.close_envelope(lineage)
        return now

    def ask(self, intent: bytes, now: int, draws: Draws) -> PaymentRecord:
        self.tick(now, draws)
        if intent not in self.payments:
            raise Reject("not-found")  # [HTB-28]
        return self.payments[intent]

    def status(self, mandate_id: bytes, now: int, draws: Draws) -> bytes:
        """How a mandate stands, for a short time [REV-8]."""
        now = self.tick(now, draws)
        if mandate_id not in self.mandates:
            raise Reject("not-found")  # [PRV-4]
        chain = self.mandates[mandate_id].chain
        suspensions = sorted(set().union(*(one.lineage.suspensions for one in chain)))
        state = 1
        if any(one.lineage.revoked for one in chain):
            state = 4
        elif not all(one.latest for one in chain):
            state = 3
        elif any(now >= one[papers.EXP] for one in chain):
            state = 5
        elif suspensions:
            state = 2
        elif any(self._exhausted(one) for one in chain):
            state = 6
        payload = {papers.ISS: self.name, papers.EXP: now + STATUS_LIFETIME, papers.IAT: now, papers.VERSION: 1,
                   papers.MANDATE: mandate_id, papers.STATE: state}
        if suspensions:
            payload[papers.SUSPENSIONS] = suspensions[:64]
        return sign("status", payload, self.network, self.key, self.chain[0], self.chain)

    @staticmethod
    def _exhausted(mandate: Mandate) -> bool:
        total = mandate.payload.get(papers.CAPS, Map(())).get(3)
        return total is not None and sum(one.counted for one in mandate.lineage.entries) >= total

    def open_account(self, key: bytes, account: bytes | None, now: int) -> tuple[bytes, bytes]:
        """Adds a key to an account, a new one where none is named; its id, and the credential [SIG-26] [SIG-27]."""
        found = account or self.draws.account()
        expires = now + CREDENTIAL_LIFETIME
        self.accounts.setdefault(found, Account()).keys[thumbprint(key)] = AccountKey(key, expires)
        payload = {papers.ISS: self.name, papers.SUB: found, papers.EXP: expires, papers.IAT: now,
                   papers.CNF: {1: {1: 2, -1: 1, -2: key[:32], -3: key[32:]}}, papers.VERSION: 1}
        return found, sign("credential", payload, self.network, self.key, self.chain[0], self.chain)

