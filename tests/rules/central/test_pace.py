"""How often one address may ask: a burst, then so many a minute; nobody pays for another, and memory is bounded."""

from __future__ import annotations

import pytest

from central.errors import TooMany
from central.pace import KEPT_AT_MOST, Pace, Rate


def test_a_burst_then_so_many_a_minute() -> None:
    now = [0.0]
    pace = Pace(Rate(3, 60), clock=lambda: now[0])
    for _ in range(3):
        pace.take("192.0.2.1")
    with pytest.raises(TooMany) as refused:
        pace.take("192.0.2.1")
    assert refused.value.after.total_seconds() == pytest.approx(1)
    pace.take("192.0.2.2")
    now[0] += 1
    pace.take("192.0.2.1")
    with pytest.raises(TooMany):
        pace.take("192.0.2.1")
    now[0] += 3600
    for _ in range(3):
        pace.take("192.0.2.1")
    with pytest.raises(TooMany):
        pace.take("192.0.2.1")


def test_addresses_of_one_house_share_and_the_longest_silent_is_forgotten() -> None:
    pace = Pace(Rate(1, 1), clock=lambda: 0.0)
    pace.take("2001:db8::1")
    with pytest.raises(TooMany):
        pace.take("2001:db8::2")
    for number in range(KEPT_AT_MOST):
        pace.take(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    pace.take("2001:db8::1")
