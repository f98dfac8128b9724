"""A stock MCP client: calls one tool of a server, and again for each payment that it is given.

Arguments: the server's command as a JSON list, the tool, its arguments as JSON. It writes a line of JSON for itself and
for each answer; each line that it reads is a payment to call the tool again with.
"""

import asyncio
import importlib.metadata
import json
import sys

from mcp import Client, StdioServerParameters


async def main(server, tool, arguments):
    command, *rest = json.loads(server)
    print(json.dumps({"client": f"mcp {importlib.metadata.version('mcp')}"}), flush=True)
    async with Client(StdioServerParameters(command=command, args=rest), read_timeout_seconds=120) as client:
        meta = None
        while True:
            result = await client.call_tool(tool, json.loads(arguments), meta=meta)
            print(json.dumps({"error": bool(result.is_error), "said": result.structured_content}), flush=True)
            line = await asyncio.to_thread(sys.stdin.readline)
            if not line:
                return
            meta = {"org.paymentauth/credential": line.strip()}


asyncio.run(main(*sys.argv[1:]))
