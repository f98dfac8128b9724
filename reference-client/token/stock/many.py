"""What a seller with 10,000 open sessions, 100 of them streaming, takes of memory.

One session is opened and paid by a stock client; the others are copies of what the seller kept of it, under names and
secrets of their own. Then the seller is started on them, and 100 of them stream at once. Run by hand:
`target/stock-openai/bin/python reference-client/token/stock/many.py`, or with `PURSER_BIN=target/release`.
"""

import base64
import concurrent.futures
import hashlib
import json
import os
import pathlib
import secrets
import signal
import sqlite3
import ssl
import sys
import threading
import time
import urllib.request

import cbor2
import openai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "mcp" / "stock"))
import town as streets  # noqa: E402

OPEN, STREAMING, TOKENS, MOST_MB = 10_000, 100, 400, 100
BIN = pathlib.Path(os.environ.get("PURSER_BIN", streets.BIN)).resolve()
SESSION = 1


def paid_session(town, seller):
    """Opens a session and has it pay for a while; kills the proxy and the seller, so that it stays open."""
    proxy = town.start(
        streets.BIN / "purser", "--dir", town.home, "--json", "proxy", "--mandate", town.quota("100.00"), "--seller",
        seller["url"], "--max", "10.00 CNY", "--listen", "127.0.0.1:0", "--key", "key",
    )
    client = openai.OpenAI(base_url=proxy["base_url"], api_key="key", timeout=streets.WAIT, max_retries=0)
    ask = [{"role": "user", "content": "Say something about tea."}]
    client.chat.completions.create(model="purser-echo-1", messages=ask, max_tokens=2_000)
    for child in town.children[-2:]:
        child.send_signal(signal.SIGKILL)
        child.wait(streets.WAIT)


def copy(store, count):
    """Copies of the one session that there is, open from now on; their names and secrets."""
    now, names = int(time.time()), []
    with sqlite3.connect(store) as db:
        (first,) = db.execute("SELECT account FROM accounts WHERE kind = ?", (SESSION,)).fetchone()
        columns = [row[1] for row in db.execute("PRAGMA table_info(offers)")]
        offer = dict(zip(columns, db.execute("SELECT * FROM offers WHERE id = ?", (first,)).fetchone()))
        kept = [cbor2.loads(row[0]) for row in db.execute(
            "SELECT record FROM records WHERE kind = ? AND account = ? ORDER BY number", (SESSION, first))]
        opened, links = kept[0], {record[1][1][0]: record for record in kept if record[0] == 2}
        for _ in range(count):
            name, secret = secrets.token_bytes(32), secrets.token_bytes(32)
            names.append((name.hex(), base64.urlsafe_b64encode(secret).rstrip(b"=").decode()))
            row = offer | {"id": name, "secret_hash": hashlib.sha256(secret).digest(), "intent": secrets.token_bytes(32)}
            db.execute(f"INSERT INTO offers VALUES ({','.join('?' * len(columns))})", [row[name] for name in columns])
            db.execute("INSERT INTO accounts (kind, account) VALUES (?, ?)", (SESSION, name))
            records = [[1, [name, row["intent"], *opened[1][2:-1], now]], *links.values()]
            for number, record in enumerate(records):
                db.execute("INSERT INTO records VALUES (?, ?, ?, ?)",
                           (SESSION, name, number, cbor2.dumps(record, canonical=True)))
    return names


def stream(url, context, name, secret, gate):
    """Reads a stream; how many tokens came before it waited."""
    body = {"model": "purser-echo-1", "stream": True, "max_tokens": TOKENS,
            "messages": [{"role": "user", "content": f"Say something about {name[:8]}."}]}
    headers = {"authorization": f"Bearer {secret}", "purser-session": name, "purser-stream": "7",
               "content-type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(body).encode(), headers)
    tokens = 0
    with urllib.request.urlopen(request, context=context, timeout=streets.WAIT) as answer:
        gate.wait(streets.WAIT)
        for line in answer:
            if line.startswith(b"data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
                tokens += 1
            if b"[DONE]" in line:
                break
    return tokens


def resident_mb(pid):
    words = pathlib.Path(f"/proc/{pid}/status").read_text().split()
    return {name: int(words[words.index(f"{name}:") + 1]) / 1024 for name in ("VmRSS", "VmHWM")}


def main():
    town = streets.Town()
    try:
        command = ("seller", "--config", town.box / "seller.toml")
        paid_session(town, town.start(BIN / "purser-server", *command))
        names = copy(town.box / "seller.sqlite", OPEN)
        seller = town.start(BIN / "purser-server", *command)
        pid = town.children[-1].pid
        context = ssl.create_default_context(cafile=str(town.box / "roots.pem"))
        idle, gate = resident_mb(pid), threading.Barrier(STREAMING + 1)
        with concurrent.futures.ThreadPoolExecutor(STREAMING) as pool:
            reading = [pool.submit(stream, seller["url"], context, *name, gate) for name in names[:STREAMING]]
            gate.wait(streets.WAIT)
            tokens = [one.result() for one in reading]
        most = resident_mb(pid)
        print(json.dumps({"open": OPEN, "streaming": STREAMING, "tokens": sum(tokens),
                          "open_mb": round(idle["VmRSS"], 1), "most_mb": round(most["VmHWM"], 1)}))
        sys.exit(0 if tokens == [TOKENS] * STREAMING and most["VmHWM"] <= MOST_MB else 1)
    finally:
        town.close()


if __name__ == "__main__":
    main()
