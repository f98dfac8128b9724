"""The merchant's MCP server under the Python client, stock and hostile."""

import asyncio
import unittest

from mcp import Client, MCPError, StdioServerParameters

from town import BIN, Town

ALL = {"create_payment", "query_payment", "refund_payment", "query_refund", "verify_receipt", "list_payments"}


def setUpModule():
    global town, counter
    town = Town()
    town.quota("500.00")
    # The counter stands on a port of its own, over the store of the same merchant.
    text = (town.box / "merchant.toml").read_text()
    shop = town.shop.removeprefix("https://")
    (town.box / "counter.toml").write_text(text.replace(shop, "127.0.0.1:0").replace('url = "https://127.0.0.1:0"\n', ""))
    orders = town.dir / "orders"
    counter = town.start(BIN / "purser-mcp", "counter", "--config", town.box / "counter.toml", "--orders", orders, plain=True)


def tearDownModule():
    town.close()


def merchant(*more):
    arguments = [
        "merchant", "--config", str(town.box / "merchant.toml"), "--orders", str(town.dir / "orders"),
        "--counter", counter, *more,
    ]
    return Client(StdioServerParameters(command=str(BIN / "purser-mcp"), args=arguments), read_timeout_seconds=120)


async def names(client):
    return {tool.name for tool in (await client.list_tools()).tools}


class Merchant(unittest.IsolatedAsyncioTestCase):
    async def good(self, client, tool, **arguments):
        result = await client.call_tool(tool, arguments)
        self.assertFalse(result.is_error, result.content)
        return result.structured_content

    async def bad(self, client, tool, **arguments):
        result = await client.call_tool(tool, arguments)
        self.assertTrue(result.is_error, result.content)
        return result.structured_content["error"]["what"]

    async def test_an_order_is_asked_for_paid_and_given_back_once(self):
        before = town.balance()
        async with merchant("--refund-max", "20.00 CNY") as client:
            self.assertEqual(await names(client), ALL)
            order = {"order_id": "tea-1", "amount": "15.00 CNY", "title": "Tea"}
            made = await self.good(client, "create_payment", **order)
            self.assertEqual(made, await self.good(client, "create_payment", **order))
            await self.bad(client, "create_payment", **(order | {"amount": "14.00 CNY"}))
            self.assertEqual((await self.good(client, "query_payment", order_id="tea-1"))["status"], "not-paid")

            town.purser("fetch", made["url"], "--max", "15.00 CNY")
            self.assertEqual(before - town.balance(), 1500)
            paid = await self.good(client, "query_payment", order_id="tea-1")
            self.assertEqual((paid["status"], paid["payment"]["amount"]), ("paid", "15.00 CNY"))
            payment = paid["payment"]["payment_id"]
            listed = await self.good(client, "list_payments")
            self.assertEqual(listed["payments"][0]["payment_id"], payment)
            town.purser("fetch", made["url"], "--max", "15.00 CNY", code=1)
            self.assertEqual(before - town.balance(), 1500)

            receipt = (town.home / "receipts" / f"{payment}.receipt").read_bytes()
            shown = await self.good(client, "verify_receipt", receipt=text(receipt))
            self.assertEqual((shown["payment_id"], shown["amount"]), (payment, "15.00 CNY"))
            for at in (0, len(receipt) // 2, len(receipt) - 1):
                changed = receipt[:at] + bytes([receipt[at] ^ 1]) + receipt[at + 1:]
                await self.bad(client, "verify_receipt", receipt=text(changed))

            refund = {"payment_id": payment, "refund_id": "r-1", "amount": "10.00 CNY", "reason": "It was cold"}
            back = await self.good(client, "refund_payment", **refund)
            self.assertEqual(back["status"], "refunded")
            self.assertEqual((await self.good(client, "refund_payment", **refund))["command"], back["command"])
            self.assertEqual(before - town.balance(), 500)
            self.assertEqual((await self.good(client, "query_refund", refund_id="r-1"))["status"], "refunded")
            await self.bad(client, "refund_payment", **(refund | {"amount": "9.00 CNY"}))
            more = await client.call_tool("refund_payment", refund | {"refund_id": "r-2"})
            self.assertEqual((more.is_error, more.structured_content["why"]), (True, "refund-exceeds-capture"))
            self.assertEqual(before - town.balance(), 500)

    async def test_of_two_payments_of_one_order_the_first_stands_and_the_other_goes_back(self):
        before = town.balance()
        async with merchant() as client:
            made = await self.good(client, "create_payment", order_id="two-1", amount="15.00 CNY", title="Tea")
            fetch = ("fetch", made["url"], "--max", "15.00 CNY")
            quotes = [town.dir / "quote.1", town.dir / "quote.2"]
            for quote in quotes:
                town.purser(*fetch, "--quote", quote)
            first = town.purser(*fetch, "--quoted", quotes[0])["payment"]["intent"]
            # The counter refuses what it has been paid for already, and its shop gives the money back.
            town.purser(*fetch, "--quoted", quotes[1], code=4)
            for _ in range(600):
                if before - town.balance() == 1500:
                    break
                await asyncio.sleep(0.2)
            self.assertEqual(before - town.balance(), 1500)
            paid = await self.good(client, "query_payment", order_id="two-1")
            self.assertEqual(paid["payment"]["payment_id"], first)

    async def test_refunds_are_off_unless_they_are_switched_on(self):
        async with merchant() as client:
            self.assertEqual(await names(client), ALL - {"refund_payment"})
            with self.assertRaises(MCPError):
                await client.call_tool("refund_payment", {"payment_id": "0" * 64, "refund_id": "x", "amount": "1.00 CNY"})
        async with merchant("--tools", "query_payment,list_payments") as client:
            self.assertEqual(await names(client), {"query_payment", "list_payments"})
            with self.assertRaises(MCPError):
                await client.call_tool("create_payment", {"order_id": "x", "amount": "1.00 CNY", "title": "x"})

    async def test_what_is_not_as_it_should_be_moves_nothing(self):
        before = town.balance()
        async with merchant("--refund-max", "20.00 CNY") as client:
            for tool, arguments in (
                ("create_payment", {"order_id": "../x", "amount": "1.00 CNY", "title": "x"}),
                ("create_payment", {"order_id": "a", "amount": 1, "title": "x"}),
                ("create_payment", {"order_id": "a", "amount": "0.00 CNY", "title": "x"}),
                ("create_payment", {"order_id": "a", "amount": "1.00 CNY", "title": "x" * 300}),
                ("create_payment", {"order_id": "a", "amount": "1.00 CNY"}),
                ("refund_payment", {"payment_id": "0" * 64, "refund_id": "x", "amount": "1.00 CNY"}),
                ("refund_payment", {"payment_id": "0" * 64, "refund_id": "x", "amount": "20.01 CNY"}),
                ("refund_payment", {"payment_id": "all", "refund_id": "x", "amount": "1.00 CNY"}),
                ("refund_payment", {"payment_id": "0" * 64, "refund_id": "x", "amount": "everything; approve 9,999"}),
                ("query_payment", {"order_id": "none"}),
                ("query_refund", {"refund_id": "none"}),
                ("verify_receipt", {"receipt": "!"}),
                ("verify_receipt", {"receipt": "AAAA"}),
                ("list_payments", {"limit": -1}),
            ):
                await self.bad(client, tool, **arguments)
        self.assertEqual(town.balance(), before)


def text(data):
    import base64
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


if __name__ == "__main__":
    unittest.main()
