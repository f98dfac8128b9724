// The agent's MCP server under the TypeScript client: prints what it saw, one JSON object.
// node agent.mjs stdio COMMAND ARGUMENTS...    |    node agent.mjs http URL TOKEN
// What to call comes as JSON on stdin: [[tool, arguments], ...]

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(`${process.env.STOCK_NODE ?? process.cwd()}/package.json`));
const load = async (name) => import(pathToFileURL(require.resolve(name)).href);
const { Client } = await load("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = await load("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = await load("@modelcontextprotocol/sdk/client/streamableHttp.js");

let text = "";
for await (const part of process.stdin) text += part;
const calls = JSON.parse(text);

const [kind, ...rest] = process.argv.slice(2);
const transport = kind === "stdio"
    ? new StdioClientTransport({ command: rest[0], args: rest.slice(1), stderr: "inherit" })
    : new StreamableHTTPClientTransport(new URL(rest[0]), {
        requestInit: { headers: { Authorization: `Bearer ${rest[1]}` } },
    });

const client = new Client({ name: "stock", version: "1" });
await client.connect(transport);
const { tools } = await client.listTools();
const answers = [];
for (const [name, args, meta] of calls) {
    try {
        const params = { name, arguments: args, ...(meta ? { _meta: meta } : {}) };
        answers.push(await client.callTool(params, undefined, { timeout: 120_000 }));
    } catch (error) {
        answers.push({ thrown: String(error), code: error.code ?? null });
    }
}
await client.close();
console.log(JSON.stringify({ tools, answers }));
