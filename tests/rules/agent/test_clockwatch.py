"""Clocks held side by side: set forward, set back, asleep."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agent.clockwatch import ClockWatch, Disturbance

SECOND = timedelta(seconds=1)


class Hands:
    """Clocks that a test turns."""

    def __init__(self) -> None:
        self.wrong = timedelta(0)
        self.wall, self.mono, self.awake = datetime(2026, 11, 24, tzinfo=UTC), timedelta(0), timedelta(0)

    def now(self) -> datetime:
        return self.wall

    def mono_ms(self) -> int:
        return round(self.mono / timedelta(milliseconds=1))

    def awake_ms(self) -> int:
        return round(self.awake / timedelta(milliseconds=1))

    def wrong_by(self) -> timedelta:
        return self.wrong

    def turn(self, wall: timedelta, mono: timedelta, awake: timedelta) -> None:
        self.wall += wall
        self.mono += mono
        self.awake += awake


@pytest.mark.parametrize(
    ("wall_s", "mono_s", "awake_s", "jumped_s", "slept_s"),
    [
        (1, 1, 1, 0, 0),
        (1.5, 1, 1, 0, 0),
        (3601, 1, 1, 3600, 0),
        (-3599, 1, 1, -3600, 0),
        (600, 600, 1, 0, 599),
        (4200, 600, 1, 3600, 599),
    ],
)
def test_what_is_noticed(wall_s: float, mono_s: float, awake_s: float, jumped_s: float, slept_s: float) -> None:
    hands = Hands()
    watch = ClockWatch(hands)
    hands.turn(wall_s * SECOND, mono_s * SECOND, awake_s * SECOND)
    assert watch.look() == Disturbance(jumped_s * SECOND, slept_s * SECOND)
    assert watch.look() == Disturbance()


def test_a_machine_that_is_set_and_not_followed_is_noticed_when_it_goes_and_when_it_comes_back() -> None:
    hands = Hands()
    watch = ClockWatch(hands)
    for set_to, refused in ((3600, 3600), (3600, 0), (0, -3600), (1, 0)):
        hands.turn(SECOND, SECOND, SECOND)
        hands.wrong = set_to * SECOND
        assert watch.look() == Disturbance(refused=refused * SECOND)
