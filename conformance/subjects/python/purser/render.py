"""The standard rendering of mandates, offers and confirmations (chapter 12)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Callable

from . import papers
from .cbor import Map
from .errors import EXPONENTS, REGISTRIES, RULES
from .keys import point_of, thumbprint

SCREEN, VOICE = "screen", "voice"
KINDS = {1: "charge", 2: "metered", 3: "subscription", 4: "pack"}
LINES = {None: "goods", 2: "discount", 3: "tax", 4: "delivery", 5: "tip"}
CHANNELS = {1: "online", 2: "code", 3: "voice", 4: "vehicle", 5: "glasses"}
MODES = {1: "single", 2: "conditional", 3: "quota"}
HOLD_SECONDS = 604_800


def _phrases() -> dict[tuple[str, str, str], str]:
    # The text is all that follows the third comma: it is not quoted.
    lines = (REGISTRIES / "phrases.csv").read_text(encoding="utf-8").split("\n")[1:]
    rows = (line.split(",", 3) for line in lines if line)
    return {(key, language, medium): text for key, language, medium, text in rows}


def _legible() -> list[tuple[int, int, str]]:
    lines = (REGISTRIES / "legible.csv").read_text(encoding="utf-8").split("\n")[1:]
    rows = (line.split(",", 3) for line in lines if line)
    return [(int(first, 16), int(last, 16), kind) for first, last, kind, _ in rows]


PHRASES = _phrases()
LEGIBLE = _legible()


def kind_of(char: str) -> str:
    """`letter`, `sign` or `space` of the table of legible characters, else `other`."""
    return next((kind for first, last, kind in LEGIBLE if first <= ord(char) <= last), "other")


@dataclass(frozen=True)
class Line:
    key: str
    level: int
    text: str


class Text:
    """A text that is being made, in a language and for a medium."""

    def __init__(self, language: str, medium: str) -> None:
        self.language, self.medium = language, medium
        self.voice = medium == VOICE
        self.lines: list[Line] = []

    def phrase(self, key: str) -> str | None:
        """The phrase for the medium, or else the one for both [RND-3]."""
        found = PHRASES.get((key, self.language, self.medium))
        return PHRASES.get((key, self.language, "both")) if found is None else found

    def say(self, key: str, /, **holes: str) -> str:
        """A phrase with its holes filled, once."""
        phrase = self.phrase(key)
        assert phrase is not None, key
        return re.sub(r"\{([a-z]+)\}", lambda hole: holes[hole[1]], phrase)

    def line(self, key: str, phrase: str, level: int = 0, /, **holes: Callable[[], str]) -> None:
        """A line, unless the medium has none."""
        if self.phrase(phrase) is not None:
            filled = {name: hole() for name, hole in holes.items() if "{" + name + "}" in (self.phrase(phrase) or "")}
            self.lines.append(Line(key, level, self.say(phrase, **filled)))

    def __str__(self) -> str:
        indent = "" if self.voice else "  "
        return "".join(indent * line.level + line.text + "\n" for line in self.lines)  # [RND-4]

    # Numbers, money and time.

    def figures(self, digits: str) -> str:
        """Figure by figure."""
        return self.joined([self.say(f"number.{one}") for one in digits]) if self.voice else digits

    def joined(self, words: list[str]) -> str:
        return ("" if self.language == "zh" else " ").join(words)

    def number(self, value: int) -> str:
        """A whole number [RND-6] [RND-7] [RND-8]."""
        if not self.voice:
            return f"{value:,}"
        if value >= 10**16:
            return self.figures(str(value))
        if value == 0:
            return self.say("number.0")
        if self.language == "zh":
            said = self._chinese(value)
            head = self.say("number.1") + self.say("number.10")
            return said[len(self.say("number.1")):] if said.startswith(head) else said
        return " ".join(self._english(value))

    def _english(self, value: int) -> list[str]:
        words: list[str] = []
        for power in range(15, -1, -3):
            group = value // 10**power % 1000
            if group >= 100:
                words += [self.say(f"number.{group // 100}"), self.say("number.100")]
            rest = group % 100
            if rest >= 20:
                words.append(self.say(f"number.{rest // 10 * 10}"))
                rest %= 10
            if rest:
                words.append(self.say(f"number.{rest}"))
            if group and power:
                words.append(self.say(f"number.{10**power}"))
        return words

    def _chinese(self, value: int) -> str:
        if value < 10:
            return self.say(f"number.{value}")
        unit = next(unit for unit in (10**8, 10**4, 1000, 100, 10) if value >= unit)
        rest = value % unit
        said = self._chinese(value // unit) + self.say(f"number.{unit}")
        if not rest:
            return said
        return said + (self.say("number.0") if rest * 10 < unit else "") + self._chinese(rest)

    def decimal(self, value: int, places: int, least: bool = False) -> str:
        """A number of so many decimals; `least` leaves out those that are all 0 on a screen too."""
        whole, digits = divmod(value, 10**places)
        decimals = f"{digits:0{places}}" if places else ""
        if not decimals or not int(decimals) and (self.voice or least):
            return self.number(whole)
        if not self.voice:
            return f"{self.number(whole)}.{decimals}"
        return self.joined([self.number(whole), self.say("number.point"), self.figures(decimals)])

    def money(self, amount: int, currency: str) -> str:
        return self.say("money", number=self.decimal(amount, EXPONENTS[currency]), code=currency,
                        currency=self.say(f"currency.{currency}"))

    def percent(self, thousandths: int) -> str:
        return self.say("percent", number=self.decimal(thousandths, 1, least=True))

    def counted(self, unit: str, value: int) -> str:
        return self.say(f"{unit}.{'one' if value == 1 else 'many'}", number=self.number(value))

    def time(self, moment: int) -> str:
        """An instant in universal time [RND-9]."""
        at = datetime.fromtimestamp(moment, timezone.utc)
        month = self.say(f"month.{at.month}")
        if not self.voice:
            return self.say("time", day=str(at.day), month=month, year=str(at.year), hour=f"{at.hour:02}",
                            minute=f"{at.minute:02}", second=f"{at.second:02}")
        year = self.figures(str(at.year)) if self.language == "zh" else self.number(at.year)
        return self.say("time", day=self.number(at.day), month=month, year=year,
                        hour=self.counted("clock.hour", at.hour), minute=self.counted("clock.minute", at.minute),
                        second=self.counted("clock.second", at.second))

    def duration(self, seconds: int) -> str:
        """A length of time [RND-10]."""
        found = []
        for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
            value, seconds = divmod(seconds, size)
            if value:
                found.append(self.counted(f"unit.{unit}", value))
        return self.say("unit.join").join(found)

    def zone(self, name: str) -> str:
        return self.sayable(name) if self.voice else name

    def period(self, period: list[Any]) -> str:
        if period[0] == 2:
            return self.say("period.rolling", duration=self.duration(period[1]))
        unit = ("day", "week", "month", "year")[period[1] - 1]
        if period[0] == 3:
            return self.say(f"term.{unit}", time=self.time(period[3]), zone=self.zone(period[2]))
        return self.say(f"period.{unit}", zone=self.zone(period[2]))

    def minute(self, minutes: int) -> str:
        hour, minute = divmod(minutes, 60)
        if not self.voice:
            return self.say("minute", hour=f"{hour:02}", minute=f"{minute:02}")
        return self.say("minute", hour=self.counted("clock.hour", hour),
                        minute=self.counted("clock.minute", minute))

    def window(self, window: list[Any]) -> str:
        """A window of the week [RND-23]."""
        zone, weekdays, start, until = window
        days = [self.say(f"day.{day + 1}") for day in range(7) if weekdays >> day & 1]
        said = self.say("days.all") if len(days) == 7 else self.list(days)
        return self.say("window", days=said, zone=self.zone(zone), **{"from": self.minute(start)},
                        until=self.minute(until))

    # Names, digests and other people's words.

    def list(self, entries: list[str]) -> str:
        return self.say("list").join(entries)

    def party(self, name: str) -> str:
        """A party by its id as it stands [RND-11]."""
        if self.voice:
            return self.say("name", said=self.sayable(name), letters=" ".join(self.sayable(one) for one in name))
        marks = "".join(figure for figure in "01" if figure in name)
        return self.say(f"name.{marks}" if marks else "name", name=name)

    def digest(self, value: bytes) -> str:
        """An id or a digest [RND-15]."""
        return self.say("digest", digits=" ".join(value.hex()[:16]) if self.voice else value.hex())

    def sayable(self, text: str) -> str:
        """Runs of letters as words, and every sign by its name [RND-14]."""
        said: list[str] = []
        run = ""
        for at, char in enumerate(text):
            kind = kind_of(char)
            if kind == "letter":
                run += char
                continue
            if run:
                said.append(run)
                run = ""
            if kind == "space" and not stands_out(text, at):
                continue
            number = f"{ord(char):04X}"
            name = self.phrase(f"sign.{number}")
            said.append(self.say("sign", digits=" ".join(number)) if name is None else name)
        return " ".join(said + ([run] if run else []))

    def legible(self, text: str) -> str:
        """Every character as it is that the table lists, and every other by its number [RND-12]."""
        def one(at: int, char: str) -> str:
            plain = kind_of(char) != "other" and not (char == " " and stands_out(text, at))
            return char if plain else f"{{U+{ord(char):04X}}}"
        return "".join(one(at, char) for at, char in enumerate(text))

    def quote(self, text: str, most: int | None = None) -> str:
        """A text that an agent or a merchant chose, cut where it is only words [RND-13]."""
        shown = text if most is None else text[:most]
        if self.voice:
            letters = "".join(char for char in shown if kind_of(char) == "letter")
            lower = re.sub("[A-Z]", lambda found: found[0].lower(), letters)
            if self.say("quote.word") in lower:
                return self.say("quote.unsaid", count=self.number(len(text)))
        said = self.sayable(shown) if self.voice else self.legible(shown)
        if shown == text:
            return self.say("quote", text=said)
        return self.say("quote.cut", text=said, count=self.number(len(text) - len(shown)))


def stands_out(text: str, at: int) -> bool:
    """Whether a space is first or last or behind a space."""
    return at in (0, len(text) - 1) or text[at - 1] == " "


# The papers.


def mandate(payload: Map, language: str, medium: str) -> Text:
    """The text of a mandate [RND-17]."""
    t = Text(language, medium)
    get, currency = payload.get, payload.get(papers.CURRENCY)
    mode, grants = MODES[get(papers.MODE)], get(papers.GRANTS, [])
    t.line("title", f"mandate.{mode}")
    many = "" if mode != "conditional" else ".one" if len(grants) == 1 else ".many"
    t.line("mode", f"mode.{mode}{many}", count=lambda: t.number(len(grants)))
    cnf = get(papers.CNF)
    if 1 in cnf:
        t.line("cnf", "holder.agent", key=lambda: t.digest(thumbprint(point_of(cnf.get(1), "schema"))))
    else:
        t.line("cnf", "holder.merchant", merchant=lambda: t.party(cnf.get(-1)))
    t.line("aud", "issuer", issuer=lambda: t.party(get(papers.AUD)))
    t.line("sub", "account", account=lambda: t.digest(get(papers.SUB)))
    t.line("currency", "currency", currency=lambda: t.say(f"currency.{currency}"), code=lambda: currency)
    t.line("nbf", "from", time=lambda: t.time(get(papers.NBF)))
    t.line("exp", "until", time=lambda: t.time(get(papers.EXP)))
    if papers.PARENT in payload:
        t.line("parent", "parent", mandate=lambda: t.digest(get(papers.PARENT)))
    if papers.REPLACES in payload:
        t.line("replaces", "replaces", serial=lambda: t.number(get(papers.SERIAL)),
               mandate=lambda: t.digest(get(papers.REPLACES)))
    if papers.OFFER in payload:
        t.line("offer", "offer", offer=lambda: t.digest(get(papers.OFFER)))
    if papers.CAPS in payload:
        t.line("caps", "caps")
        _rules(t, "caps", get(papers.CAPS), currency)
    for at, rules in enumerate(grants):
        t.line(f"grants.{at}", "grant.one" if len(grants) == 1 else "grant.many",
               number=lambda at=at: t.number(at + 1), count=lambda: t.number(len(grants)))
        _rules(t, f"grants.{at}", rules, currency)
    if papers.FUNDED in payload:
        t.line("funded", "funded", amount=lambda: t.money(get(papers.FUNDED), currency))
    if papers.REFUND_RETURNS in payload:
        t.line("refund_returns", "refund_returns")
    t.line("rest", "rest")
    t.line("iat", "made", time=lambda: t.time(get(papers.IAT)))
    t.line("lineage", "lineage", lineage=lambda: t.digest(get(papers.LINEAGE)))
    if papers.CONVERSATION in payload:
        t.line("conversation", "conversation", digest=lambda: t.digest(get(papers.CONVERSATION)))
    return t


def _rules(t: Text, prefix: str, rules: Map, currency: str) -> None:
    """The lines of a map of rules [RND-16]."""
    for label, value in rules.pairs:
        name = RULES[label][0]

        def line(*place: int, phrase: str = f"rule.{name}", **holes: str) -> None:
            key = ".".join([prefix, name, *map(str, place)])
            t.line(key, phrase, 1, **{hole: (lambda text=text: text) for hole, text in holes.items()})

        match label:
            case 1 | 2 | 3 | 21:
                line(amount=t.money(value, currency))
            case 4:
                for at, (amount, period) in enumerate(value):
                    line(at, amount=t.money(amount, currency), period=t.period(period))
            case 5 | 19:
                line(count=t.number(value))
            case 6:
                for at, (count, period) in enumerate(value):
                    line(at, count=t.number(count), period=t.period(period))
            case 7 | 8:
                line(list=t.list([t.party(one) for one in value]))
            case 9 | 10:
                line(list=t.list([t.figures(f"{one:04}") for one in value]))
            case 11 | 12:
                line(list=t.list([t.quote(one) for one in value]))
            case 13:
                for at, (item, reference, most) in enumerate(value):
                    line(at, item=t.quote(item), amount=t.money(reference, currency), percent=t.percent(most))
            case 14:
                line(list=t.say("list.or").join(t.window(one) for one in value))
            case 15:
                line(list=t.list([t.say(f"channel.{CHANNELS[one]}") for one in value]))
            case 16:
                line(list=t.list([t.digest(one) for one in value]))
            case 17:
                merchants = list(dict.fromkeys(merchant for merchant, _ in value))
                for at, merchant in enumerate(merchants):
                    keys = [t.digest(key) for named, key in value if named == merchant]
                    line(at, merchant=t.party(merchant), list=t.list(keys))
            case 18:
                line(phrase="rule.depth.none" if value == 0 else "rule.depth.some", count=t.number(value))
            case 20:
                line()


def _offer_lines(t: Text, offer: Map, prefix: str, *keys: str) -> None:
    """The lines of an offer that are asked for, in the order of its table."""
    get, currency = offer.get, offer.get(papers.CURRENCY)
    for key in keys:
        name = prefix + key
        match key:
            case "kind":
                t.line(name, f"offer.{KINDS[get(papers.KIND)]}")
            case "currency":
                t.line(name, "priced", currency=lambda: t.say(f"currency.{currency}"), code=lambda: currency)
            case "capture":
                t.line(name, "capture.at_once" if get(papers.CAPTURE) == papers.AT_ONCE else "capture.by_command",
                       duration=lambda: t.duration(get(papers.HOLD_SECONDS, HOLD_SECONDS)))
            case "exp":
                t.line(name, "offer.until", time=lambda: t.time(get(papers.EXP)))
            case "items":
                t.line(name, "items")
                for at, item in enumerate(get(papers.ITEMS)):
                    _item(t, f"{name}.{at}", at, item, currency)


def _item(t: Text, key: str, at: int, item: Map, currency: str) -> None:
    quantity, price = item.get(4), item.get(5)
    t.line(key, "item.category" if 3 in item else "item", 1, number=lambda: t.number(at + 1),
           kind=lambda: t.say(f"line.{LINES[item.get(6)]}"), quantity=lambda: t.number(quantity),
           price=lambda: t.money(price, currency), sum=lambda: t.money(quantity * price, currency),
           name=lambda: t.quote(item.get(2), 40 if t.voice else 80), id=lambda: t.quote(item.get(1)),
           category=lambda: t.figures(f"{item.get(3):04}"))


def offer(payload: Map, language: str, medium: str) -> Text:
    """The text of an offer [RND-18]."""
    t = Text(language, medium)
    get, currency = payload.get, payload.get(papers.CURRENCY)
    _offer_lines(t, payload, "", "kind")
    t.line("iss", "merchant", merchant=lambda: t.party(get(papers.ISS)))
    t.line("amount", "total", amount=lambda: t.money(get(papers.AMOUNT), currency))
    _offer_lines(t, payload, "", "currency", "capture", "exp")
    for at, (issuer, account) in enumerate(get(papers.ACCEPTS)):
        t.line(f"accepts.{at}", "payee", issuer=lambda: t.party(issuer), account=lambda: t.quote(account))
    t.line("iat", "made", time=lambda: t.time(get(papers.IAT)))
    if papers.PSEUDONYM in payload:
        t.line("pseudonym", "pseudonym", pseudonym=lambda: t.digest(get(papers.PSEUDONYM)))
    if papers.RESOURCE in payload:
        t.line("resource", "resource", digest=lambda: t.digest(get(papers.RESOURCE)))
    t.line("cti", "nonce", nonce=lambda: t.digest(get(papers.CTI)))
    _offer_lines(t, payload, "", "items")
    return t


def confirmation(payload: Map, intent: Map, intent_id: bytes, sold: Map, language: str, medium: str) -> Text:
    """The text of a confirmation, from it, its intent and its offer [RND-19]."""
    t = Text(language, medium)
    get, amount = intent.get, t.money(intent.get(papers.AMOUNT), intent.get(papers.CURRENCY))
    t.line("title", "confirmation")
    t.line("intent.amount", "pay", amount=lambda: amount, merchant=lambda: t.party(sold.get(papers.ISS)))
    _offer_lines(t, sold, "offer.", "kind", "currency", "capture", "exp")
    issuer = payload.get(papers.AUD)
    accounts = [account for named, account in sold.get(papers.ACCEPTS) if named == issuer]
    t.line("aud", "payee" if accounts else "issuer", issuer=lambda: t.party(issuer),
           account=lambda: t.quote(accounts[0]))
    t.line("sub", "account", account=lambda: t.digest(payload.get(papers.SUB)))
    t.line("intent.iat", "asked", time=lambda: t.time(get(papers.IAT)))
    t.line("intent.mandate", "under", mandate=lambda: t.digest(get(papers.MANDATE)))
    if papers.CHANNEL in intent:
        t.line("intent.channel", "channel", channel=lambda: t.say(f"channel.{CHANNELS[get(papers.CHANNEL)]}"))
    if papers.DEVICE in intent:
        t.line("intent.device", "device", key=lambda: t.digest(get(papers.DEVICE)))
    if papers.PERIOD in intent:
        t.line("intent.period", "period", number=lambda: t.number(get(papers.PERIOD)))
    t.line("intent.offer", "for", offer=lambda: t.digest(get(papers.OFFER)))
    t.line("intent", "payment", intent=lambda: t.digest(intent_id))
    _offer_lines(t, sold, "offer.", "items")
    t.line("phrase", "answer", phrase=lambda: phrase(intent, intent_id, language))
    return t


def phrase(intent: Map, intent_id: bytes, language: str) -> str:
    """What a person says to agree [RND-20]."""
    t = Text(language, "voice")
    figures = f"{int.from_bytes(intent_id[:4], 'big') % 10_000:04}"
    return t.say("phrase", amount=t.money(intent.get(papers.AMOUNT), intent.get(papers.CURRENCY)),
                 digits=t.figures(figures))
