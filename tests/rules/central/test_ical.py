"""iCalendar: what is written is read back, and what others write badly is read as far as it goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.ical import EVENTS_AT_MOST, Event, read, write

ZONE = ZoneInfo("Asia/Pontianak")
NOW = datetime(2026, 11, 3, 2, 17, tzinfo=UTC)
TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Co", "Cn", "Zs"), include_characters=" \n"),
    max_size=90,
)


def calendar(*lines: str) -> str:
    return "\r\n".join(("BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"))


@given(summary=TEXT, location=TEXT, minutes=st.integers(1, 100_000), sequence=st.integers(0, 10**6), gone=st.booleans())
def test_what_is_written_is_read_back(summary: str, location: str, minutes: int, sequence: int, gone: bool) -> None:
    event = Event(
        "a@siaga", NOW, NOW + timedelta(minutes=minutes), summary.strip(), location.strip(), "", sequence, gone
    )
    text = write([event], name="Uji", stamp=NOW)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    events, unread = read(text, ZONE)
    assert unread == ()
    assert events == (event,)


@given(
    st.text(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                "BEGIN:VEVENT",
                "END:VEVENT",
                "BEGIN:VALARM",
                "END:VALARM",
                "DTSTART:20261103T091700",
                "DTSTART;VALUE=DATE:20261399",
                "DTEND:x",
                "DURATION:PT1H",
                "RRULE:FREQ=DAILY",
                "SUMMARY:\\",
                " folded",
                ":",
                'DTSTART;TZID="a:b":20261103T091700',
            ]
        )
    ).map("\n".join)
)
def test_any_text_is_read_as_far_as_it_goes(text: str) -> None:
    events, unread = read(text, ZONE)
    assert all(event.starts < event.ends for event in events)
    assert all(one.line >= 1 and one.text for one in unread)


def test_calendars_of_other_makers() -> None:
    outlook = calendar(
        "DTSTART;TZID=SE Asia Standard Time:20261103T091700", "DTEND;TZID=SE Asia Standard Time:20261103T101700",
        "SUMMARY;LANGUAGE=id:Cuti\\, keluarga",
        "BEGIN:VALARM", "DESCRIPTION:no", "DTSTART:19700101T000000Z", "END:VALARM",
    )  # fmt: skip
    (event,) = read(outlook, ZONE)[0]
    assert (event.starts, event.summary) == (NOW, "Cuti, keluarga")
    (whole,) = read(calendar("DTSTART;VALUE=DATE:20261103", "SUMMARY:Libur"), ZONE)[0]
    assert whole.ends - whole.starts == timedelta(days=1)
    assert whole.starts == datetime(2026, 11, 3, tzinfo=ZONE)
    (spanned,) = read(calendar("DTSTART:20261103T021700Z", "DURATION:P1DT2H").replace("\r\n", "\n"), ZONE)[0]
    assert spanned.ends - spanned.starts == timedelta(days=1, hours=2)
    (unended,) = read("BEGIN:VEVENT\nDTSTART:20261103T021700Z\nSUMMARY:a\n b", ZONE)[0]
    assert unended.summary == "ab"
    (moved,) = read(calendar('DTSTART;TZID="Asia/Makassar":20261103T101700'), ZONE)[0]
    assert moved.starts == NOW


def test_what_cannot_be_read_is_named_by_its_line() -> None:
    text = (
        calendar("DTSTART:soon")
        + "\r\n"
        + calendar("SUMMARY:x")
        + "\r\n"
        + calendar("DTSTART:20261103T091700", "RRULE:FREQ=DAILY")
    )
    events, unread = read(text, ZONE)
    assert events == ()
    assert [one.line for one in unread] == [2, 7, 12]
    assert "'soon'" in unread[0].text
    assert "DTSTART" in unread[1].text
    assert "recurs" in unread[2].text
    backwards = calendar("DTSTART:20261103T091700", "DTEND:20261103T081700")
    assert "ends before it starts" in read(backwards, ZONE)[1][0].text


def test_zones_as_windows_names_them_are_known() -> None:
    (event,) = read(calendar("DTSTART;TZID=Tokyo Standard Time:20261103T111700", "SUMMARY:x"), ZONE)[0]
    assert event.starts == NOW
    (hyphened,) = read(calendar("DTSTART:2026-11-03T02:17:00Z", "SUMMARY:x"), ZONE)[0]
    assert hyphened.starts == NOW


HOSTILE = {
    "begins within begins": "BEGIN:VEVENT\n" * 20_000,
    "alarms within alarms": "BEGIN:VEVENT\n" + "BEGIN:VALARM\n" * 20_000,
    "a zone that is a path": calendar("DTSTART;TZID=../../etc/passwd:20261103T091700"),
    "a broken zone": "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE\n" + calendar("DTSTART:20261103T091700Z"),
    "one line of a million letters": calendar("DTSTART:20261103T091700", "SUMMARY:" + "x" * 1_000_000),
    "a hundred thousand lines": calendar("DTSTART:20261103T091700", *["X-A:b"] * 100_000),
    "a thousand starts": calendar(*["DTSTART:20261103T091700"] * 400),
    "years out of this world": calendar("DTSTART:99991231T235959Z", "DURATION:P9999W"),
    "a backwards duration": calendar("DTSTART:20261103T091700", "DURATION:-PT1H"),
    "folds without end": calendar("DTSTART:20261103T091700", "SUMMARY:x", *[" y"] * 100_000),
    "parameters without end": calendar("DTSTART;" + "A=b;" * 20_000 + "C=d:20261103T091700"),
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("what", list(HOSTILE))
def test_calendars_that_mean_harm_cost_little_and_hurt_nothing(what: str) -> None:
    events, unread = read(HOSTILE[what], ZONE)
    assert all(1970 <= event.starts.year <= 2199 for event in events)
    assert len(events) <= EVENTS_AT_MOST
    assert len(events) + len(unread) <= EVENTS_AT_MOST + 1


def test_more_events_than_are_read_are_said() -> None:
    text = calendar("DTSTART:20261103T091700") + "\n"
    events, unread = read(text * (EVENTS_AT_MOST + 5), ZONE)
    assert len(events) == EVENTS_AT_MOST
    assert [one.text for one in unread] == [f"more than {EVENTS_AT_MOST} events: bring the calendar in parts"]
