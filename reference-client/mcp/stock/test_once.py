"""One receipt, 64 calls at once of a tool with a price, over two servers as processes of one store: one call. And one
purchase of an agent whose server dies before it has kept the answer."""

import asyncio
import unittest

from mcp import Client, StdioServerParameters

from town import BIN, Town

CREDENTIAL = "org.paymentauth/credential"
CALLS = 64
LONG = 200_000


class Once(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.town = Town()
        self.addCleanup(self.town.close)
        self.town.quota("100.00")

    def oracle(self):
        server = StdioServerParameters(command=str(BIN / "examples" / "priced"), args=[str(self.town.box / "merchant.toml")])
        return Client(server, read_timeout_seconds=120)

    async def test_sixty_four_calls_over_two_processes_are_one(self):
        about = {"about": "tea"}
        before = self.town.balance()
        command, *arguments = self.town.agent()
        agent = Client(StdioServerParameters(command=command, args=arguments), read_timeout_seconds=120)
        async with self.oracle() as one, self.oracle() as two, agent as payer:
            both = (one, two)
            required = (await one.call_tool("fortune", about)).structured_content
            paid = await payer.call_tool("pay_tool", {
                "tool": "fortune", "arguments": about, "required": required, "max_amount": "1.00 CNY",
            })
            self.assertFalse(paid.is_error, paid.content)
            meta = {CREDENTIAL: paid.structured_content["credential"]}
            first = [await self.asked(client) for client in both]
            calls = [both[at % 2].call_tool("fortune", about, meta=meta) for at in range(CALLS)]
            answers = await asyncio.gather(*calls)
            last = [await both[at].call_tool("fortune", about, meta=meta) for at in range(2)]
            told = last[0]
            self.assertFalse(told.is_error, told.content)
            for answer in answers + last:
                if answer.is_error:
                    # Somebody else is at it just now.
                    self.assertEqual(answer.structured_content["code"], "outcome-unknown")
                else:
                    self.assertEqual((answer.structured_content, answer.meta), (told.structured_content, told.meta))
            after = [await self.asked(client) for client in both]
            # Each was asked once more in between, by us; one of them told the fortune, once.
            self.assertEqual(sum(after) - sum(first), 2 + 1)
        self.assertEqual(before - self.town.balance(), 100)

    async def asked(self, client):
        return (await client.call_tool("hello", {"about": "tea"})).structured_content["asked_before"]


class Died(unittest.IsolatedAsyncioTestCase):
    async def test_a_purchase_whose_answer_could_not_be_kept_is_not_paid_for_again(self):
        town = Town(self.sell)
        self.addCleanup(town.close)
        town.quota("100.00")
        before = town.balance()
        call = {"url": f"{town.shop}/long", "max_amount": "3.00 CNY", "idempotency_key": "long-1"}
        # No file may have more than 64 KiB: the server ends, or is told so, when it keeps the answer.
        small = ["-c", 'ulimit -f 64; exec "$@"', "-", *town.agent()]
        try:
            async with Client(StdioServerParameters(command="bash", args=small), read_timeout_seconds=120) as client:
                self.assertTrue((await client.call_tool("fetch_paid", call)).is_error)
        except AssertionError:
            raise
        except Exception as error:
            print(f"the server ended: {error!r}", flush=True)
        self.assertEqual(before - town.balance(), 300)
        command, *arguments = town.agent()
        async with Client(StdioServerParameters(command=command, args=arguments), read_timeout_seconds=120) as client:
            got = (await client.call_tool("fetch_paid", call)).structured_content
            self.assertEqual((got["status"], len(got["response"]["text"])), ("delivered", LONG))
            self.assertTrue((await client.call_tool("fetch_paid", call)).structured_content["again"])
            self.assertEqual(before - town.balance(), 300)
            # Another name is another purchase.
            await client.call_tool("fetch_paid", call | {"idempotency_key": "long-2"})
        self.assertEqual(before - town.balance(), 600)

    def sell(self, town, config):
        config.write(
            '\n[[merchant.products]]\npath = "/long"\nprice = "3.00 CNY"\nitem = "long"\nname = "Long"\n'
            f'category = 5814\ncapture = "at-once"\nbody = "{"a" * LONG}"\n'
        )


if __name__ == "__main__":
    unittest.main()
