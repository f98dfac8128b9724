"""The package against an issuer and a merchant as processes."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "mcp" / "stock"))

import purser  # noqa: E402
from town import Town  # noqa: E402


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.town = Town()
        cls.addClassCleanup(cls.town.close)
        cls.client = purser.Client(cls.town.home)

    def quota(self, *terms):
        mandate = self.town.quota(*terms)
        self.addCleanup(self.town.revoke, mandate)
        return mandate

    def test_a_resource_is_paid_for_and_its_receipt_verifies(self):
        mandate = self.quota("100.00")
        before = self.town.balance()
        answer = self.client.fetch(f"{self.town.shop}/coffee", max_amount="20.00 CNY")
        self.assertEqual((answer.status, answer.text, answer.warnings), (200, "A cup of coffee, black.\n", ()))
        self.assertEqual((answer.payment.amount_minor, answer.payment.merchant), (1280, "shop.example"))
        self.assertEqual(before - self.town.balance(), 1280)
        receipt = self.client.receipt(answer.payment.payment_id)
        self.assertEqual((receipt.outcome, receipt.amount_minor), ("settled", 1280))
        self.assertEqual(self.client.verify(receipt.bytes), receipt)
        with self.assertRaises(purser.Error) as refused:
            self.client.verify(receipt.bytes[:-1] + bytes([receipt.bytes[-1] ^ 1]))
        self.assertTrue(refused.exception.code)
        held = next(found for found in self.client.mandates() if found.id == mandate)
        self.assertEqual((held.state, held.left_minor), ("active", "8720"))
        self.assertIn(answer.payment.payment_id, [payment.payment_id for payment in self.client.payments()])
        self.assertEqual(self.client.payment(answer.payment.payment_id).state, "settled")

    def test_what_is_too_dear_or_not_allowed_is_not_paid(self):
        self.quota("100.00", "--per-payment", "5.00")
        before = self.town.balance()
        url = f"{self.town.shop}/coffee"
        for most, part in (("12.79 CNY", "12.80 CNY"), ("20.00 USD", "USD"), ("20", "max_amount"), ("20.00 CNY", "rule-amount-max")):
            with self.assertRaises(purser.Error) as refused:
                self.client.fetch(url, max_amount=most)
            self.assertNotIsInstance(refused.exception, purser.OutcomeUnknown)
            self.assertIn(part, str(refused.exception))
        with self.assertRaises(TypeError):
            self.client.fetch(url)
        self.assertEqual(self.town.balance(), before)

    def test_lists_have_an_order(self):
        made = {self.quota("10.00") for _ in range(3)} | {self.quota("10.00", "--expires", "10d")}
        held = [mandate for mandate in self.client.mandates() if mandate.id in made]
        self.assertEqual({mandate.id for mandate in held}, made)
        self.assertEqual(held, sorted(held, key=lambda mandate: (mandate.expires_at, mandate.id)))
        self.assertEqual(self.client.payments(), self.client.payments())

    def test_the_person_is_asked(self):
        self.quota("100.00", "--ask-above", "5.00")
        url = f"{self.town.shop}/coffee"
        with self.assertRaises(purser.ConfirmationRequired) as asked:
            self.client.fetch(url, max_amount="20.00 CNY")
        self.town.purser("confirm", "approve", asked.exception.user_code, "--yes")
        answer = self.client.fetch(url, max_amount="20.00 CNY")
        self.assertEqual(answer.payment.payment_id, asked.exception.payment.payment_id)


if __name__ == "__main__":
    unittest.main()
