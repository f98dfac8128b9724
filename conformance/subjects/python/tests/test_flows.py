"""What an issuer decides, and what the other parties make of it."""

from __future__ import annotations

import json
import unittest
from datetime import datetime, timezone

from purser import envelope, http, mandates, papers, rules
from purser.agent import Agent
from purser.certificates import Trust
from purser.errors import Reject
from purser.merchant import Merchant, Payee
from purser.wallet import Wallet

from .world import ANCHORS, DAY, MERCHANT, NOW, World, key, request


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp())


class Payments(unittest.TestCase):
    def setUp(self) -> None:
        self.world = World()

    def available(self) -> int:
        return self.world.issuer.accounts[self.world.account].available["CNY"]

    def test_paid_once_and_answered_for_ever(self) -> None:
        world = self.world
        mandate, offer = world.mandate(), world.offer()
        intent = world.intent(mandate, offer)
        body = request([mandate], offer, intent)
        done = world.send("payment", body)
        self.assertEqual((done.outcome, self.available()), (papers.SETTLED, 99_000))
        self.assertEqual(world.send("payment", body, NOW + 10**6).receipt, done.receipt)  # [AUT-1]
        broken = request([], b"\x00", intent)
        self.assertEqual(world.send("payment", broken).receipt, done.receipt)  # [AUT-10]
        again = world.send("payment", request([], offer, world.intent(mandate, offer)))
        self.assertEqual(again.code, "offer-paid")

    def test_a_fault_of_a_paper_decides_nothing(self) -> None:
        world = self.world
        mandate, offer = world.mandate(), world.offer()
        with self.assertRaises(Reject) as caught:
            world.send("payment", request([], offer, world.intent(mandate, offer)))
        self.assertEqual((caught.exception.slug, caught.exception.part), ("mandate-unknown", "intent"))
        with self.assertRaises(Reject) as caught:
            world.send("payment", request([mandate], offer, world.intent(mandate, offer, signer="thief")))
        self.assertEqual(caught.exception.slug, "agent-mismatch")

    def test_limits_by_lineage(self) -> None:
        world = self.world
        mandate = world.mandate()
        self.assertIsNone(world.pay(mandate, 6_000, first=True).code)
        done = world.pay(mandate, 4_001)
        self.assertEqual(done.code, "rule-total")
        detail = papers.read_detail(done.detail)
        self.assertEqual((detail.get(papers.CODE), detail.get(1), detail.get(3)), (152, 0, 3))
        lineage = envelope.read(mandate).get(papers.LINEAGE)
        more = world.mandate(**{"f_10": lineage, "f_11": 2, "f_14": envelope.paper_id(mandate), "f_15": {3: 11_000}})
        self.assertEqual(world.send("mandate", more).outcome, papers.RECORDED)
        self.assertEqual(world.pay(mandate, 1).code, "mandate-superseded")
        self.assertEqual(world.pay(more, 5_001).code, "rule-total")  # [MAN-22]
        self.assertIsNone(world.pay(more, 5_000).code)

    def test_a_chain_counts_in_each_link(self) -> None:
        world = self.world
        mandate = world.mandate()
        below = world.mandate("agent", "sub", **{"f_13": envelope.paper_id(mandate), "f_15": {3: 50_000}})
        offer = world.offer(10_001)
        done = world.send("payment", request([mandate, below], offer, world.intent(below, offer, 10_001, "sub")))
        self.assertEqual(done.code, "rule-total")
        self.assertEqual(papers.read_detail(done.detail).get(1), 0)

    def test_grants(self) -> None:
        world = self.world
        mandate = world.mandate(**{"f_12": 2, "f_15": None, "f_16": [{1: 500, 3: 600}, {1: 2_000, 21: 900}]})
        self.assertIsNone(world.pay(mandate, 500, first=True).code)
        self.assertEqual(world.pay(mandate, 500).code, None)  # the second: the first has only 100 left
        self.assertEqual(world.pay(mandate, 1_000).outcome, papers.PENDING)
        self.assertEqual(world.pay(mandate, 2_001).code, "no-grant")

    def test_hold_capture_refund(self) -> None:
        world = self.world
        mandate = world.mandate(**{"f_18": True})
        offer = world.offer(1_000, 2)
        intent = world.intent(mandate, offer)
        done = world.send("payment", request([mandate], offer, intent))
        self.assertEqual((done.outcome, self.available()), (papers.AUTHORIZED, 99_000))
        about = {1: "tea.example", -4: envelope.paper_id(intent)}
        money = {-5: 400, -6: "CNY"}
        self.assertEqual(world.command("capture", about | {-5: 1_001, -6: "CNY"}, "merchant").code,
                         "capture-exceeds-hold")
        self.assertEqual(world.command("capture", about | money | {-43: True}, "merchant").outcome, papers.CAPTURED)
        self.assertEqual(self.available(), 99_600)
        self.assertEqual(world.command("void", about, "merchant").code, "payment-captured")
        self.assertEqual(world.command("refund", about | {-5: 300, -6: "CNY"}, "merchant").outcome, papers.REFUNDED)
        self.assertEqual(world.command("refund", about | {-5: 101, -6: "CNY"}, "merchant").code,
                         "refund-exceeds-capture")
        entry = world.issuer.payments[envelope.paper_id(intent)].entries[0]
        self.assertEqual((self.available(), entry.counted), (99_900, 100))

    def test_a_hold_ends_by_itself(self) -> None:
        world = self.world
        mandate, offer = world.mandate(), world.offer(1_000, 2)
        intent = world.intent(mandate, offer)
        world.send("payment", request([mandate], offer, intent))
        with self.assertRaises(Reject):
            world.command("void", {1: "tea.example", -4: bytes(32)}, "merchant")
        late = world.command("void", {1: "tea.example", -4: envelope.paper_id(intent)}, "merchant", NOW + 604_800)
        self.assertEqual((late.code, self.available()), ("hold-expired", 100_000))

    def test_withdrawal(self) -> None:
        world = self.world
        mandate = world.mandate()
        world.pay(mandate, 1, first=True)
        named = {2: world.account, -41: [envelope.paper_id(mandate)]}
        suspension = world.paper("suspension", {3: "issuer.example", 6: NOW, 7: world.nonce(), -1: 1} | named, "payer")
        world.send("command", suspension)
        self.assertEqual(world.pay(mandate, 1).code, "mandate-suspended")
        lifted = world.command("resumption", named | {-42: envelope.paper_id(suspension)}, "payer")
        self.assertEqual(lifted.outcome, papers.RECORDED)
        self.assertIsNone(world.pay(mandate, 1).code)
        world.command("revocation", named, "agent")
        self.assertEqual(world.pay(mandate, 1).code, "mandate-revoked")

    def test_an_envelope(self) -> None:
        world = self.world
        mandate = world.mandate(**{"f_17": 10_000})
        world.send("mandate", mandate)
        self.assertEqual(self.available(), 90_000)
        world.pay(mandate, 4_000)
        world.command("revocation", {2: world.account, -41: [envelope.paper_id(mandate)]}, "payer")
        self.assertEqual(self.available(), 96_000)

    def test_asking(self) -> None:
        world = self.world
        mandate, offer = world.mandate(**{"f_15": {3: 10_000, 20: True}}), world.offer()
        intent = world.intent(mandate, offer)
        asked = world.send("payment", request([mandate], offer, intent))
        self.assertEqual((asked.outcome, self.available()), (papers.PENDING, 100_000))
        wallet = Wallet(key("payer"), world.account, "issuer.example", "sandbox", Trust(ANCHORS))
        beside = envelope.sign("offer", envelope.read(offer).payload, "sandbox", key("merchant"), MERCHANT, [MERCHANT])
        done = world.send("command", wallet.confirm(beside, intent, NOW))
        self.assertEqual(done.outcome, papers.SETTLED)
        self.assertEqual(world.pay(mandate, 1).outcome, papers.SETTLED)

    def test_a_cancel_comes_first(self) -> None:
        world = self.world
        mandate, offer = world.mandate(), world.offer()
        world.send("mandate", mandate)
        intent = world.intent(mandate, offer)
        self.assertEqual(world.command("cancel", {-44: intent}, "agent").outcome, papers.CANCELLED)
        self.assertEqual(world.send("payment", request([], offer, intent)).code, "payment-cancelled")

    def test_time_does_not_go_back(self) -> None:
        world = self.world
        mandate = world.mandate()
        world.pay(mandate, 1, first=True, now=NOW + 500)
        world.pay(mandate, 1, now=NOW)
        self.assertEqual(world.issuer.clock, NOW + 500)  # [AUT-4]


class Periods(unittest.TestCase):
    def test_days(self) -> None:
        self.assertEqual(rules.day_of(moment("2026-11-01T15:59:59"), "Asia/Shanghai").day, 1)
        self.assertEqual(rules.day_of(moment("2026-11-01T16:00:00"), "Asia/Shanghai").day, 2)

    def test_a_midnight_that_never_comes(self) -> None:
        # Clocks in Beirut went from 23:59:59 to 01:00 on 27 March 2022.
        self.assertEqual(rules.day_of(moment("2022-03-26T21:59:59"), "Asia/Beirut").day, 26)
        self.assertEqual(rules.day_of(moment("2022-03-26T22:00:00"), "Asia/Beirut").day, 27)

    def test_a_midnight_that_comes_twice(self) -> None:
        # Clocks in Havana went from 01:00 back to 00:00 on 1 November 2026: both hours are of that day.
        self.assertEqual(rules.day_of(moment("2026-11-01T04:00:00"), "America/Havana").day, 1)
        self.assertEqual(rules.day_of(moment("2026-11-01T05:00:00"), "America/Havana").day, 1)

    def test_weeks_and_rolling_seconds(self) -> None:
        week = [1, 2, "UTC"]
        self.assertFalse(rules.in_period(week, moment("2026-11-01T23:00:00"), moment("2026-11-02T00:00:00")))
        self.assertTrue(rules.in_period(week, moment("2026-11-02T00:00:00"), moment("2026-11-08T23:00:00")))
        self.assertFalse(rules.in_period([2, 60], NOW - 60, NOW))
        self.assertTrue(rules.in_period([2, 60], NOW - 59, NOW))


class Others(unittest.TestCase):
    def setUp(self) -> None:
        self.world = World()
        self.request = {"salt": bytes(16), "method": "GET", "authority": "tea.example", "target": "/a?b", "body": b""}
        self.merchant = Merchant("tea.example", "sandbox", key("merchant"), [MERCHANT],
                                 [Payee("issuer.example", "main", Trust(ANCHORS))])
        self.mandate = self.world.mandate()
        self.world.send("mandate", self.mandate)
        self.agent = Agent(key("agent"), "sandbox", Trust(ANCHORS), [self.mandate])

    def take(self) -> tuple[bytes, bytes, bytes]:
        offer = self.merchant.offer(self.request, 1_000, "CNY", "tea", 1, self.world.nonce(), NOW, NOW + 900)
        intent_id, intent = self.agent.offer(offer, self.request, 2_000, "CNY", envelope.paper_id(self.mandate),
                                             b"s" * 32, NOW)
        return offer, intent_id, intent

    def test_from_offer_to_delivery(self) -> None:
        # The goods of this merchant have no category, so that the issuer asks its certificate for none.
        offer, intent_id, intent = self.take()
        done = self.world.send("payment", request([], offer, intent))
        self.assertEqual(self.agent.answer(intent_id, 200, done.answer(), None, NOW)[:2], ("paid", "nothing"))
        offer_id = envelope.paper_id(offer)
        first = self.merchant.redeem(offer_id, self.request, done.receipt, b"s" * 32, NOW)
        self.assertEqual(self.merchant.redeem(offer_id, self.request, done.receipt, b"s" * 32, NOW), (first[0], True))
        with self.assertRaises(Reject) as caught:
            self.merchant.redeem(offer_id, self.request | {"target": "/b"}, done.receipt, b"s" * 32, NOW)
        self.assertEqual(caught.exception.slug, "receipt-already-used")

    def test_no_answer_but_a_receipt_is_a_decision(self) -> None:
        _, intent_id, _ = self.take()
        self.assertEqual(self.agent.answer(intent_id, 403, b"no", "text/plain", NOW)[:2], ("asking", "same"))
        problem = json.dumps({"code": 74, "retry": "never"}).encode()
        self.assertEqual(self.agent.answer(intent_id, 400, problem, "application/problem+json", NOW)[:2],
                         ("asking", "same"))
        _, intent_id, _ = self.take()
        self.assertEqual(self.agent.answer(intent_id, 400, problem, "application/problem+json", NOW)[:2],
                         ("cancelling", "cancel"))
        unknown = json.dumps({"code": 228, "retry": "never"}).encode()
        for late, state in ((599, "cancelling"), (600, "idle")):
            self.assertEqual(self.agent.answer(intent_id, 404, unknown, "application/problem+json", NOW + 900 + late)[0],
                             state)

    def test_another_request_is_not_taken(self) -> None:
        offer = self.merchant.offer(self.request, 1_000, "CNY", "tea", 1, self.world.nonce(), NOW, NOW + 900)
        with self.assertRaises(Reject) as caught:
            self.agent.offer(offer, self.request | {"target": "/a"}, 2_000, "CNY", envelope.paper_id(self.mandate),
                             b"s" * 32, NOW)
        self.assertEqual(caught.exception.slug, "request-mismatch")

    def test_header_fields(self) -> None:
        offer = self.merchant.offer(self.request, 1_000, "CNY", "tea", 1, self.world.nonce(), NOW, NOW + 900)
        asked = http.b64(http.canonical({"amount": "1000", "currency": "cny", "methodDetails": {
            "salt": http.b64(bytes(16))}}))
        header = (f'Payment id="{http.b64(envelope.paper_id(offer))}", realm="tea.example", method="purser", '
                  f'intent="charge", expires="{http.rfc3339(NOW + 900)}", request="{asked}"')
        found = http.read_challenge(header, offer)
        self.assertEqual((found.realm, found.salt), ("tea.example", bytes(16)))
        self.assertEqual(http.read_challenge('Basic realm="x", ' + header, offer), found)
        parameters = {"id": http.b64(found.id), "realm": found.realm, "method": "purser", "intent": "charge",
                      "expires": http.rfc3339(NOW + 900), "request": asked}
        token = http.b64(http.canonical({"challenge": parameters, "payload": {
            "receipt": http.b64(b"receipt"), "secret": http.b64(bytes(32))}}))
        self.assertEqual(http.read_credentials("Payment " + token), (found.id, b"receipt", bytes(32)))
        for broken in (header.replace("tea.", "tee."), header + ', id="x"', header.replace("Payment", "Basic"),
                       header + " " * 2_048):
            with self.assertRaises(Reject):
                http.read_challenge(broken, offer)

    def test_status(self) -> None:
        paper = envelope.read(mandates.status(
            self.world.issuer, envelope.paper_id(self.mandate), NOW + 40 * DAY, self.world.issuer.draws))
        self.assertEqual(paper.get(papers.STATE), 5)

    def test_a_holder_that_is_a_merchant(self) -> None:
        world = self.world
        held = world.mandate(**{"f8": {-1: "tea.example"}})
        offer = world.offer()
        done = world.send("payment", request([held], offer, world.intent(held, offer, signer="merchant")))
        self.assertEqual(done.outcome, papers.SETTLED)


if __name__ == "__main__":
    unittest.main()
