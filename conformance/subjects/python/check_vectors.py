"""Checks every vector of `test-vectors/` against this implementation.

It reads the calls and what must come of them, and neither `mutation` nor `twin`, which would say how a vector was made.

    python check_vectors.py [-v] [AREA...]
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from shim import FEATURES, Shim

VECTORS = Path(__file__).resolve().parents[3] / "test-vectors"
Json = dict[str, Any]


def differs(expected: Any, found: Any) -> bool:
    """Whether a value lacks a member that it must have; lists are compared whole."""
    if isinstance(expected, dict):
        return not isinstance(found, dict) or any(
            name not in found or differs(value, found[name]) for name, value in expected.items())
    return expected != found


def rows(state: Json) -> Json:
    """A state without what may be left out: amounts and counts of zero, and accounts that have nothing."""
    kept = {}
    for name, entries in state.items():
        plain = [{key: value for key, value in entry.items() if value not in ("0", 0)} for entry in entries]
        kept[name] = [entry for entry in plain
                      if name not in ("accounts", "merchants") or any(key.endswith("minor") for key in entry)]
    return kept


def judge(expect: Json, reply: Json, before: Json, earlier: list[Json], shim: Shim) -> list[str]:
    """What of a reply is not as expected."""
    faults = [f"{name}: {reply.get(name)!r}, not {expect[name]!r}" for name in ("outcome", "code", "stage")
              if name in expect and reply.get(name) != expect[name]]
    value = reply.get("value", {})
    if expect["outcome"] == "reject":  # what is false may be left out
        value = {name: False for name, wanted in expect.get("value", {}).items() if wanted is False} | value
    if "decided" in expect and ("answer" in value) != expect["decided"]:
        faults.append(f"decided: {'answer' in value}")
    if differs(expect.get("value", {}), value):
        faults.append(f"value: {value}, not {expect['value']}")
    if "after" in expect:
        wanted = before if expect["after"] == "unchanged" else expect["after"]
        after = shim.call("state.get", {})["value"]
        if differs(rows(wanted), rows(after)):
            faults.append(f"state: {after}, not {wanted}")
    if "same_as" in expect:
        then = earlier[expect["same_as"]["call"]].get("value", {})
        for name in expect["same_as"]["members"]:
            if value.get(name) != then.get(name):
                faults.append(f"{name} is not that of call {expect['same_as']['call']}")
    return faults


def run(case: Json, setups: Json) -> list[str]:
    """Runs one case on a shim that was reset."""
    shim = Shim()
    earlier: list[Json] = []
    for call in setups.get(case["setup"], []) if case["setup"] else []:
        reply = shim.call(call["op"], call["input"])
        earlier.append(reply)
        faults = judge(call.get("expect", {"outcome": "accept"}), reply, {}, earlier, shim)
        if faults:
            return [f"setup, call {len(earlier) - 1} ({call['op']}): {fault}" for fault in faults]
    call, expect = case["call"], case["expect"]
    before = shim.call("state.get", {}).get("value", {}) if "after" in expect else {}
    return judge(expect, shim.call(call["op"], call["input"]), before, earlier, shim)


def main() -> int:
    wanted = [one for one in sys.argv[1:] if not one.startswith("-")]
    results: dict[str, bool] = {}
    counts: Counter[tuple[str, bool]] = Counter()
    unclaimed = 0
    for path in sorted((VECTORS / "v1").glob("*.json")):
        area = json.loads(path.read_text(encoding="utf-8"))
        if "cases" not in area or wanted and area["area"] not in wanted:
            continue
        for case in area["cases"]:
            if not set(case.get("features", [])) <= set(FEATURES):
                unclaimed += 1
                continue
            faults = run(case, area["setups"])
            results[case["id"]] = not faults
            counts[case["role"], not faults] += 1
            for fault in faults:
                print(f"{case['id']} [{', '.join(case['clauses'])}] {fault}")
            if "-v" in sys.argv and not faults:
                print(f"{case['id']} ok")
    for role in sorted({role for role, _ in counts}):
        print(f"{role}: {counts[role, True]} agree, {counts[role, False]} differ")
    if unclaimed:
        print(f"{unclaimed} of features that it does not claim")
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
