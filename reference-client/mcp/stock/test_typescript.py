"""The servers under the TypeScript client."""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

from town import BIN, ROOT, Town

HERE = pathlib.Path(__file__).resolve().parent
STOCK = pathlib.Path(os.environ.get("STOCK_NODE", ROOT / "target" / "stock-node"))
SDK = STOCK / "node_modules" / "@modelcontextprotocol" / "sdk" / "package.json"


def setUpModule():
    global town
    if shutil.which("node") is None or not SDK.exists():
        what = f"no Node.js, or no {SDK}"
        if os.environ.get("PURSER_REQUIRE_ALL") == "1":
            raise AssertionError(what)
        print(f"SKIPPED: {what}", flush=True)
        raise unittest.SkipTest(what)
    print(f"@modelcontextprotocol/sdk {json.loads(SDK.read_text())['version']} (TypeScript)", flush=True)
    town = Town()


def tearDownModule():
    town.close()


def drive(calls, *transport):
    done = subprocess.run(
        ["node", str(HERE / "agent.mjs"), *transport], input=json.dumps(calls), capture_output=True, text=True,
        timeout=300, check=False, env=os.environ | {"STOCK_NODE": str(STOCK)},
    )
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


class Agent(unittest.TestCase):
    def test_stdio(self):
        self.pays("stdio", *town.agent())

    def test_http(self):
        url, token = town.http_agent()
        self.pays("http", url, token)

    def pays(self, *transport):
        mandate = town.quota("100.00")
        before = town.balance()
        url = f"{town.shop}/coffee"
        seen = drive(
            [
                ["list_mandates", {}],
                ["fetch_paid", {"url": url}],
                ["fetch_paid", {"url": url, "max_amount": "20.00 CNY"}],
                ["approve", {}],
                ["list_payments", {}],
            ],
            *transport,
        )
        self.assertEqual(len(seen["tools"]), 10)
        mandates, wrong, paid, unknown, listed = seen["answers"]
        self.assertIn(mandate, json.dumps(mandates["structuredContent"]))
        self.assertTrue(wrong["isError"] and "max_amount" in wrong["structuredContent"]["error"]["what"])
        self.assertEqual(paid["structuredContent"]["status"], "delivered", paid)
        self.assertEqual(paid["structuredContent"]["response"]["text"], "A cup of coffee, black.\n")
        self.assertEqual(unknown["code"], -32602)
        self.assertEqual(
            listed["structuredContent"]["payments"][0]["payment_id"],
            paid["structuredContent"]["payment"]["payment_id"],
        )
        self.assertEqual(before - town.balance(), 1280)
        town.revoke(mandate)


class Priced(unittest.TestCase):
    def test_a_challenge_comes_whole_and_a_payment_goes_in_meta(self):
        town.quota("100.00")
        before = town.balance()
        oracle = ["stdio", str(BIN / "examples" / "priced"), str(town.box / "merchant.toml")]
        about = {"about": "tea"}
        required = drive([["fortune", about]], *oracle)["answers"][0]
        self.assertTrue(required["isError"])
        asked = required["structuredContent"]
        self.assertEqual(asked["status"], "payment-required")
        self.assertEqual(json.loads(required["content"][0]["text"]), asked)
        self.assertEqual(required["_meta"]["org.paymentauth/payment-required"], asked)
        call = {"required": asked, "tool": "fortune", "arguments": about, "max_amount": "1.00 CNY"}
        paid = drive([["pay_tool", call]], "stdio", *town.agent())["answers"][0]
        meta = {"org.paymentauth/credential": paid["structuredContent"]["credential"]}
        calls = [["fortune", {"about": "rain"}, meta], ["fortune", about, meta], ["fortune", about, meta]]
        other, first, again = drive(calls, *oracle)["answers"]
        self.assertEqual(other["structuredContent"]["code"], "request-mismatch")
        self.assertEqual(first["structuredContent"]["about"], "tea")
        self.assertEqual(first["structuredContent"], again["structuredContent"])
        self.assertIn("org.paymentauth/receipt", first["_meta"])
        self.assertEqual(before - town.balance(), 100)


if __name__ == "__main__":
    unittest.main()
