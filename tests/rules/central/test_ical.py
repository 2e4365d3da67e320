"""iCalendar: what is written is read back, and what others write badly is read as far as it goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from central.ical import Event, read, write

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
