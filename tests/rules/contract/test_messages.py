"""What every message promises, whatever its fields."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contract import (
    MAX_PACKET_BYTES,
    Ack,
    Entry,
    EntryBatch,
    MessageError,
    PlannedSession,
    RoomTopics,
    Schedule,
    SessionStatus,
    new_id,
    room_of,
)

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def planned(**changes: object) -> dict[str, object]:
    plan: dict[str, object] = {
        "id": "s1",
        "rev": 1,
        "status": SessionStatus.CONFIRMED,
        "title": "Rakor",
        "agency": "Bappeda",
        "start": NOW,
        "end": NOW + timedelta(hours=1),
        "prepare_at": NOW - timedelta(minutes=30),
    }
    return plan | changes


def entry(seq: int) -> Entry:
    return Entry(seq=seq, id=new_id(), kind="note.added", at=NOW, mono_ms=seq, boot="b")


def test_a_newer_message_is_read_by_an_older_side() -> None:
    newer = b'{"v": 9, "id": "x", "at": "2026-11-23T02:00:00Z", "stream": "s", "upto": 4, "colour": "blue"}'
    assert (Ack.decode(newer).upto, Ack.decode(newer).v) == (4, 9)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(MessageError, match="at: Input should have timezone info"):
        Ack.decode(b'{"v": 1, "id": "x", "at": "2026-11-23T02:00:00", "stream": "s", "upto": 4}')


def test_times_cross_the_wire_in_utc() -> None:
    session = PlannedSession.model_validate(planned(start="2026-11-23T09:00:00+07:00"))
    assert '"start":"2026-11-23T02:00:00Z"' in session.model_dump_json()


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        (b"", "Invalid JSON"),
        (b"\xff\x00", "Invalid JSON"),
        (b'{"stream": 1, "upto": -1}', "stream: .*; upto: "),
        (b"x" * (MAX_PACKET_BYTES + 1), "at most 262144 bytes"),
    ],
)
def test_wrong_bytes_are_one_clear_error_with_all_mistakes(payload: bytes, named: str) -> None:
    with pytest.raises(MessageError, match=named):
        Ack.decode(payload)


def test_a_session_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="prepare_at <= start < end"):
        PlannedSession.model_validate(planned(end=NOW - timedelta(hours=1)))


def test_a_torn_schedule_is_refused() -> None:
    with pytest.raises(ValueError, match="count says 2 sessions, found 1"):
        Schedule.model_validate({"epoch": "e", "rev": 1, "window": (NOW, NOW), "count": 2, "sessions": [planned()]})


def test_a_batch_with_a_gap_is_refused() -> None:
    assert EntryBatch(room="r", stream="s", entries=(entry(4), entry(5))).entries[-1].seq == 5
    with pytest.raises(ValueError, match="rise by one"):
        EntryBatch(room="r", stream="s", entries=(entry(4), entry(6)))


def test_ids_of_one_process_rise() -> None:
    ids = [new_id() for _ in range(5000)]
    assert ids == sorted(set(ids))


def test_a_topic_gives_its_room_back() -> None:
    assert room_of(RoomTopics("praja-1").alert("camera-1")) == ("praja-1", "up/alert/camera-1")
    for wrong in ("siaga/2/room/r/up/ev", "siaga/1/central/state", "siaga/1/room/r"):
        with pytest.raises(ValueError, match="topic must look like"):
            room_of(wrong)
