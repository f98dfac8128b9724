"""Holds the CDDL of spec/cddl against messages: the examples of the text and the papers of the vectors.

The grammar is compiled by a library that no other program of this project uses. It judges one item at a time, so
that a paper is judged in its parts: the protected header, and the payload. What the grammar cannot say (orders,
conflicts, tables of names) is left to the vectors.

    python check.py --examples DIR [--vectors DIR]

DIR of the examples is what `purser-conformance spec examples --out DIR` writes.
"""

import argparse
import json
import pathlib
import re
import sys

import cbor2
import pycddl

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Refusals for which the grammar alone is enough.
GRAMMAR = {"unknown-field", "missing-field", "field-type"}
# The library takes a byte string where a range of numbers is due, and any label in the maps of a list.
LENIENT = {"encoding/amount/bytes", "schema/offer/line-unknown"}
# It takes none but the first number of a choice in the second place of a list.
STRICT = {"schema/rules/set-channels-twin"}


class Grammar:
    """The rules of spec/cddl, with the envelope taken away, so that a part can stand for its paper."""

    def __init__(self) -> None:
        text = "\n".join(path.read_text() for path in sorted((ROOT / "spec" / "cddl").glob("*.cddl")))
        before, envelope = text.split("sign1<header, payload> =", 1)
        after = envelope[envelope.index("unprotected =") :]
        # What stands inside a byte string is judged by itself.
        inside = re.compile(r"bytes \.cbor [a-z-]+")
        before, after = inside.sub("bytes", before), inside.sub("bytes", after)
        self._parts = {part: f"{before}sign1<header, payload> = {part}\n{after}" for part in ("header", "payload")}
        pycddl.Schema(f"start = mandate\n{text}")
        self._compiled: dict[tuple[str, str], pycddl.Schema] = {}

    def refuses(self, rule: str, part: str, data: bytes) -> str | None:
        """Why the grammar does not have it; None when it has."""
        key = (rule, part)
        if key not in self._compiled:
            self._compiled[key] = pycddl.Schema(f"start = {rule}\n{self._parts[part]}")
        try:
            self._compiled[key].validate_cbor(data)
        except pycddl.ValidationError as error:
            return str(error).split("\n")[0]
        return None

    def refuses_paper(self, rule: str, data: bytes) -> str | None:
        """The same of a whole paper."""
        header, _, payload, _ = cbor2.loads(data).value
        return self.refuses(rule, "header", header) or self.refuses(rule, "payload", payload)


def examples(grammar: Grammar, folder: pathlib.Path) -> tuple[int, list[str]]:
    """Each example is of the rule that its name begins with, and so is what it holds."""
    found, wrong = 0, []

    def judge(name: str, verdict: str | None) -> None:
        nonlocal found
        found += 1
        if verdict:
            wrong.append(f"{name}: {verdict}")

    def receipt(name: str, data: bytes) -> None:
        judge(name, grammar.refuses("receipt", "payload", data))
        claims, _, _, root = cbor2.loads(data)
        judge(f"{name}: claims", grammar.refuses("claims", "payload", claims))
        judge(f"{name}: root", grammar.refuses_paper("root", root))

    for path in sorted(folder.glob("*.cbor")):
        name, data = path.stem, path.read_bytes()
        if name == "payment-request":
            judge(name, grammar.refuses(name, "payload", data))
            body = cbor2.loads(data)
            inside = [("mandate", mandate) for mandate in body[1]] + [("offer", body[2]), ("intent", body[3])]
            for rule, paper in inside + ([("confirmation", body[4])] if 4 in body else []):
                judge(f"{name}: {rule}", grammar.refuses_paper(rule, paper))
        elif name.startswith("receipt"):
            receipt(name, data)
        elif name == "logged-receipt":
            # Of a list in a list the library counts the wrong one; its parts are judged.
            logged, (root, *_) = cbor2.loads(data)
            receipt(f"{name}: receipt", logged)
            judge(f"{name}: root", grammar.refuses_paper("root", root))
        elif name == "detail":
            judge(name, grammar.refuses(name, "payload", data))
        else:
            judge(name, grammar.refuses_paper(name.split("-")[0], data))
    return found, wrong


def vectors(grammar: Grammar, folder: pathlib.Path) -> tuple[int, int, list[str]]:
    """What is accepted is in the grammar; what is refused for its shape alone is not."""
    accepted = refused = 0
    wrong = []
    for path in sorted(folder.glob("*.json")):
        for case in json.loads(path.read_text())["cases"]:
            call, expect = case["call"], case["expect"]
            if call["op"] != "paper.verify":
                continue
            rule, data = call["input"]["kind"], bytes.fromhex(call["input"]["paper"])
            if expect["outcome"] == "accept":
                accepted += 1
                verdict = grammar.refuses_paper(rule, data)
                if verdict and case["id"] not in STRICT:
                    wrong.append(f"{case['id']}: accepted, but {verdict}")
                elif not verdict and case["id"] in STRICT:
                    wrong.append(f"{case['id']}: the library has learnt to take it: take it out of STRICT")
            elif expect.get("stage") == "schema" and expect.get("code") in GRAMMAR:
                refused += 1
                passes = grammar.refuses_paper(rule, data) is None
                if passes and case["id"] not in LENIENT:
                    wrong.append(f"{case['id']}: {expect['code']}, but the grammar has it")
                elif not passes and case["id"] in LENIENT:
                    wrong.append(f"{case['id']}: the library has learnt to refuse it: take it out of LENIENT")
    return accepted, refused, wrong


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--examples", type=pathlib.Path, required=True)
    arguments.add_argument("--vectors", type=pathlib.Path)
    given = arguments.parse_args()

    grammar = Grammar()
    found, wrong = examples(grammar, given.examples)
    said = f"{found} parts of examples"
    if given.vectors:
        accepted, refused, more = vectors(grammar, given.vectors)
        wrong += more
        said += f", {accepted} papers accepted and {refused} refused"
    for line in wrong:
        print(line, file=sys.stderr)
    if not found:
        print("no examples", file=sys.stderr)
    print(f"cddl: {said}: {len(wrong)} disagree")
    return 1 if wrong or not found else 0


if __name__ == "__main__":
    sys.exit(main())
