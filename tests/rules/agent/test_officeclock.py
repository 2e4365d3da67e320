"""Which time counts in a room: three witnesses, and two that agree are right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agent.officeclock import CLOSE, OfficeClock
from tests.rules.agent.test_clockwatch import SECOND, Hands

HOUR = timedelta(hours=1)


class World:
    """What time it really is, a machine that may be set wrong, and a central that may be wrong too."""

    def __init__(self, *, machine_off: timedelta = timedelta(0)) -> None:
        self.true = datetime(2026, 11, 24, 1, tzinfo=UTC)
        self.hands = Hands()
        self.hands.wall = self.true + machine_off
        self.clock = OfficeClock(self.hands)

    def passes(self, time: timedelta) -> None:
        self.true += time
        self.hands.turn(time, time, time)

    def set(self, by: timedelta) -> None:
        self.hands.wall += by

    def hear(self, *, off: timedelta = timedelta(0)) -> None:
        self.clock.hear(self.true + off)

    @property
    def off(self) -> timedelta:
        """How far what counts is from the truth."""
        return self.clock.now() - self.true


def test_without_central_the_machine_is_all_there_is() -> None:
    world = World()
    world.set(HOUR)
    assert world.off == HOUR
    assert world.clock.wrong_by() == timedelta(0)


def test_a_machine_that_is_set_is_not_followed_once_central_agreed_with_it_even_if_central_is_gone() -> None:
    world = World()
    world.hear()
    world.passes(9 * HOUR)
    for by in (HOUR, -2 * HOUR, timedelta(days=-9000)):
        world.clock.now()
        world.set(by)
        world.passes(SECOND)
        assert world.off == timedelta(0)
    assert world.clock.wrong_by() == HOUR - 2 * HOUR - timedelta(days=9000)


def test_a_machine_that_is_put_right_is_followed_again() -> None:
    world = World()
    world.hear()
    world.set(HOUR)
    world.passes(HOUR)
    world.set(-HOUR)
    assert (world.off, world.clock.wrong_by()) == (timedelta(0), timedelta(0))


def test_small_corrections_are_followed_for_ever() -> None:
    world = World()
    world.hear()
    for _ in range(60):
        world.passes(HOUR)
        world.set(CLOSE / 2)
        assert world.clock.wrong_by() == timedelta(0)
    assert world.off == 60 * CLOSE / 2


def test_a_machine_that_starts_years_in_the_past_is_corrected_by_the_first_word_of_central() -> None:
    world = World(machine_off=timedelta(days=-9000))
    world.hear()
    assert world.off == timedelta(0)
    world.passes(HOUR)
    world.set(timedelta(days=9000))  # a time server was reached
    assert (world.off, world.clock.wrong_by()) == (timedelta(0), timedelta(0))


def test_a_central_that_is_wrong_alone_is_not_followed_and_its_own_time_is_known() -> None:
    world = World()
    world.hear()
    for _ in range(3):
        world.passes(10 * SECOND)
        world.hear(off=HOUR)
    assert world.off == timedelta(0)
    assert world.clock.central_now() == world.true + HOUR


def test_where_all_differ_central_must_say_so_twice_as_far_apart_as_it_was() -> None:
    world = World()
    world.hear()
    world.set(-HOUR)
    world.hear(off=HOUR)
    world.passes(10 * SECOND)
    world.hear(off=HOUR + 20 * SECOND)  # one of these two was held up
    assert world.off == timedelta(0)
    world.passes(10 * SECOND)
    world.hear(off=HOUR + 20 * SECOND)
    assert world.off == HOUR + 20 * SECOND


def test_a_machine_that_wandered_off_is_corrected_when_central_says_so_twice() -> None:
    world = World()
    world.hear()
    for _ in range(20):
        world.passes(24 * HOUR)
        world.set(SECOND)
        assert world.clock.wrong_by() == timedelta(0)
    for _ in range(2):
        assert world.off == 20 * SECOND
        world.hear()
        world.passes(SECOND)
    assert (world.off, world.clock.wrong_by()) == (timedelta(0), 20 * SECOND)


def test_words_of_one_moment_are_one_word() -> None:
    world = World()
    world.hear()
    world.set(-HOUR)
    for _ in range(5):
        world.hear(off=HOUR)
    assert world.off == timedelta(0)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pass", "set", "hear"]),
        st.integers(min_value=-86_400, max_value=86_400).filter(lambda seconds: seconds != 0),
    ),
    max_size=40,
)


@given(STEPS)
def test_with_a_central_that_is_right_what_counts_is_right_from_its_first_word_on(steps: list[tuple[str, int]]) -> None:
    world, heard, slack = World(machine_off=HOUR), False, timedelta(0)
    for deed, seconds in steps:
        if deed == "pass":
            world.passes(abs(seconds) * SECOND)
        elif deed == "hear":
            world.hear()
            heard = True
        else:
            world.set(seconds * SECOND)
            slack += CLOSE  # what is as small as a time server's correction may be one
        if heard:
            assert abs(world.off) <= slack + CLOSE
