"""When starts in a row are a crash loop, and when they are not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent import starts
from agent.clock import SystemClock
from agent.fault import bug_of
from agent.journal import Journal
from agent.mode import Mode
from agent.starts import TOO_MANY, WITHIN, Starts
from agent.store import Store
from contract.words import EntryKind


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path)) as store:
        yield store


def test_starts_in_a_row_add_up(store: Store) -> None:
    assert [Starts(store).count() for _ in range(TOO_MANY)] == list(range(1, TOO_MANY + 1))


def test_starts_long_ago_do_not_count(store: Store) -> None:
    assert Starts(store, lambda: 0.0).count() == 1
    assert Starts(store, lambda: WITHIN.total_seconds() + 1).count() == 1


def test_an_agent_that_was_sound_has_no_past(store: Store) -> None:
    counted = Starts(store, lambda: 1.0)
    counted.count()
    counted.forget()
    assert counted.count() == 1


def test_power_cuts_are_no_crash_loop(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    power_on = ["first"]
    monkeypatch.setattr(starts, "_machine", lambda: power_on[0])
    for number in range(TOO_MANY):
        power_on[0] = str(number)
        assert Starts(store, lambda: 1.0).count() == 1


def test_after_a_return_to_automatic_one_failure_is_too_many(store: Store) -> None:
    Starts(store, lambda: 1.0).on_probation()
    assert Starts(store, lambda: 2.0).count() == TOO_MANY


@pytest.mark.parametrize("kept", ["", "no json", "[]", '{"at_s": 3}', '{"machine": "m", "at_s": ["x"]}'])
def test_a_count_that_cannot_be_read_stops_nothing(store: Store, kept: str) -> None:
    store.keep_fact("starts", kept)
    assert Starts(store).count() == 1


def test_by_hand_alone_outlives_a_restart(store: Store, tmp_path: Path) -> None:
    clock = SystemClock()
    journal = Journal(store, clock, "boot-1")
    Mode(store, journal, Starts(store), clock).go_manual("ZeroDivisionError: no", starts=5)
    again = Mode(store, journal, Starts(store), clock)
    assert again.manual is not None
    assert again.manual.bug == "ZeroDivisionError: no"
    again.go_automatic("tablet 127.0.0.1")
    assert Mode(store, journal, Starts(store), clock).manual is None
    assert [(e.body["mode"], e.who) for e in journal.recent(9) if e.kind == EntryKind.MODE] == [
        ("manual", ""),
        ("automatic", "tablet 127.0.0.1"),
    ]


def test_a_bug_inside_groups_of_groups_is_named_with_its_place() -> None:
    def breaks() -> None:
        raise KeyError("no\n such thing")

    with pytest.raises(KeyError) as raised:
        breaks()
    found = bug_of(ExceptionGroup("outer", [ExceptionGroup("inner", [raised.value, ValueError("another")])]))
    assert found.error == "KeyError: 'no\\n such thing'"
    assert found.where.startswith("tests/service/agent/test_starts.py:")
    assert found.where.endswith(" breaks")
    assert str(found).endswith("(and 1 more)")
