"""Expands recurrence rules with python-dateutil, for a comparison with ours.

Comes in: one JSON object a line on standard input: `rule` (an RRULE value, EXDATE lines after it),
`start_us` (the first begin, microseconds UTC), `zone` (IANA), `years` and `slots` (bounds). Goes
out: one JSON line for each, a list of begins in microseconds UTC.

dateutil expands civil times; zoneinfo makes instants of them, reading a time that clocks skip with
the offset from before the gap and one that comes twice as the first (PEP 495, fold 0).
"""

import json
import sys
import warnings
from datetime import date, datetime, time, timezone
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from dateutil.rrule import rrulestr

# It dislikes COUNT together with UNTIL, but that is how a search in vain is bounded.
warnings.simplefilter("ignore", DeprecationWarning)


def instant_us(civil: datetime, zone: ZoneInfo) -> int:
    """Returns the instant of a civil time."""
    return round(civil.replace(tzinfo=zone, fold=0).timestamp()) * 1_000_000


def read(text: str):
    """Reads a time: UTC as an instant, else a civil time or a date."""
    if text.endswith("Z"):
        at = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
        return round(at.timestamp()) * 1_000_000
    if "T" in text:
        return datetime.strptime(text, "%Y%m%dT%H%M%S")
    return datetime.strptime(text, "%Y%m%d").date()


def expand(case: dict) -> list[int]:
    """Returns the begins of one series."""
    zone = ZoneInfo(case["zone"])
    first_us = case["start_us"]
    start = datetime.fromtimestamp(first_us // 1_000_000, zone).replace(tzinfo=None, fold=0)
    rule, *lines = case["rule"].splitlines()
    parts = rule.split(";")
    until = [read(part[6:]) for part in parts if part.startswith("UNTIL=")]
    excluded = [read(text) for line in lines for text in line.split(":")[1].split(",")]
    end = datetime.combine(start.date() + relativedelta(years=case["years"]), time.min)
    if until and type(until[0]) is date:
        # dateutil reads a date as its midnight; ours includes the day.
        end = min(end, datetime.combine(until[0], time.max))
    plain = ";".join(part for part in parts if not part.startswith("UNTIL="))

    begins: list[int] = []
    for civil in rrulestr(plain, dtstart=start).replace(until=end):
        if civil >= end:
            break
        begin = first_us if civil == start else instant_us(civil, zone)
        if until and isinstance(until[0], int) and begin > until[0]:
            break
        of_civil = [at for at in excluded if type(at) is datetime]
        if begin in excluded or civil.date() in [at for at in excluded if type(at) is date]:
            continue
        if begin in [instant_us(at, zone) for at in of_civil] or begins[-1:] == [begin]:
            continue
        begins.append(begin)
        if len(begins) == case["slots"]:
            break
    return begins


for one in [json.loads(line) for line in sys.stdin]:
    print(json.dumps(expand(one)))
