"""Sends one random history to two issuers and compares what each makes of every message, and the state after it.

The messages are honest papers about few things, at prices around few limits, at times around few windows: payments,
holds, refunds, registrations, replacements, suspensions, revocations, confirmations and cancels, in any order and
again. Where two implementations that were written apart disagree about money, one of them or the text is wrong.

    python walk.py --shim "CMD" --shim "CMD" [--seed N] [--walks N] [--steps N]

A difference is printed with its seed; the same seed walks the same way.
"""

import argparse
import hashlib
import json
import pathlib
import random
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "conformance" / "subjects" / "python"))

from purser.cbor import encode  # noqa: E402
from purser.envelope import paper_id, sign  # noqa: E402
from purser.keys import SigningKey, cose_key  # noqa: E402

NETWORK = "sandbox"
ISSUER = "issuer.example"
MERCHANTS = {"merchant": "tea.example", "other-merchant": "rice.example"}
START = 1_900_000_000
HOUR, DAY = 3_600, 86_400


class Shim:
    """A program that speaks purser-shim/1."""

    def __init__(self, command: str) -> None:
        self.command = command
        self._process = subprocess.Popen(
            shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self._calls = 0
        self.call("hello", {"shim": 1, "suite": "walk", "spec": ["1"]})

    def call(self, op: str, given: dict) -> dict:
        self._calls += 1
        self._process.stdin.write(json.dumps({"id": str(self._calls), "op": op, "input": given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.command}: ended during {op}")
        return json.loads(line)


class Key:
    """A key of the vectors, or a certified one."""

    def __init__(self, entry: dict, certificate: str | None = None) -> None:
        self.signing = SigningKey(bytes.fromhex(entry["secret"]))
        self.point = bytes.fromhex(entry["public"])
        self.certificate = bytes.fromhex(certificate) if certificate else None

    def sign(self, kind: str, payload: dict) -> bytes:
        return sign(kind, payload, NETWORK, self.signing, self.certificate)


class Walk:
    """One history."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = START
        self._drawn = 0
        self._seed = seed
        keys = {key["name"]: key for key in json.loads((ROOT / "test-vectors" / "keys.json").read_text())}
        payments = json.loads((ROOT / "test-vectors" / "v1" / "payments.json").read_text())
        self.start = next(call["input"] for call in payments["setups"]["account"] if call["op"] == "issuer.start")
        chains = dict(zip(MERCHANTS, self.start["merchants"], strict=True))
        self.keys = {name: Key(keys[name], chains[name][0] if name in chains else None) for name in keys}
        self.account = self.fresh(16)
        self.mandates: list[dict] = []
        self.offers: list[tuple[str, bytes, dict]] = []
        self.intents: list[tuple[bytes, bytes, str]] = []
        self.suspensions: list[tuple[bytes, bytes]] = []
        self.sent: list[dict] = []

    def fresh(self, length: int) -> bytes:
        self._drawn += 1
        return hashlib.sha256(f"{self._seed} {self._drawn}".encode()).digest()[:length]

    def opening(self) -> list[tuple[str, dict]]:
        """The issuer, one account and its money."""
        enrolment = {3: ISSUER, 6: self.now, 7: self.fresh(16), 8: {1: cose_key(self.keys["payer"].point)}, -1: 1}
        opened = self.message("account", self.keys["payer"].sign("enrolment", enrolment))
        opened["account"] = self.account.hex()
        return [("issuer.start", self.start | {"now": self.now}), ("issuer.receive", opened), self.deposit()]

    def step(self) -> tuple[str, dict]:
        """The next call."""
        ways = [
            (8, self.pay), (3, self.mandate), (3, self.settle), (1, self.suspend), (1, self.resume), (1, self.revoke),
            (2, self.confirm), (1, self.cancel), (2, self.again), (2, self.wait), (1, self.deposit),
        ]
        return self.random.choices([way for _, way in ways], [weight for weight, _ in ways])[0]()

    def message(self, kind: str, body: bytes) -> dict:
        return {"message": kind, "body": body.hex(), "now": self.now, "nonce": self.fresh(16).hex()}

    def receive(self, kind: str, body: bytes) -> tuple[str, dict]:
        call = self.message(kind, body)
        self.sent.append(call)
        return "issuer.receive", call

    def deposit(self) -> tuple[str, dict]:
        payload = {2: self.account, 3: ISSUER, 6: self.now, 7: self.fresh(16), -1: 1, -5: 5_000, -6: "CNY"}
        return self.receive("command", self.keys["payer"].sign("deposit", payload))

    def wait(self) -> tuple[str, dict]:
        self.now += self.random.choice([0, 1, 1, 10, 59, 60, 60, 299, 300, 899, 900, HOUR, HOUR - 1, 8 * HOUR, DAY])
        return "issuer.tick", {"now": self.now}

    def again(self) -> tuple[str, dict]:
        """Something that was sent before."""
        if not self.sent:
            return self.wait()
        return "issuer.receive", self.random.choice(self.sent) | {"now": self.now, "nonce": self.fresh(16).hex()}

    def period(self) -> list:
        zone = self.random.choice(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "UTC"])
        return self.random.choice([[1, self.random.randint(1, 4), zone], [2, self.random.choice([60, HOUR, DAY])]])

    def rules(self) -> dict:
        """A few rules with limits near the prices."""
        amount = lambda: self.random.choice([99, 100, 199, 200, 300, 500, 1_000])  # noqa: E731
        every = {
            1: amount, 2: lambda: self.random.choice([1, 100, 101]), 3: amount,
            4: lambda: [[amount(), self.period()] for _ in range(self.random.choice([1, 1, 2]))],
            5: lambda: self.random.randint(1, 4), 6: lambda: [[self.random.randint(1, 3), self.period()]],
            7: lambda: ["tea.example"], 8: lambda: ["rice.example"], 9: lambda: [5_499], 10: lambda: [self.random.choice([5_411, 5_499])],
            11: lambda: ["longjing"], 12: lambda: ["rice"], 13: lambda: [["longjing", 100, self.random.choice([0, 500])]],
            14: lambda: [[self.random.choice(["Asia/Shanghai", "UTC"]), self.random.randint(1, 127),
                          *sorted(self.random.sample(range(0, 1_441, 60), 2))]],
            15: lambda: [1, 2], 18: lambda: self.random.randint(0, 2), 19: lambda: self.random.randint(1, 2),
            20: lambda: True, 21: lambda: self.random.choice([0, 99, 100, 300]),
        }
        # A day's last hour has no beginning.
        chosen = self.random.sample([1, 3, 3, 4, 4, 5, 6, 2, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18, 19, 20, 21], 3)
        rules = {label: every[label]() for label in sorted(set(chosen[: self.random.randint(1, 3)]))}
        if 14 in rules and rules[14][0][2] == 1_440:
            del rules[14]
        return rules or {3: 1_000}

    def mandate(self) -> tuple[str, dict]:
        """A new mandate, one below another, or the next version of one."""
        way = self.random.random()
        agents = ["agent", "sub-agent", "sub-sub-agent"]
        depth, signer, parent = 0, "payer", None
        old = self.random.choice(self.mandates) if self.mandates and way < 0.6 else None
        if old and way < 0.3 and old["depth"] < 2:
            depth, signer, parent = old["depth"] + 1, agents[old["depth"]], old["id"]
        payload = {
            2: self.account, 3: ISSUER, 4: self.now + self.random.choice([HOUR, DAY, 60 * DAY, 60 * DAY, 60 * DAY]),
            5: self.now + self.random.choice([0, 0, 0, 0, 0, 60]), 6: self.now,
            8: {1: cose_key(self.keys[agents[depth]].point)}, -1: 1, -6: "CNY", -10: self.fresh(16), -11: 1,
        }
        if old and not parent:
            depth, signer, parent = old["depth"], old["signer"], old["parent"]
            payload |= {-10: old["lineage"], -11: old["serial"] + 1, -14: old["id"],
                        8: {1: cose_key(self.keys[agents[depth]].point)}}
        mode = self.random.choice([2, 3, 3])
        payload[-12] = mode
        if mode == 2:
            payload[-16] = [self.rules() for _ in range(self.random.choice([1, 2]))]
        if mode == 3 or self.random.random() < 0.5:
            payload[-15] = self.rules()
        if mode == 3:
            payload[-15].setdefault(3, self.random.choice([300, 1_000]))
            if not parent and self.random.random() < 0.2:
                payload[-17] = self.random.choice([100, 500])
        if self.random.random() < 0.4:
            payload[-18] = True
        if parent:
            payload[-13] = parent
        body = self.keys[signer].sign("mandate", payload)
        self.mandates.append({
            "id": paper_id(body), "lineage": payload[-10], "serial": payload[-11], "depth": depth, "signer": signer,
            "parent": parent, "holder": agents[depth], "body": body,
        })
        return self.receive("mandate", body)

    def offer(self) -> tuple[str, bytes, dict]:
        """An offer of one or two lines, new or made before."""
        if self.offers and self.random.random() < 0.25:
            return self.random.choice(self.offers)
        merchant = self.random.choice(list(MERCHANTS))
        lines = [{1: "longjing", 2: "Longjing tea", 3: 5_499, 4: 1, 5: self.random.choice([99, 100, 101, 200])}]
        if self.random.random() < 0.3:
            lines.append({1: "rice", 2: "Rice", 3: 5_499, 4: 2, 5: 50})
        total = sum(line[4] * line[5] for line in lines)
        payload = {
            1: MERCHANTS[merchant], 4: self.now + self.random.choice([300, HOUR]), 6: self.now, 7: self.fresh(16),
            -1: 1, -5: total, -6: "CNY", -21: lines, -22: [[ISSUER, "main"]], -23: 1,
            -24: self.random.choice([1, 1, 2]),
        }
        if payload[-24] == 2:
            payload[-27] = self.random.choice([60, HOUR, DAY])
        made = merchant, self.keys[merchant].sign("offer", payload), payload
        self.offers.append(made)
        return made

    def pay(self) -> tuple[str, dict]:
        if not self.mandates:
            return self.mandate()
        mandate = self.random.choice(self.mandates[-4:])
        merchant, offer, sold = self.offer()
        payload = {
            3: ISSUER, 6: self.now, -1: 1, -2: mandate["id"], -3: paper_id(offer), -5: sold[-5], -6: "CNY",
            -7: self.fresh(32),
        }
        if self.random.random() < 0.3:
            payload[-28] = self.random.randint(1, 3)
        intent = self.keys[mandate["holder"]].sign("intent", payload)
        self.intents.append((paper_id(intent), intent, merchant))
        body = {1: [mandate["body"]] if self.random.random() < 0.3 else [], 2: offer, 3: intent}
        if self.random.random() < 0.2:
            body[4] = self.confirmation(paper_id(intent))
        return self.receive("payment", encode(body))

    def confirmation(self, intent: bytes) -> bytes:
        payload = {2: self.account, 3: ISSUER, 6: self.now, -1: 1, -4: intent, -31: 1}
        return self.keys["payer"].sign("confirmation", payload)

    def confirm(self) -> tuple[str, dict]:
        if not self.intents:
            return self.pay()
        return self.receive("command", self.confirmation(self.random.choice(self.intents[-3:])[0]))

    def cancel(self) -> tuple[str, dict]:
        if not self.intents:
            return self.pay()
        _, intent, _ = self.random.choice(self.intents[-3:])
        by = self.random.choice(["payer", "agent", "sub-agent"])
        payload = {3: ISSUER, 6: self.now, 7: self.fresh(16), -1: 1, -44: intent}
        return self.receive("command", self.keys[by].sign("cancel", payload))

    def settle(self) -> tuple[str, dict]:
        """A capture, void or refund of some payment, or a payout of its merchant."""
        if not self.intents:
            return self.pay()
        intent, _, merchant = self.random.choice(self.intents[-8:])
        if self.random.random() < 0.1:
            merchant = self.random.choice(list(MERCHANTS))
        kind = self.random.choice(["capture", "capture", "void", "refund", "refund", "payout"])
        if kind == "payout":
            payload = {1: MERCHANTS[merchant], 3: ISSUER, 6: self.now, 7: self.fresh(16), -1: 1,
                       -5: self.random.choice([1, 50, 100, 200]), -6: "CNY", -55: "main"}
            return self.receive("command", self.keys[merchant].sign(kind, payload))
        payload = {1: MERCHANTS[merchant], 3: ISSUER, 6: self.now, 7: self.fresh(16), -1: 1, -4: intent}
        if kind != "void":
            payload |= {-5: self.random.choice([1, 50, 99, 100, 200]), -6: "CNY"}
        if kind == "capture" and self.random.random() < 0.3:
            payload[-43] = True
        return self.receive("command", self.keys[merchant].sign(kind, payload))

    def ordered(self, kind: str, own: dict) -> tuple[str, dict]:
        by = self.random.choice(["payer", "payer", "payer", "agent", "sub-agent"])
        some = self.random.sample(self.mandates, min(len(self.mandates), self.random.choice([1, 1, 2])))
        ids = sorted({mandate["id"] for mandate in some})
        payload = {2: self.account, 3: ISSUER, 6: self.now, 7: self.fresh(16), -1: 1, -41: ids} | own
        body = self.keys[by].sign(kind, payload)
        if kind == "suspension":
            self.suspensions.append((paper_id(body), ids))
        return self.receive("command", body)

    def suspend(self) -> tuple[str, dict]:
        return self.ordered("suspension", {}) if self.mandates else self.mandate()

    def resume(self) -> tuple[str, dict]:
        if not self.suspensions:
            return self.suspend()
        suspension, ids = self.random.choice(self.suspensions)
        by = self.random.choice(["payer", "payer", "agent"])
        payload = {2: self.account, 3: ISSUER, 6: self.now, 7: self.fresh(16), -1: 1, -41: ids, -42: suspension}
        return self.receive("command", self.keys[by].sign("resumption", payload))

    def revoke(self) -> tuple[str, dict]:
        if not self.mandates or self.random.random() < 0.7:
            return self.pay()
        return self.ordered("revocation", {})


def said(reply: dict) -> dict:
    """What two implementations must say alike."""
    value = reply.get("value") or {}
    alike = {name: reply.get(name) for name in ("outcome", "code", "stage")}
    return alike | {"receipt": value.get("outcome"), "decided": "answer" in value}


def state(shim: Shim) -> dict:
    """The state, without what is nothing."""
    tables = shim.call("state.get", {}).get("value") or {}
    rows = {name: [{key: value for key, value in row.items() if value not in (0, "0")} for row in table]
            for name, table in tables.items()}
    # A balance of nothing may be left out whole.
    rows["accounts"] = [row for row in rows.get("accounts", []) if len(row) > 2]
    for row in rows.get("payments", []):
        if row.get("state") in ("pending", "refused", "cancelled"):
            row.pop("amount_minor", None)
    rows["merchants"] = [row for row in rows.get("merchants", []) if "minor" in row]
    return rows


def compare(shims: list[Shim], seed: int, steps: int) -> tuple[int, dict[str, int]]:
    """Walks once; the number of calls that agreed, and how often each outcome was met."""
    walk = Walk(seed)
    for shim in shims:
        shim.call("reset", {})
    met: dict[str, int] = {}
    calls = walk.opening()
    done = 0
    while done < steps:
        op, given = calls.pop(0) if calls else walk.step()
        replies = [shim.call(op, given) for shim in shims]
        states = [state(shim) for shim in shims]
        words = [said(reply) for reply in replies]
        if words[0] != words[1] or states[0] != states[1]:
            print(f"seed {seed}, step {done}: {op} {given.get('message', '')} at {given.get('now')}", file=sys.stderr)
            for shim, word, rows, other in zip(shims, words, states, reversed(states), strict=True):
                own = [row for name, table in rows.items() for row in table if row not in other.get(name, [])]
                print(f"  {shim.command}: {word}\n    {json.dumps(own)}", file=sys.stderr)
            print(f"  {json.dumps(given)}", file=sys.stderr)
            raise SystemExit(1)
        key = words[0]["code"] or words[0]["receipt"] or op
        met[key] = met.get(key, 0) + 1
        done += 1
    return done, met


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--shim", action="append", required=True)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments.add_argument("--walks", type=int, default=20)
    arguments.add_argument("--steps", type=int, default=150)
    given = arguments.parse_args()
    if len(given.shim) != 2:
        arguments.error("two shims are compared")
    shims = [Shim(command) for command in given.shim]
    total, met = 0, {}
    for walk in range(given.walks):
        done, outcomes = compare(shims, given.seed + walk, given.steps)
        total += done
        for name, count in outcomes.items():
            met[name] = met.get(name, 0) + count
    print(", ".join(f"{name} {count}" for name, count in sorted(met.items(), key=lambda item: -item[1])))
    print(f"differential: {total} messages in {given.walks} walks from seed {given.seed}: no difference")


if __name__ == "__main__":
    main()
