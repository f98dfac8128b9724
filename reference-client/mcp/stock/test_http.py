"""The agent's MCP server by streamable HTTP: the token, Host and Origin, and the Python client through them."""

import http.client
import json
import unittest
import urllib.parse

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from town import Town

START = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}},
}


def setUpModule():
    global town, url, token
    town = Town()
    url, token = town.http_agent("http", "--allowed-host", "agent.example", "--allowed-origin", "https://app.example:443")


def tearDownModule():
    town.close()


class Doors(unittest.IsolatedAsyncioTestCase):
    def post(self, body=json.dumps(START), **headers):
        host = urllib.parse.urlsplit(url).netloc
        given = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        given |= {"Authorization": f"Bearer {token}", "Host": host} | headers
        connection = http.client.HTTPConnection(host, timeout=120)
        connection.putrequest("POST", "/mcp", skip_host=True)
        for name, value in given.items():
            if value is not None:
                connection.putheader(name.replace("_", "-"), value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        try:
            connection.send(body.encode())
        except (BrokenPipeError, ConnectionResetError):
            pass
        status = connection.getresponse().status
        connection.close()
        return status

    async def test_the_token_is_asked_for(self):
        for wrong in (None, "Bearer", "Bearer x", f"Bearer {token}x", f"Bearer {token[:-1]}", f"Basic {token}", token):
            self.assertEqual(self.post(Authorization=wrong), 401, wrong)
        self.assertEqual(self.post(), 200)

    async def test_a_page_that_points_its_own_name_here_is_refused(self):
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "agent.example.evil.example"):
            self.assertEqual(self.post(Host=host), 403, host)
        for host in ("agent.example", "localhost", "127.0.0.1"):
            self.assertEqual(self.post(Host=host), 200, host)

    async def test_a_page_of_another_origin_is_refused(self):
        for origin in ("https://evil.example", "http://app.example", "https://app.example:444", "null"):
            self.assertEqual(self.post(Origin=origin), 403, origin)
        self.assertEqual(self.post(Origin="https://app.example"), 200)

    async def test_what_is_too_long_is_refused(self):
        self.assertEqual(self.post("x" * 5_000_000), 413)

    async def test_the_client_pays_through_them(self):
        mandate = town.quota("100.00")
        before = town.balance()
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=120) as caller:
            async with Client(streamable_http_client(url, http_client=caller)) as client:
                self.assertEqual(len((await client.list_tools()).tools), 10)
                paid = await client.call_tool("fetch_paid", {"url": f"{town.shop}/coffee", "max_amount": "20.00 CNY"})
        self.assertEqual(paid.structured_content["status"], "delivered", paid.content)
        self.assertEqual(before - town.balance(), 1280)
        town.revoke(mandate)


if __name__ == "__main__":
    unittest.main()
