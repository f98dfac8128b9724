"""Checks of fields against the CDDL, at the stage schema (chapter 4).

A check is a function of a value and the name of its field that raises a `Reject` or returns nothing.
"""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Callable

from .cbor import Map, encode
from .errors import CURRENCIES, Reject
from .keys import point_of

Check = Callable[[Any, str], None]
MAX_AMOUNT = 2**53 - 1
MAX_SECONDS = 253_402_300_799


def refuse(slug: str, name: str) -> Reject:
    return Reject(slug, "schema", field=name)


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def is_uint(value: Any, low: int = 0, high: int = 2**64 - 1) -> bool:
    return type(value) is int and low <= value <= high


def uint(low: int = 0, high: int = 2**64 - 1) -> Check:
    """An unsigned number; a negative one is of another type [ENC-14] [ENC-15]."""
    def check(value: Any, name: str) -> None:
        if type(value) is not int or value < 0:
            raise refuse("field-type", name)
        if not low <= value <= high:
            raise refuse("field-range", name)
    return check


def text(low: int, high: int, pattern: str | None = None) -> Check:
    """A text of so many bytes."""
    form = re.compile(pattern) if pattern else None

    def check(value: Any, name: str) -> None:
        if not isinstance(value, str):
            raise refuse("field-type", name)
        if not low <= len(value.encode()) <= high or form and not form.fullmatch(value):
            raise refuse("field-range", name)
    return check


def data(size: int | None = None) -> Check:
    """A byte string of one size, or of any."""
    def check(value: Any, name: str) -> None:
        if not isinstance(value, bytes):
            raise refuse("field-type", name)
        if size is not None and len(value) != size:
            raise refuse("field-range", name)
    return check


def true(value: Any, name: str) -> None:
    if not isinstance(value, bool):
        raise refuse("field-type", name)
    if not value:
        raise refuse("field-range", name)


def listed(low: int, high: int, entry: Check, ordered: bool = False) -> Check:
    """A list; an ordered one is a set, whose order is checked before its entries [ENC-18]."""
    def check(value: Any, name: str) -> None:
        if not isinstance(value, list):
            raise refuse("field-type", name)
        if not low <= len(value) <= high:
            raise refuse("field-range", name)
        if ordered:
            encoded = [encode(one) for one in value]
            if any(a >= b for a, b in zip(encoded, encoded[1:])):
                raise refuse("field-range", name)  # [ENC-18]
        for one in value:
            entry(one, name)
    return check


def row(*entries: Check) -> Check:
    """A list of as many entries as there are checks."""
    def check(value: Any, name: str) -> None:
        if not isinstance(value, list):
            raise refuse("field-type", name)
        if len(value) != len(entries):
            raise refuse("field-range", name)
        for one, entry in zip(value, entries):
            entry(one, name)
    return check


@dataclass(frozen=True)
class Field:
    """A field of a map."""

    name: str
    check: Check
    required: bool = True


def optional(name: str, check: Check) -> Field:
    return Field(name, check, False)


def fields(table: dict[int, Field], unknown: str = "unknown-field", least: int = 0) -> Check:
    """A map, judged in the order of its fields, an absent one where it would stand [ENC-22]."""
    absent_order = {label: encode(label) for label in table}

    def check(value: Any, name: str) -> None:
        if not isinstance(value, Map):
            raise refuse("field-type", name)
        events: list[tuple[bytes, Any, Any]] = [(encode(key), key, item) for key, item in value.pairs]
        events += [(absent_order[label], None, label) for label, field in table.items()
                   if field.required and label not in value]
        for _, key, item in sorted(events, key=lambda event: event[0]):
            if key is None:
                raise refuse("missing-field", table[item].name)  # [ENC-13]
            if type(key) is not int or key not in table:
                raise refuse(unknown, str(key))  # [ENC-12] [MAN-10]
            table[key].check(item, table[key].name)
        if len(value) < least:
            raise refuse("field-range", name)  # [MAN-11]
    return check


# The common types (cddl/common.cddl).

seconds = uint(0, MAX_SECONDS)
amount = uint(1, MAX_AMOUNT)
count = uint(1, 2**32 - 1)
party = text(3, 63, r"[a-z0-9]([a-z0-9.-]{1,61}[a-z0-9])")
digest = data(32)
short = data(16)
short_text = text(1, 64)
long_text = text(1, 256)
category = uint(0, 9999)


def currency(value: Any, name: str) -> None:
    if not isinstance(value, str):
        raise refuse("field-type", name)
    if value not in CURRENCIES:
        raise refuse("currency-unknown", name)  # [ENC-17]


def cose_key(value: Any, name: str) -> None:
    point_of(value, "schema")  # [SIG-11]


agent_key = fields({1: Field("cnf", cose_key)})


def holder(value: Any, name: str) -> None:
    """A key or a merchant, one of the two; found at the end of the field [ENC-12]."""
    fields({1: optional(name, cose_key), -1: optional(name, party)})(value, name)
    if len(value) != 1:
        raise refuse("field-conflict" if len(value) else "missing-field", name)


def zone(value: Any, name: str) -> None:
    text(1, 64)(value, name)
    if value not in _zones():
        raise refuse("field-range", name)  # [ENC-15]


def period(value: Any, name: str) -> None:
    """A calendar period in a zone, a rolling one of seconds, or terms that are counted from an anchor."""
    if not isinstance(value, list):
        raise refuse("field-type", name)
    if not 2 <= len(value) <= 4:
        raise refuse("field-range", name)
    uint(1, 3)(value[0], name)
    kind = uint(value[0], value[0])
    forms = {
        1: row(kind, uint(1, 4), zone),
        2: row(kind, uint(1, 31_622_400)),
        3: row(kind, uint(1, 4), zone, seconds),
    }
    forms[value[0]](value, name)


def time_window(value: Any, name: str) -> None:
    row(zone, uint(1, 127), uint(0, 1439), uint(1, 1440))(value, name)
    if value[3] <= value[2]:
        raise refuse("field-range", name)  # hours that do not end after they begin [ENC-15]


shown = row(text(0, 1024, r"[a-z]{2}(-[A-Z]{2})?"), digest)
channel = uint(1, 5)

rules = fields({
    1: optional("amount_max", amount), 2: optional("amount_min", amount), 3: optional("total", amount),
    4: optional("total_per", listed(1, 8, row(amount, period))), 5: optional("count", count),
    6: optional("count_per", listed(1, 8, row(count, period))),
    7: optional("merchants_allow", listed(1, 64, party, True)),
    8: optional("merchants_deny", listed(1, 64, party, True)),
    9: optional("categories_allow", listed(1, 64, category, True)),
    10: optional("categories_deny", listed(1, 64, category, True)),
    11: optional("items_allow", listed(1, 64, short_text, True)),
    12: optional("items_deny", listed(1, 64, short_text, True)),
    13: optional("price_deviation", listed(1, 64, row(short_text, amount, uint(0, 1_000_000)), True)),
    14: optional("times", listed(1, 16, time_window)), 15: optional("channels", listed(1, 8, channel, True)),
    16: optional("devices", listed(1, 64, digest, True)),
    17: optional("payee_keys", listed(1, 64, row(party, digest), True)), 18: optional("depth", uint(0, 8)),
    19: optional("open_holds", count), 20: optional("ask_first", true),
    21: optional("ask_above", uint(0, MAX_AMOUNT)),
}, "rule-unknown", 1)
