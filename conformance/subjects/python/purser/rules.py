"""Rules and counters (chapter 7)."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from . import papers
from .cbor import Map
from .errors import RULES, Reject

CALENDAR, TERMS = 1, 3
DAY, WEEK, MONTH, YEAR = 1, 2, 3, 4


@dataclass
class Entry:
    """A payment as it counts in one lineage.

    Counters are not kept as sums: each is the sum of the entries that count in it. So a replacement carries all of
    them over [MAN-22], and a rule that is new begins with what was paid before [MAN-25].
    """

    intent: bytes
    decided: int
    amount: int
    grant: int | None
    refund_returns: bool
    held: bool
    returned: int = 0

    @property
    def counted(self) -> int:
        return self.amount - self.returned


@dataclass
class Lineage:
    """What a mandate and its replacements have in common, of one account."""

    account: bytes
    versions: list[bytes] = field(default_factory=list)
    parent: tuple[bytes, bytes] | None = None
    revoked: bool = False
    suspensions: set[bytes] = field(default_factory=set)
    entries: list[Entry] = field(default_factory=list)
    waiting: set[bytes] = field(default_factory=set)
    envelope: int | None = None  # what is free in it; None where there is none or it is closed

    def counting(self, grant: int | None) -> list[Entry]:
        """The entries of the caps, or of the grant of a place [CND-4]."""
        return [one for one in self.entries if grant is None or one.grant == grant]


@dataclass
class Payment:
    """What the rules read of an intent before its decision."""

    amount: int
    merchant: str
    offer: Map
    intent: Map
    offer_key: bytes
    paid_before: bool
    now: int


# Periods.


@lru_cache(maxsize=4096)
def _midnight(day: date, zone: str) -> int:
    """The first second at which the clocks of a zone show the first midnight of a day, or later [RUL-22]."""
    tz = ZoneInfo(zone)
    wanted = datetime(day.year, day.month, day.day)
    ends = [int(wanted.replace(tzinfo=tz, fold=fold).timestamp()) for fold in (0, 1)]
    low, high = min(ends), max(ends)
    # Between the two ends there is at most one change of the clocks.
    while low < high:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, tz).replace(tzinfo=None) >= wanted:
            high = middle
        else:
            low = middle + 1
    return low


def day_of(moment: int, zone: str) -> date:
    """The day, as a period, in which a second lies."""
    day = datetime.fromtimestamp(moment, ZoneInfo(zone)).date() + timedelta(days=1)
    while _midnight(day, zone) > moment:
        day -= timedelta(days=1)
    return day


def _first_of(day: date, unit: int) -> date:
    if unit == DAY:
        return day
    if unit == WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == MONTH else day.replace(month=1, day=1)


def _first_showing(wanted: datetime, zone: str) -> int:
    """The first second at which the clocks of a zone show this, or later."""
    tz = ZoneInfo(zone)
    ends = [int(wanted.replace(tzinfo=tz, fold=fold).timestamp()) for fold in (0, 1)]
    low, high = min(ends), max(ends)
    if datetime.fromtimestamp(low, tz).replace(tzinfo=None) == wanted:
        return low  # of a time that comes twice, the first
    while low < high:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, tz).replace(tzinfo=None) >= wanted:
            high = middle
        else:
            low = middle + 1
    return low


@lru_cache(maxsize=4096)
def term_begins(unit: int, zone: str, anchor: int, number: int) -> int:
    """The first second of a term, by its number from 1, counted from the anchor itself [RUL-25]."""
    if number == 1:
        return anchor
    shown = datetime.fromtimestamp(anchor, ZoneInfo(zone)).replace(tzinfo=None)
    later = number - 1
    if unit in (DAY, WEEK):
        return _first_showing(shown + timedelta(days=later * (1 if unit == DAY else 7)), zone)
    months = shown.month - 1 + later * (1 if unit == MONTH else 12)
    year, month = shown.year + months // 12, months % 12 + 1
    day = min(shown.day, monthrange(year, month)[1])
    return _first_showing(shown.replace(year=year, month=month, day=day), zone)


def term_of(period: list, moment: int) -> int:
    """The number of the term in which a second lies; 0 before the first."""
    _, unit, zone, anchor = period
    if moment < anchor:
        return 0
    number = max(1, (moment - anchor) // (86_400 * {DAY: 1, WEEK: 7, MONTH: 31, YEAR: 366}[unit]))
    while term_begins(unit, zone, anchor, number + 1) <= moment:
        number += 1
    return number


def in_period(period: list, decided: int, now: int) -> bool:
    """Whether a payment counts in the period that `now` is in [RUL-21]."""
    if period[0] == CALENDAR:
        _, unit, zone = period
        return _first_of(day_of(decided, zone), unit) == _first_of(day_of(now, zone), unit)
    if period[0] == TERMS:
        return term_of(period, decided) == term_of(period, now)
    return now - period[1] < decided <= now  # [RUL-23]


def _in_window(window: list, now: int) -> bool:
    zone, weekdays, start, until = window
    clock = datetime.fromtimestamp(now, ZoneInfo(zone))
    return bool(weekdays >> clock.weekday() & 1) and start <= clock.hour * 60 + clock.minute < until


# Evaluation.


def _goods(offer: Map) -> list[Map]:
    return [line for line in offer.get(papers.ITEMS) if 6 not in line]


def holds(label: int, value: Any, payment: Payment, lineage: Lineage, grant: int | None, below: int) -> bool:
    """Whether one rule that can refuse holds."""
    entries = lineage.counting(grant)
    goods = _goods(payment.offer)
    amount, now = payment.amount, payment.now
    match label:
        case 1:
            return amount <= value  # [RUL-1]
        case 2:
            return amount >= value  # [RUL-2]
        case 3:
            return sum(one.counted for one in entries) + amount <= value  # [RUL-3]
        case 4:
            return all(sum(one.counted for one in entries if in_period(period, one.decided, now)) + amount <= most
                       for most, period in value)  # [RUL-4]
        case 5:
            return len(entries) < value  # [RUL-5]
        case 6:
            return all(sum(in_period(period, one.decided, now) for one in entries) < most
                       for most, period in value)  # [RUL-6]
        case 7:
            return payment.merchant in value  # [RUL-7]
        case 8:
            return payment.merchant not in value  # [RUL-7]
        case 9:
            return bool(goods) and all(line.get(3) in value for line in goods)  # [RUL-8]
        case 10:
            return all(3 in line and line.get(3) not in value for line in goods)  # [RUL-8]
        case 11:
            return bool(goods) and all(line.get(1) in value for line in goods)  # [RUL-9]
        case 12:
            return all(line.get(1) not in value for line in goods)  # [RUL-9]
        case 13:
            return not any(line.get(1) == name and abs(line.get(5) - reference) * 1000 > reference * most
                           for line in goods for name, reference, most in value)  # [RUL-10]
        case 14:
            return any(_in_window(window, now) for window in value)  # [RUL-11]
        case 15:
            return payment.intent.get(papers.CHANNEL) in value  # [RUL-12]
        case 16:
            return payment.intent.get(papers.DEVICE) in value  # [RUL-13]
        case 17:
            pinned = [key for merchant, key in value if merchant == payment.merchant]
            return not pinned or payment.offer_key in pinned  # [RUL-14]
        case 18:
            return below <= value  # [RUL-15]
        case 19:
            opens = payment.offer.get(papers.CAPTURE) == papers.BY_COMMAND
            return not opens or sum(one.held for one in lineage.entries) < value  # [RUL-16]
    raise AssertionError(label)


def _asks(label: int, value: Any, payment: Payment) -> bool:
    return not payment.paid_before if label == 20 else payment.amount > value  # [RUL-18] [RUL-19]


def evaluate(rules: Map, payment: Payment, lineage: Lineage, link: int, grant: int | None, below: int) -> bool:
    """Evaluates one map in the order of its labels [AUT-52]; answers whether one of them asks [AUT-53]."""
    asks = False
    for label, value in rules.pairs:
        if label in (20, 21):
            asks = asks or _asks(label, value, payment)
        elif not holds(label, value, payment, lineage, grant, below):
            place = {1: link, 3: label} if grant is None else {1: link, 2: grant, 3: label}
            raise Reject(RULES[label][1], place=place)
    return asks


def evaluate_link(mandate: Map, payment: Payment, lineage: Lineage, link: int, below: int) -> tuple[bool, int | None]:
    """Caps, then grants [AUT-51]: whether the link asks, and the grant taken."""
    asks = evaluate(mandate.get(papers.CAPS, Map(())), payment, lineage, link, None, below)
    grants = mandate.get(papers.GRANTS)
    taken: int | None = None
    if grants is not None:
        admitted: list[tuple[int, bool]] = []
        for at, rules in enumerate(grants):
            try:
                admitted.append((at, evaluate(rules, payment, lineage, link, at, below)))
            except Reject:
                if len(grants) == 1:
                    raise
        if not admitted:
            raise Reject("no-grant", place={1: link})  # [RUL-17]
        # The first that does not ask, else the first [CND-3].
        taken, asking = min(admitted, key=lambda one: one[1])
        asks = asks or asking
    if mandate.get(papers.MODE) == papers.SINGLE and papers.PARENT not in mandate:
        asks = False  # its signature is the confirmation [SGL-3]
    return asks, taken

