"""A session's words in the texts of presets."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.placeholders import filled, unknown, words_of
from contract.messages import PlannedSession
from contract.words import SessionStatus
from drivers.verbs import Memory, SceneName, Title

PLAN = PlannedSession(
    id="s-1",
    rev=1,
    status=SessionStatus.CONFIRMED,
    title="Rakor Inflasi {title}",
    agency="Biro Perekonomian",
    start=datetime(2026, 11, 25, 2, 0, tzinfo=UTC),
    end=datetime(2026, 11, 25, 4, 30, tzinfo=UTC),
    prepare_at=datetime(2026, 11, 25, 1, 30, tzinfo=UTC),
)


def test_the_words_are_the_sessions_in_the_rooms_own_time() -> None:
    words = words_of(PLAN, "Praja I", "Asia/Pontianak")
    told = filled(Title(input="Judul", text="{title} | {agency} | {start}-{end} | {room}"), words)
    assert told == Title(input="Judul", text="Rakor Inflasi {title} | Biro Perekonomian | 09.00-11.30 | Praja I")


def test_without_a_session_only_the_room_has_a_name() -> None:
    told = filled(Title(input="Judul", text="{room}: {title}"), words_of(None, "Praja I", "Asia/Pontianak"))
    assert told == Title(input="Judul", text="Praja I: ")


def test_arguments_without_words_stay_as_they_are() -> None:
    for arguments in (Memory(memory=3), SceneName(name="Jeda")):
        assert filled(arguments, words_of(PLAN, "Praja I", "Asia/Pontianak")) is arguments


def test_a_word_that_nobody_knows_is_found() -> None:
    assert unknown(Title(input="Judul", text="{titel} {agency} {}")) == ["titel"]
