"""Speaks `purser-shim/1` (conformance/shim.md) for the implementation in `purser/`."""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any, Callable

from purser import (VERSION, cbor, certificates, commands, envelope, follower, http, mandates, papers, receipt, render,
                    verifier)
from purser.agent import Agent
from purser.certificates import Anchor, Trust
from purser.errors import BY_NUMBER, CODES, Reject
from purser.issuer import Issuer
from purser.keys import SigningKey, sha256
from purser.merchant import GivesBack, Merchant, Payee
from purser.papers import OUTCOMES
from purser.rules import Lineage
from purser.state import Draws, Recorded
from purser.wallet import Wallet

Json = dict[str, Any]
FEATURES = ["core", "holds", "funded", "delegation", "confirmation", "held-mandates", "sandbox", "rendering",
            "log", "withdrawal", "accounts", "disputes"]


class Decided(Exception):
    """A refusal that was decided: it has a signed answer."""

    def __init__(self, recorded: Recorded, payer: bool = True) -> None:
        self.recorded, self.payer = recorded, payer

    def reply(self) -> Json:
        """The refusal as the one who asks is told it: all that others hear of many is that it was declined."""
        done = self.recorded
        hidden = not self.payer and done.code is not None and CODES[done.code].public == "declined"
        code, stage = ("declined", CODES["declined"].stages[0]) if hidden else (done.code, done.stage)
        return {"outcome": "reject", "code": code, "stage": stage,
                "value": {"answer": done.answer(self.payer).hex(), "outcome": OUTCOMES[done.outcome]}}


def unhex(value: str | None) -> bytes:
    return bytes.fromhex(value or "")


def chain_of(values: list[str] | None) -> list[bytes]:
    return [bytes.fromhex(one) for one in values or []]


def trust_of(given: Json, chains: list[list[bytes]]) -> Trust:
    """Anchors, and the revoked certificates and retired keys that may stand beside them."""
    anchors: list[Anchor] = []
    for one in given.get("anchors", []):
        limits = one if isinstance(one, dict) else {"certificate": one}
        roles = (limits["role"],) if limits.get("role") else ("issuer", "merchant")
        anchors.append(certificates.anchor(unhex(limits["certificate"]), roles, tuple(limits.get("names") or ())))
    revoked, fresh_until = given.get("revoked") or [], None
    if isinstance(revoked, dict):
        if "as_of" in revoked and "age_max" in revoked:
            fresh_until = revoked["as_of"] + revoked["age_max"]
        revoked = revoked.get("certificates", [])
    retired = {unhex(one["key"]): one["at"] for one in given.get("retired") or []}
    return Trust(anchors, [one for one in chains if one], frozenset(chain_of(revoked)), fresh_until, retired)


def request_of(value: Json | None) -> Json | None:
    return value and {"salt": unhex(value.get("salt")), "method": value["method"],
                      "authority": value["authority"], "target": value["target"], "body": unhex(value.get("body"))}


class Shim:
    """The state of a process, and one method for each call."""

    def __init__(self) -> None:
        self.issuer: Issuer = None  # type: ignore[assignment]
        self.agent: Agent = None  # type: ignore[assignment]
        self.merchant: Merchant = None  # type: ignore[assignment]
        self.wallet: Wallet = None  # type: ignore[assignment]
        self.follower = follower.Follower()
        self.calls: dict[str, Callable[[Json], Any]] = {
            "hello": self.hello, "reset": self.reset, "paper.verify": self.paper_verify,
            "paper.sign": self.paper_sign, "chain.verify": self.chain_verify, "receipt.verify": self.receipt_verify,
            "request.read": self.request_read, "challenge.read": self.challenge_read,
            "credentials.read": self.credentials_read, "issuer.start": self.issuer_start,
            "issuer.receive": self.issuer_receive, "issuer.ask": self.issuer_ask, "issuer.tick": self.issuer_tick,
            "issuer.status": self.issuer_status, "state.get": self.state_get, "state.put": self.state_put,
            "agent.start": self.agent_start, "agent.offer": self.agent_offer, "agent.answer": self.agent_answer,
            "agent.delivery": self.agent_delivery, "log.follow": self.log_follow,
            "receipt.logged": self.receipt_logged,
            "merchant.start": self.merchant_start, "merchant.offer": self.merchant_offer,
            "merchant.withdraw": self.merchant_withdraw, "merchant.redeem": self.merchant_redeem, "wallet.start": self.wallet_start,
            "wallet.confirm": self.wallet_confirm, "wallet.refuse": self.wallet_refuse,
            "paper.render": self.paper_render,
        }

    def hello(self, _: Json) -> Json:
        return {"implementation": {"name": "purser-python", "version": VERSION, "language": "Python"},
                "roles": ["verifier", "issuer", "agent", "merchant", "wallet"], "spec": ["1"],
                "features": FEATURES, "in_flight_max": 1}

    def reset(self, _: Json) -> Json:
        self.__init__()  # type: ignore[misc]
        return {}

    # Papers.

    def paper_verify(self, call: Json) -> Json:
        signer = call["signer"]
        key = unhex(signer["key"]) if "key" in signer else None
        trust = trust_of(signer, [chain_of(signer.get("chain"))])
        part = verifier.verify_paper(call["kind"], unhex(call["paper"]), call["network"], call["now"], key, trust,
                                     signer.get("role"))
        return {"id": part.id.hex(), "payload": cbor.encode(part.paper.payload).hex()}

    def paper_sign(self, call: Json) -> Json:
        kind, payload = call["kind"], unhex(call["payload"])
        value = cbor.decode(payload)
        papers.check_schema(kind, value)
        certificate = unhex(call["certificate"]) if call.get("certificate") else None
        paper = envelope.sign(kind, value, call["network"], SigningKey(unhex(call["key"])), certificate)
        return {"paper": paper.hex(), "id": envelope.paper_id(paper).hex()}

    def chain_verify(self, call: Json) -> Json:
        signer = verifier.verify_chain(chain_of(call["chain"]), call["role"], call["now"], trust_of(call, []))
        return {"party": signer.party, "key": signer.point.hex(), "categories": list(signer.categories)}

    def receipt_verify(self, call: Json) -> Json:
        trust = trust_of(call, [chain_of(call.get("chain"))])
        found = receipt.read(unhex(call["receipt"]), trust, call["network"], call["now"])
        return {"id": found.id.hex(), "outcome": OUTCOMES[found.outcome]}

    def receipt_logged(self, call: Json) -> Json:
        trust = trust_of(call, [chain_of(call.get("chain"))])
        found, root = follower.logged(unhex(call["logged"]), trust, call["network"], call["now"])
        return {"id": found.id.hex(), "outcome": OUTCOMES[found.outcome], "log_size": root.get(papers.LOG_SIZE)}

    def log_follow(self, call: Json) -> Json:
        trust = trust_of(call, [chain_of(call.get("chain"))])
        taken, size = self.follower.follow(unhex(call["checkpoint"]), trust, call["network"], call["now"])
        return {"taken": taken, "log_size": size}

    def request_read(self, call: Json) -> Json:
        request = papers.read_request(unhex(call["body"]))
        value = {"mandates": [one.hex() for one in request.mandates], "offer": request.offer.hex(),
                 "intent": request.intent.hex()}
        return value if request.confirmation is None else value | {"confirmation": request.confirmation.hex()}

    def challenge_read(self, call: Json) -> Json:
        found = http.read_challenge(call["header"], unhex(call["offer"]) if call.get("offer") else None)
        value: Json = {"id": found.id.hex(), "realm": found.realm, "amount": str(found.amount),
                       "currency": found.currency, "expires": found.expires}
        return value if found.salt is None else value | {"salt": found.salt.hex()}

    def credentials_read(self, call: Json) -> Json:
        offer_id, found, secret = http.read_credentials(call["header"])
        return {"id": offer_id.hex(), "receipt": found.hex(), "secret": secret.hex()}

    # The issuer.

    def issuer_start(self, call: Json) -> Json:
        self.issuer = Issuer(call["issuer"], call["network"], call["sandbox"], SigningKey(unhex(call["key"])),
                             chain_of(call["chain"]),
                             trust_of(call, [chain_of(call["chain"])] + [chain_of(one) for one in call.get("merchants", [])]),
                             unhex(call["pseudonym_secret"]))
        return {}

    @staticmethod
    def _draws(call: Json) -> Draws:
        # Calls that bring no nonce draw one of their own bytes, so that a run can be repeated.
        nonce = unhex(call.get("nonce")) or sha256(json.dumps(call, sort_keys=True).encode())[:16]
        return Draws(nonce, unhex(call.get("account")) or None)

    def issuer_receive(self, call: Json) -> Json:
        body = unhex(call["body"])
        done = self.issuer.receive(call["message"], body, call["now"], self._draws(call))
        if call["message"] == "command" and envelope.read(body).protected.get(envelope.TYP) == "purser-cancel":
            # Accepted, whatever receipt it brings to light; a detail in it is not a merchant's to see [RCT-14].
            return {"answer": done.answer(commands.payer_side(self.issuer, body)).hex(),
                    "outcome": OUTCOMES[done.outcome]}
        if done.code is not None:
            raise Decided(done)
        value = {"answer": done.answer().hex(), "outcome": OUTCOMES[done.outcome]}
        return value if done.credential is None else value | {"credential": done.credential.hex()}

    def issuer_ask(self, call: Json) -> Json:
        done = self.issuer.ask(unhex(call["intent"]), call["now"], self._draws(call)).recorded
        if done.code is not None:
            raise Decided(done, call.get("payer", False))
        return {"answer": done.answer(call.get("payer", False)).hex(), "outcome": OUTCOMES[done.outcome]}

    def issuer_tick(self, call: Json) -> Json:
        self.issuer.tick(call["now"], self._draws(call))
        return {}

    def issuer_status(self, call: Json) -> Json:
        paper = mandates.status(self.issuer, unhex(call["mandate"]), call["now"], self._draws(call))
        return {"paper": paper.hex(), "state": mandates.STATES[envelope.read(paper).get(papers.STATE)]}

    def state_put(self, call: Json) -> Json:
        for one in call["messages"]:
            if "message" in one:
                try:
                    self.issuer_receive(one)
                except (Reject, Decided) as refused:
                    raise RuntimeError(f"a message of the state was refused: {refused!r}") from refused
            else:
                self.issuer_tick(one)
        return {}

    def state_get(self, _: Json) -> Json:
        issuer = self.issuer
        held: dict[tuple[bytes, str], int] = {}
        for record in issuer.payments.values():
            if record.held:
                key = (record.account, record.currency)
                held[key] = held.get(key, 0) + record.held
        accounts = []
        for account_id, account in sorted(issuer.accounts.items()):
            owned = {currency for owner, currency in held if owner == account_id}
            for currency in sorted(set(account.available) | owned):
                row = amounts(available_minor=account.available.get(currency, 0),
                              held_minor=held.get((account_id, currency), 0))
                if row:
                    accounts.append({"account": account_id.hex(), "currency": currency} | row)
        merchants: dict[tuple[str, str], int] = {}
        for (party, _name, currency), minor in issuer.merchants.items():
            merchants[party, currency] = merchants.get((party, currency), 0) + minor
        for record in issuer.payments.values():
            if record.dispute is not None:
                key = record.merchant, record.currency
                merchants[key] = merchants.get(key, 0) + record.dispute.apart  # [DSP-18]
        return {
            "accounts": accounts,
            "merchants": [{"party": party, "currency": currency, "minor": str(minor)}
                          for (party, currency), minor in sorted(merchants.items()) if minor],
            "mandates": [{"mandate": one.id.hex(), "standing": self._standing(one.lineage, one.latest),
                          "payments": len(one.lineage.entries)} | self._spent(one.lineage)
                         for _, one in sorted(issuer.mandates.items())],
            "payments": [{"intent": one.id.hex(), "state": one.state} | amounts(
                amount_minor=one.amount if one.was_paid else 0, captured_minor=one.captured,
                refunded_minor=one.refunded)
                for _, one in sorted(issuer.payments.items())]}

    @staticmethod
    def _standing(lineage: Lineage, latest: bool) -> str:
        if lineage.revoked:
            return "revoked"
        return "replaced" if not latest else "suspended" if lineage.suspensions else "active"

    def _spent(self, lineage: Lineage) -> Json:
        held = sum(self.issuer.payments[one.intent].held for one in lineage.entries)
        return amounts(spent_minor=sum(one.counted for one in lineage.entries) - held, held_minor=held,
                       funded_minor=lineage.envelope or 0)

    # The agent.

    def agent_start(self, call: Json) -> Json:
        self.agent = Agent(SigningKey(unhex(call["key"])), call["network"],
                           trust_of(call, [chain_of(call.get("chain"))]), chain_of(call["mandates"]))
        return {}

    def agent_offer(self, call: Json) -> Json:
        intent_id, intent = self.agent.offer(unhex(call["offer"]), request_of(call.get("request")),
                                             int(call["amount_max"]), call["currency"], unhex(call["mandate"]),
                                             unhex(call["secret"]), call["now"])
        return {"intent": intent.hex(), "id": intent_id.hex()}

    def agent_answer(self, call: Json) -> Json:
        body = unhex(call["body"]) if call.get("body") is not None else None
        state, send, why = self.agent.answer(unhex(call["intent"]), call.get("status"), body,
                                             call.get("content_type"), call["now"])
        value = {"state": state, "send": send}
        return value if why not in BY_NUMBER else value | {"code": BY_NUMBER[why].slug}

    def agent_delivery(self, call: Json) -> Json:
        return {"believed": self.agent.delivery(unhex(call["intent"]), unhex(call["delivery"]), call["now"])}

    # The merchant and the wallet.

    def merchant_start(self, call: Json) -> Json:
        payees = [Payee(one["issuer"], one["account"],
                        trust_of(one, [chain_of(one.get("chain"))]))
                  for one in call["issuers"]]
        self.merchant = Merchant(call["merchant"], call["network"], SigningKey(unhex(call["key"])),
                                 chain_of(call["chain"]), payees)
        return {}

    def merchant_offer(self, call: Json) -> Json:
        capture = {"at-once": papers.AT_ONCE, "by-command": papers.BY_COMMAND}[call["capture"]]
        request = request_of(call["request"])
        assert request is not None
        offer = self.merchant.offer(request, int(call["price_minor"]), call["currency"], call["item"], capture,
                                    unhex(call["nonce"]), call["now"], call["expires"])
        return {"offer": offer.hex(), "id": envelope.paper_id(offer).hex()}

    def merchant_withdraw(self, call: Json) -> Json:
        self.merchant.withdraw(unhex(call["offer"]))
        return {}

    def merchant_redeem(self, call: Json) -> Json:
        request = request_of(call["request"])
        assert request is not None
        delivery, again = self.merchant.redeem(unhex(call["offer"]), request, unhex(call["receipt"]),
                                               unhex(call["secret"]), call["now"])
        return {"delivery": delivery.hex(), "again": again}

    def wallet_start(self, call: Json) -> Json:
        self.wallet = Wallet(SigningKey(unhex(call["key"])), unhex(call["account"]), call["issuer"],
                             call["network"], trust_of(call, []))
        return {}

    def wallet_confirm(self, call: Json) -> Json:
        return {"confirmation": self.wallet.confirm(unhex(call["offer"]), unhex(call["intent"]), call["now"]).hex()}

    def wallet_refuse(self, call: Json) -> Json:
        return {"cancel": self.wallet.refuse(unhex(call["intent"]), unhex(call["nonce"]), call["now"]).hex()}

    def paper_render(self, call: Json) -> Json:
        def payload(kind: str, name: str) -> Any:
            read = cbor.decode(unhex(call[name]))
            papers.check_schema(kind, read)
            return read

        kind, way = call["kind"], (call["language"], call["medium"])
        read = payload(kind, "payload")
        value: Json = {}
        if kind == "confirmation":
            intent, offer, paid = payload("intent", "intent"), payload("offer", "offer"), read.get(papers.INTENT)
            text = render.confirmation(read, intent, paid, offer, *way)
            if call["medium"] == "voice":
                value["phrase"] = render.phrase(intent, paid, call["language"])
        else:
            text = {"mandate": render.mandate, "offer": render.offer}[kind](read, *way)
        lines = [{"key": line.key, "level": line.level, "text": line.text} for line in text.lines]
        shown = {"language": call["language"], "rendering": sha256(str(text).encode()).hex()}
        return value | {"lines": lines, "text": str(text), "shown": shown}

    # Lines.

    def call(self, op: str, given: Json) -> Json:
        """One call, as an outcome."""
        if op not in self.calls:
            return {"outcome": "unsupported"}
        try:
            return {"outcome": "accept", "value": self.calls[op](given)}
        except Decided as decided:
            return decided.reply()
        except Reject as fault:
            found: Json = {"outcome": "reject", "code": fault.slug, "stage": fault.stage}
            if isinstance(fault, GivesBack) and fault.gives_back:
                found["value"] = {"gives_back": True}
            known = {"part": fault.part, "offset": fault.offset, "field": fault.field}
            return found | {name: value for name, value in known.items() if value is not None}
        except Exception as broken:  # noqa: BLE001 - whatever breaks is told to the suite
            traceback.print_exc()
            return {"outcome": "fault", "message": repr(broken)}


def amounts(**minor: int) -> Json:
    """Amounts as the shim writes them, zero ones left out."""
    return {name: str(value) for name, value in minor.items() if value}


def main() -> None:
    shim = Shim()
    for line in sys.stdin:
        call = json.loads(line)
        reply = {"id": call.get("id")} | shim.call(call["op"], call.get("input", {}))
        sys.stdout.write(json.dumps(reply, separators=(",", ":")) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
