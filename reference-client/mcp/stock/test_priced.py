"""Tools with a price, called by stock clients."""

import asyncio
import json
import unittest

from mcp import Client, StdioServerParameters

from town import BIN, Town

CREDENTIAL = "org.paymentauth/credential"
MAX = "20.00 CNY"


def setUpModule():
    global town
    town = Town()
    town.quota("100.00")


def tearDownModule():
    town.close()


def oracle():
    config = str(town.box / "merchant.toml")
    server = StdioServerParameters(command=str(BIN / "examples" / "priced"), args=[config])
    return Client(server, read_timeout_seconds=120)


def agent():
    command, *arguments = town.agent()
    return Client(StdioServerParameters(command=command, args=arguments), read_timeout_seconds=120)


class Priced(unittest.IsolatedAsyncioTestCase):
    async def challenge(self, client, tool, arguments):
        """What must be paid; it must come whole."""
        result = await client.call_tool(tool, arguments)
        self.assertTrue(result.is_error)
        required = result.structured_content
        self.assertEqual(required["status"], "payment-required")
        self.assertEqual(json.loads(result.content[0].text), required)
        self.assertEqual(result.meta["org.paymentauth/payment-required"], required)
        return required

    async def paid(self, tool, arguments, required, most=MAX):
        async with agent() as payer:
            return await payer.call_tool(
                "pay_tool", {"required": required, "tool": tool, "arguments": arguments, "max_amount": most}
            )

    async def test_a_tool_is_paid_for_once_and_answers_once(self):
        about = {"about": "tea", "more": {"b": 1, "a": [1.5, None, "x"]}}
        before = town.balance()
        async with oracle() as client:
            free = await client.call_tool("hello", about)
            self.assertFalse(free.is_error)
            required = await self.challenge(client, "fortune", about)
            self.assertEqual(town.balance(), before)
            said = await self.paid("fortune", about, required)
            self.assertFalse(said.is_error, said.content)
            again = await self.paid("fortune", about, required)
            credential = said.structured_content["credential"]
            self.assertEqual(again.structured_content["credential"], credential)
            self.assertEqual(before - town.balance(), 100)
            meta = {CREDENTIAL: credential}

            # For another tool, or other arguments, it is nothing.
            for tool, arguments in (("fortune", about | {"about": "rain"}), ("prophecy", about), ("fortune", {})):
                refused = await client.call_tool(tool, arguments, meta=meta)
                self.assertTrue(refused.is_error)
                self.assertEqual(refused.structured_content["code"], "request-mismatch")

            calls = [client.call_tool("fortune", about, meta=meta) for _ in range(16)]
            answers = [answer for answer in await asyncio.gather(*calls)]
            good = [answer.structured_content for answer in answers if not answer.is_error]
            self.assertTrue(good)
            for answer in answers:
                if answer.is_error:
                    # Somebody else is at it just now.
                    self.assertEqual(answer.structured_content["code"], "outcome-unknown")
                else:
                    self.assertEqual(answer.structured_content, good[0])
            self.assertEqual((good[0]["tool"], good[0]["about"]), ("fortune", "tea"))
            # The same once more, also as an argument; and the tool itself was called once.
            same = await client.call_tool("fortune", about | {"purser_payment": credential})
            self.assertEqual(same.structured_content, good[0])
            self.assertIn("org.paymentauth/receipt", same.meta)
            self.assertIn("purser/delivery", same.meta)
            after = await client.call_tool("hello", about)
            self.assertEqual(after.structured_content["asked_before"], free.structured_content["asked_before"] + 2)
            used = await client.call_tool("fortune", about | {"about": "rain"}, meta=meta)
            self.assertEqual(used.structured_content["code"], "receipt-already-used")
        self.assertEqual(before - town.balance(), 100)

    async def test_an_agent_pays_for_its_own_call_only(self):
        about = {"about": "tea"}
        before = town.balance()
        async with oracle() as client:
            required = await self.challenge(client, "prophecy", about)
        for tool, arguments, changed, most in (
            ("fortune", about, required, MAX),
            ("prophecy", {"about": "rain"}, required, MAX),
            ("prophecy", about, required, "8.99 CNY"),
            ("prophecy", about, required | {"offer": required["offer"][:-4] + "AAAA"}, MAX),
            ("prophecy", about, required | {"resource": required["resource"] | {"url": "https://x.example/mcp/tools/prophecy"}}, MAX),
            ("prophecy", {"about": "rain"}, required | {"resource": required["resource"] | {"body": '{"about":"rain"}'}}, MAX),
            ("prophecy", about, {"approve": "9,999"}, MAX),
        ):
            said = await self.paid(tool, arguments, changed, most)
            self.assertTrue(said.is_error, said.content)
        self.assertEqual(town.balance(), before)
        said = await self.paid("prophecy", about, required, "9.00 CNY")
        self.assertEqual(said.structured_content["status"], "paid", said.content)
        self.assertEqual(before - town.balance(), 900)

    async def test_what_is_no_payment_opens_nothing(self):
        async with oracle() as client:
            for shown in ("", "Payment", "Payment AAAA", "Bearer x", "x" * 5000):
                result = await client.call_tool("fortune", {"about": "tea"}, meta={CREDENTIAL: shown})
                self.assertTrue(result.is_error, shown)
                self.assertNotIn("asked_before", result.structured_content or {})


if __name__ == "__main__":
    unittest.main()
