"""Holds the terms and periods of purser-protocol against Python's dateutil and zoneinfo, over ten years.

The zones are those of the package tzdata, and its version is that of the database that the protocol has compiled in:
what the machine has installed is not read.
"""

import argparse
import calendar
import datetime as dt
import subprocess
import sys
import zoneinfo

from dateutil.relativedelta import relativedelta

UTC = dt.timezone.utc
ZONES = (
    "UTC", "Asia/Shanghai", "Asia/Kolkata", "Asia/Tehran", "Europe/London", "Europe/Berlin", "America/New_York",
    "America/Sao_Paulo", "America/St_Johns", "Africa/Casablanca", "Australia/Lord_Howe", "Pacific/Apia",
    "Pacific/Kiritimati", "Asia/Gaza",
)
YEARS = range(2024, 2034)
DAY, WEEK, MONTH, YEAR = 1, 2, 3, 4
STEPS = {DAY: "days", WEEK: "weeks", MONTH: "months", YEAR: "years"}
# How many terms of each unit are ten years.
TERMS = {DAY: 3653, WEEK: 522, MONTH: 120, YEAR: 10}


def first_instant(wall, zone):
    """The first second at which the clocks show this or later: of two the first, of none the one that comes instead."""
    seconds = int(wall.replace(tzinfo=zone, fold=0).timestamp())
    if shown(seconds, zone) == wall:
        return seconds
    # Left out: somewhere within a day before, the clocks jump over it.
    low, high = seconds - 86_400, seconds + 86_400
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if shown(middle, zone) < wall else (low, middle)
    return high


def shown(seconds, zone):
    """What the clocks show, without saying where."""
    return dt.datetime.fromtimestamp(seconds, zone).replace(tzinfo=None)


def term(anchor, zone, unit, n):
    if n == 0:
        return anchor
    return first_instant(shown(anchor, zone) + relativedelta(**{STEPS[unit]: n}), zone)


def period(anchor, zone, unit):
    """The calendar period of a second in which no clock is put back over midnight."""
    midnight = shown(anchor, zone).replace(hour=0, minute=0, second=0)
    first = {
        DAY: midnight,
        WEEK: midnight - relativedelta(days=midnight.weekday()),
        MONTH: midnight.replace(day=1),
        YEAR: midnight.replace(month=1, day=1),
    }[unit]
    return first_instant(first, zone), first_instant(first + relativedelta(**{STEPS[unit]: 1}), zone)


def cases():
    """Terms from the ends of months and from around changes of clocks, and one of each day of ten years."""
    for name in ZONES:
        zone = zoneinfo.ZoneInfo(name)
        for month, day in ((1, 31), (2, 29), (3, 31), (10, 31), (12, 31), (3, 30)):
            wall = dt.datetime(2024, month, day, 2, 30)
            anchor = first_instant(wall, zone)
            for unit, count in TERMS.items():
                step = max(1, count // 120)
                for n in range(0, count + 1, step):
                    yield name, unit, anchor, n
        for year in YEARS:
            for month in range(1, 13):
                for day in range(1, calendar.monthrange(year, month)[1] + 1):
                    # Noon: no clock is put back over a midnight then.
                    yield name, (day % 4) + 1, first_instant(dt.datetime(year, month, day, 12), zone), day % 13


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="the example `calendar` of purser-protocol")
    program = parser.parse_args().program
    # The package's own files, not the machine's.
    zoneinfo.reset_tzpath(to=())
    asked = list(cases())
    lines = "".join(f"{name} {unit} {anchor} {n}\n" for name, unit, anchor, n in asked)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
    print(done.stderr.strip(), "- here", zoneinfo.ZoneInfo("UTC").key, "of tzdata", tzdata_version())
    answers = done.stdout.splitlines()
    if len(answers) != len(asked):
        sys.exit(f"{len(answers)} answers to {len(asked)} questions")
    wrong = 0
    for (name, unit, anchor, n), answer in zip(asked, answers):
        zone = zoneinfo.ZoneInfo(name)
        # Term n + 1 begins there; the second before is of term n.
        here = (term(anchor, zone, unit, n), n + 1, n, *period(anchor, zone, unit))
        if tuple(map(int, answer.split())) != here:
            wrong += 1
            if wrong <= 10:
                print(f"{name} unit {unit} anchor {anchor} n {n}: {answer}, here {here}")
    print(f"{len(asked)} terms and periods, {wrong} differ")
    sys.exit(1 if wrong else 0)


def tzdata_version():
    import importlib.metadata

    return importlib.metadata.version("tzdata")


if __name__ == "__main__":
    main()
