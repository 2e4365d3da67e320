"""Whose turn it is: orders one after the other, muting everything before them all."""

from __future__ import annotations

from drivers.audio.lines import Line
from drivers.audio.turns import Turns

MUTE_ALL: Line = {"do": "mute_all"}
OPEN: Line = {"do": "mute", "port": "microphone", "on": False}
LOOK: Line = {"do": "look"}
MUTE: Line = {"do": "mute", "port": "microphone", "on": True}


def taken(*orders: Line) -> list[tuple[Line | None, bool]]:
    turns = Turns()
    for order in orders:
        turns.put(order)
    return [(turn.order, turn.overtaken) for turn in (turns.get() for _ in orders)]


def test_orders_keep_their_turn() -> None:
    assert taken(OPEN, MUTE, OPEN) == [(OPEN, False), (MUTE, False), (OPEN, False)]


def test_muting_all_goes_first_and_what_would_open_a_port_is_overtaken() -> None:
    assert taken(OPEN, MUTE, MUTE_ALL) == [(MUTE_ALL, False), (OPEN, True), (MUTE, False)]


def test_a_look_around_waits_for_what_somebody_waits_for() -> None:
    assert taken(LOOK, OPEN, MUTE) == [(OPEN, False), (MUTE, False), (LOOK, False)]


def test_what_is_ordered_after_it_is_not() -> None:
    assert taken(MUTE_ALL, OPEN) == [(MUTE_ALL, False), (OPEN, False)]


def test_the_end_comes_after_all_that_waits() -> None:
    turns = Turns()
    turns.put(OPEN)
    turns.put(None)
    assert [turns.get().order, turns.get().order] == [OPEN, None]
