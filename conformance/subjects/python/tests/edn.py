"""As much of diagnostic notation as the examples of the specification use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from purser.cbor import encode

EXAMPLES = Path(__file__).resolve().parents[4] / "spec" / "examples"
_TOKEN = re.compile(r"""\s*(18\(|<<|>>|h'[0-9a-f]*'|"[^"]*"|-?\d+|true|false|[][{}(),:])""")


class Tagged:
    """Tag 18 and what it stands in front of."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _encode(value: Any) -> bytes:
    return b"\xd2" + encode(value.value) if isinstance(value, Tagged) else encode(value)


def parse(text: str) -> bytes:
    """The bytes that an example stands for."""
    tokens = _TOKEN.findall(text)
    at = 0

    def sequence(end: str) -> list[Any]:
        nonlocal at
        found = []
        while tokens[at] != end:
            found.append(item())
            if tokens[at] in (",", ":"):
                at += 1
        at += 1
        return found

    def item() -> Any:
        nonlocal at
        token = tokens[at]
        at += 1
        if token == "18(":
            return Tagged(sequence(")")[0])
        if token == "<<":
            return _encode(sequence(">>")[0])
        if token == "[":
            return sequence("]")
        if token == "{":
            flat = sequence("}")
            return dict(zip(flat[::2], flat[1::2]))
        if token in ("true", "false"):
            return token == "true"
        if token.startswith("h'"):
            return bytes.fromhex(token[2:-1])
        return token[1:-1] if token[0] == '"' else int(token)

    return _encode(item())


def example(name: str) -> bytes:
    return parse((EXAMPLES / f"{name}.edn").read_text(encoding="utf-8"))
