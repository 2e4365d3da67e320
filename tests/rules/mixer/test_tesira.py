"""Tesira lines as Biamp's pages show them, and Telnet's own bytes at every split."""

from __future__ import annotations

import random

import pytest

from drivers.mixer.codec import tesira
from drivers.mixer.codec.tesira import MAX_BODY_BYTES, Kind, Line, LineDecoder, Telnet

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
NEGOTIATION = bytes((IAC, DO, 24, IAC, WILL, 1, IAC, SB, 24, 1, 65, IAC, SE, IAC, WONT, 3))
ANSWER = bytes((IAC, WONT, 24, IAC, DONT, 1))


def test_lines_are_written_with_the_tag_quoted_where_it_has_a_space() -> None:
    assert tesira.command("Level1", "get", "level", 1) == b"Level1 get level 1\n"
    assert tesira.command("Mik Meja", "set", "mute", 1, "true") == b'"Mik Meja" set mute 1 true\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("+OK", Line(Kind.DONE, "+OK")),
        ('+OK "value":-6.000000', Line(Kind.DONE, '+OK "value":-6.000000', "-6.000000")),
        ('+OK "value":"4.11.0.14"', Line(Kind.DONE, '+OK "value":"4.11.0.14"', "4.11.0.14")),
        ("-ERR address not found: {}", Line(Kind.REFUSED, "-ERR address not found: {}")),
        ("-CANNOT_DELIVER", Line(Kind.REFUSED, "-CANNOT_DELIVER")),
        ('! "publishToken":"m1" "value":true', Line(Kind.TOLD, '! "publishToken":"m1" "value":true', "true", "m1")),
        ("Level1 get level 1", None),
        ("", None),
    ],
)
def test_lines_are_what_they_begin_with_and_echoes_are_none(text: str, line: Line | None) -> None:
    assert tesira.line_of(text) == line


def test_telnet_is_refused_and_taken_out_at_every_split() -> None:
    stream = b"Wel" + NEGOTIATION + b"come" + bytes((IAC, IAC))
    for cut in range(len(stream) + 1):
        telnet = Telnet()
        parts = [telnet.feed(stream[:cut]), telnet.feed(stream[cut:])]
        assert b"".join(text for text, _ in parts) == b"Welcome\xff"
        assert b"".join(answer for _, answer in parts) == ANSWER


def test_noise_and_endless_lines_leave_it_usable() -> None:
    dice, telnet, decoder = random.Random(7), Telnet(), LineDecoder()
    for _ in range(200):
        decoder.feed(telnet.feed(dice.randbytes(300))[0])
    assert decoder.feed(Telnet().feed(b"x" * 2 * MAX_BODY_BYTES + b"\r\n+OK\r\n")[0]) == [Line(Kind.DONE, "+OK")]


@pytest.mark.parametrize(("value", "muted", "db"), [("true", True, None), ("false", False, None), ("-3.5", None, -3.5)])
def test_mutes_and_levels_are_what_they_can_be(value: str, muted: bool | None, db: float | None) -> None:
    assert (tesira.muted_of(value), tesira.db_of(value)) == (muted, db)


def test_faults_are_named() -> None:
    listed = (
        '+OK "value":[{"id":A "name":"Device" "faults":[{"id":FAULT_FAN "name":"fan too slow"}] "serialNumber":"0"}]'
    )
    assert tesira.faults_of(listed) == ("fan too slow",)
    assert tesira.faults_of('+OK "value":[{"id":A "name":"No fault in device" "faults":[] "serialNumber":"0"}]') == ()
