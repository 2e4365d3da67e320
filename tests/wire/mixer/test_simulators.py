"""The simulated mixers against bytes typed from their makers' documents: none of our codecs is in between.

Codecs and simulators were written by the same hands and may share a mistake; these lines are
from the papers. X32: *Unofficial X32/M32 OSC Remote Protocol*, with the byte layout of OSC 1.0;
Shure: *P300 Command Strings*; Tesira: *Tesira Text Protocol*, "Responses" and "Subscriptions";
Q-SYS: *QRC Commands* of Q-SYS Help.
"""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from drivers import DeviceAddress
from drivers.mixer.sim.qsys import SimulatedCore
from drivers.mixer.sim.shure import SimulatedShure
from drivers.mixer.sim.tcp import TcpSimulator
from drivers.mixer.sim.tesira import SimulatedTesira
from drivers.mixer.sim.x32 import SimulatedOscDesk

WITHIN_S = 5.0
NEGOTIATED = bytes((255, 252, 24, 255, 252, 32, 255, 254, 3, 255, 254, 1))
"""WONT and DONT to each offer: terminal type, terminal speed, suppress go-ahead, echo."""

SAID: list[tuple[type[TcpSimulator], list[tuple[bytes, bytes]]]] = [
    (
        SimulatedShure,
        [
            (b"< GET 01 AUDIO_GAIN_HI_RES >", b"< REP 01 AUDIO_GAIN_HI_RES 1100 >"),
            (b"< SET 01 AUDIO_MUTE ON >", b"< REP 01 AUDIO_MUTE ON >"),
            (b"< SET 02 AUDIO_GAIN_HI_RES 1000 >", b"< REP 02 AUDIO_GAIN_HI_RES 1000 >"),
            (b"< GET MODEL >", b"< REP MODEL {P300                            } >"),
            (b"< SET 01 NO_SUCH_THING ON >", b"< REP ERR >"),
        ],
    ),
    (
        SimulatedTesira,
        [
            (b"", bytes((255, 253, 24))),
            (NEGOTIATED, b"\r\nWelcome to the Tesira Text Protocol Server...\r\n"),
            (b"DEVICE get version\n", b'+OK "value":"4.11.0.14"\r\n'),
            (b"MikMeja set mute 1 true\n", b"+OK\r\n"),
            (b"MikMeja get mute 1\n", b'+OK "value":true\r\n'),
            (b"MikMeja get level 1\n", b'+OK "value":0.000000\r\n'),
            (b"MikMeja subscribe mute 1 meja 100\n", b'! "publishToken":"meja" "value":true\r\n+OK\r\n'),
            (b"MikMeja set mute 1 false\n", b'! "publishToken":"meja" "value":false\r\n'),
            (b"SESSION set verbose false\n", b"+OK\r\n"),
            (b"MikMeja get mute 1\n", b"+OK false\r\n"),
            (b"Nobody get mute 1\n", b"-ERR address not found"),
        ],
    ),
]


async def hear(reader: asyncio.StreamReader, wanted: bytes) -> None:
    """Read until `wanted` has come."""
    heard = b""
    async with asyncio.timeout(WITHIN_S):
        while wanted not in heard:
            data = await reader.read(4096)
            assert data, heard
            heard += data


@pytest.mark.parametrize(("make", "lines"), SAID, ids=lambda value: getattr(value, "__name__", ""))
async def test_a_conversation_goes_as_its_document_has_it(
    make: type[TcpSimulator], lines: list[tuple[bytes, bytes]]
) -> None:
    sim = make()
    address = DeviceAddress.parse(await sim.serve())
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        for asked, answered in lines:
            writer.write(asked)
            await hear(reader, answered)
    finally:
        writer.close()
        await writer.wait_closed()
        sim.close()


async def told(reader: asyncio.StreamReader) -> dict[str, object]:
    """Return the next message of a Core."""
    async with asyncio.timeout(WITHIN_S):
        message: dict[str, object] = json.loads((await reader.readuntil(b"\0"))[:-1])
    assert message.pop("jsonrpc") == "2.0"
    return message


async def test_a_core_speaks_json_rpc_between_zero_bytes() -> None:
    sim = SimulatedCore()
    address = DeviceAddress.parse(await sim.serve())
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        status = await told(reader)
        assert status["method"] == "EngineStatus"
        assert isinstance(params := status["params"], dict)
        assert {"Platform", "State", "DesignName", "DesignCode", "IsRedundant", "IsEmulator", "Status"} <= set(params)
        writer.write(b'{"jsonrpc": "2.0", "method": "NoOp", "params": {}, "id": 1}\0')
        assert await told(reader) == {"id": 1, "result": True}
        writer.write(
            b'{"jsonrpc": "2.0", "id": 2, "method": "Component.Set", "params":'
            b' {"Name": "Mik Meja", "Controls": [{"Name": "gain", "Value": -10.5}]}}\0'
        )
        assert await told(reader) == {"id": 2, "result": True}
        writer.write(
            b'{"jsonrpc": "2.0", "id": 3, "method": "Component.Get", "params":'
            b' {"Name": "Mik Meja", "Controls": [{"Name": "gain"}]}}\0'
        )
        answer = await told(reader)
        assert isinstance(result := answer["result"], dict)
        assert result["Name"] == "Mik Meja"
        assert {"Name": "gain", "Value": -10.5}.items() <= result["Controls"][0].items()
        writer.write(b'{"jsonrpc": "2.0", "id": 4, "method": "Component.Get", "params": {"Name": "No"}}\0')
        assert await told(reader) == {"id": 4, "error": {"code": 7, "message": "Unknown component name: No"}}
    finally:
        writer.close()
        await writer.wait_closed()
        sim.close()


ON = b"/ch/01/mix/on\0\0\0"
FADER = b"/ch/01/mix/fader\0\0\0\0"
FLOAT_ZERO_DB = b",f\0\0\x3f\x40\x00\x00"
"""0.75 in the document's law of the fader is 0 dB."""


async def test_a_desk_answers_questions_sets_without_a_word_and_tells_the_others() -> None:
    sim = SimulatedOscDesk()
    address = DeviceAddress.parse(await sim.serve())
    loop = asyncio.get_running_loop()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        for line in (one, other):
            line.setblocking(False)
            line.connect((address.host, address.port))
        try:
            async with asyncio.timeout(WITHIN_S):
                await loop.sock_sendall(one, FADER)
                assert await loop.sock_recv(one, 512) == FADER + FLOAT_ZERO_DB
                await loop.sock_sendall(other, b"/xremote\0\0\0\0")
                await loop.sock_sendall(one, ON + b",i\0\0\0\0\0\0")
                assert await loop.sock_recv(other, 512) == ON + b",i\0\0\0\0\0\0"
                await loop.sock_sendall(one, ON)
                assert await loop.sock_recv(one, 512) == ON + b",i\0\0\0\0\0\0"  # its own setting was not told to it
                await loop.sock_sendall(one, b"/xinfo\0\0")
                assert (await loop.sock_recv(one, 512)).startswith(b"/xinfo\0\0,ssss\0\0\0")
        finally:
            sim.close()
