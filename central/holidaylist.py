"""What the package `holidays` knows of a country's free days, and for which years that is all there is to know.

Holidays whose date follows the moon are estimates until the joint decree of the ministers
comes out, a year at a time, with the joint leave in it. So a year without any joint leave
has no decree here. Making the list takes longer than everything that is asked of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import holidays

YEARS: Final = 3
"""This year and the next ones; later dates follow decrees that do not exist yet."""
_JOINT_LEAVE: Final = "Cuti Bersama"
_FEAST: Final = "Hari Raya Idul Fitri"
_FAST: Final = timedelta(days=30)
"""Ramadan has 29 or 30 days; it ends with the day before the feast."""


def years(year: int) -> range:
    """Return the years that are looked at in `year`."""
    return range(year - 1, year + YEARS)


@lru_cache(maxsize=32)
def listed(country: str, year: int) -> Mapping[date, str]:
    """Return public holidays and joint leave from the year before `year` on."""
    wanted = ("public", "government")
    return dict(holidays.country_holidays(country, years=years(year), language="id", categories=wanted).items())


def decreed(free_days: Mapping[date, str]) -> frozenset[int]:
    """Return the years whose joint leave is known."""
    return frozenset(day.year for day, name in free_days.items() if _JOINT_LEAVE in name)


def fasts(free_days: Mapping[date, str]) -> Iterable[tuple[date, date]]:
    """Yield the first and last day of each Ramadan; a day off where the feast is still an estimate."""
    for day, name in sorted(free_days.items()):
        if name.startswith(_FEAST):
            yield day - _FAST, day - timedelta(days=1)
