"""Refusals, and the registries of codes, rules and currencies (`spec/registries/`)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

REGISTRIES = Path(__file__).resolve().parents[4] / "spec" / "registries"


def _rows(name: str) -> list[dict[str, str]]:
    with open(REGISTRIES / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Code:
    """A row of `errors.csv`."""

    number: int
    slug: str
    stages: tuple[str, ...]
    outcome: str
    public: str
    retry: str
    resolver: str
    status: int


CODES: dict[str, Code] = {
    row["slug"]: Code(int(row["number"]), row["slug"], tuple(row["stages"].split()), row["outcome"], row["public"],
                      row["retry"], row["resolver"], int(row["status"]))
    for row in _rows("errors.csv")
}
BY_NUMBER: dict[int, Code] = {code.number: code for code in CODES.values()}
RULES: dict[int, tuple[str, str]] = {int(row["label"]): (row["name"], row["code"]) for row in _rows("rules.csv")}
EXPONENTS: dict[str, int] = {row["code"]: int(row["exponent"]) for row in _rows("currencies.csv")}
CURRENCIES: frozenset[str] = frozenset(EXPONENTS)


class Reject(Exception):
    """A refusal: a code of the registry, the stage, and where the fault is."""

    def __init__(self, slug: str, stage: str | None = None, *, offset: int | None = None, field: str | None = None,
                 part: str | None = None, place: dict[int, int] | None = None) -> None:
        super().__init__(slug)
        self.code = CODES[slug]
        self.slug = slug
        self.stage = stage or self.code.stages[0]
        if self.stage not in self.code.stages:
            raise ValueError(f"{slug} does not arise at {self.stage}")
        self.offset = offset
        self.field = field
        self.part = part
        # Link, grant and rule, by the labels of a detail [RCT-12].
        self.place = place or {}

    def at(self, part: str) -> "Reject":
        """The same refusal, of a named part of a message, unless it names one already."""
        self.part = self.part or part
        return self
