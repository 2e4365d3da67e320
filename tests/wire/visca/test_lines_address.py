"""Which way an address chooses, and what it refuses in one clear line."""

from __future__ import annotations

import pytest

from drivers.address import DeviceAddress
from drivers.errors import AddressError
from drivers.visca.line import Framing, Line
from drivers.visca.lines import line_for
from drivers.visca.lines.serialbus import SerialLine
from drivers.visca.lines.tcp import TcpLine
from drivers.visca.lines.udp import UdpLine


def line(text: str) -> Line:
    return line_for(DeviceAddress.parse(text))


@pytest.mark.parametrize(
    ("text", "kind", "framing", "where"),
    [
        ("visca+udp://127.0.0.1", UdpLine, Framing.SONY, "udp 127.0.0.1:52381"),
        ("visca+udp://127.0.0.1:4000", UdpLine, Framing.SONY, "udp 127.0.0.1:4000"),
        ("visca+udp://127.0.0.1?framing=raw", UdpLine, Framing.RAW, "udp 127.0.0.1:1259"),
        ("visca+udp://127.0.0.1:1259", UdpLine, Framing.RAW, "udp 127.0.0.1:1259"),
        ("visca+udp://127.0.0.1:1259?framing=sony", UdpLine, Framing.SONY, "udp 127.0.0.1:1259"),
        ("visca+udp://127.0.0.1:52381?framing=raw", UdpLine, Framing.RAW, "udp 127.0.0.1:52381"),
        ("visca+tcp://127.0.0.1", TcpLine, Framing.RAW, "tcp 127.0.0.1:5678"),
        ("visca+serial:///dev/ttyUSB0", SerialLine, Framing.RAW, "serial /dev/ttyUSB0 camera 1"),
        ("visca+serial:///dev/x?baud=38400&address=7", SerialLine, Framing.RAW, "serial /dev/x camera 7"),
        ("visca+rfc2217://127.0.0.1:2217?address=2", SerialLine, Framing.RAW, "rfc2217 127.0.0.1:2217 camera 2"),
    ],
)
def test_address_chooses_carrier_framing_and_port(text: str, kind: type[object], framing: Framing, where: str) -> None:
    chosen = line(text)
    assert isinstance(chosen, kind)
    assert (chosen.framing, chosen.where) == (framing, where)


def test_serial_line_knows_its_number_and_how_long_a_byte_takes() -> None:
    chosen = line("visca+serial:///dev/x?baud=38400&address=7")
    assert chosen.address == 7
    assert chosen.byte_s == pytest.approx(10 / 38400)
    assert line("visca+tcp://127.0.0.1").byte_s == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("visca+serial:///dev/x?baud=1200", "baud must be one of 9600, 19200, 38400, 57600, 115200, got '1200'"),
        ("visca+serial:///dev/x?baud=fast", "baud must be one of"),
        ("visca+serial:///dev/x?address=8", "address must be 1 to 7, got '8'"),
        ("visca+serial:///dev/x?address=0", "address must be 1 to 7, got '0'"),
        ("visca+serial:///dev/x?address=one", "address must be 1 to 7, got 'one'"),
        ("visca+serial:///dev/x?framing=sony", "framing must be raw over serial"),
        ("visca+serial://", "a path is wanted"),
        ("visca+serial://dev/ttyUSB0", "a path is wanted"),
        ("visca+udp://127.0.0.1?framing=header", "framing must be sony or raw, got 'header'"),
        ("visca+udp://127.0.0.1?address=2", "locked to 1 over IP"),
        ("visca+tcp://127.0.0.1?address=1", "locked to 1 over IP"),
        ("visca+tcp://127.0.0.1?baud=9600", "option 'baud' is for serial lines"),
        ("visca+tcp://127.0.0.1?framing=sony", "framing must be raw over tcp"),
        ("visca+rfc2217://127.0.0.1", "a port is wanted"),
        ("visca+rfc2217://127.0.0.1:99?baud=1", "baud must be one of"),
        ("visca+udp://", "a host is wanted"),
        ("visca+usb://127.0.0.1", "carrier must be visca+udp, +tcp, +serial or +rfc2217"),
    ],
)
def test_nonsense_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(AddressError) as refusal:
        line(text)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)
