"""The bytes of our own frames, read by somebody else's WebSocket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import websocket
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader
from websockets.sync.server import Server, ServerConnection, serve

from drivers.obs.wire import Closed, WireSocket, _frame

LIMITS = (0, 1, 125, 126, 127, 65535, 65536, 70000)


def read_by_others(content: bytes) -> Frame:
    """Return the frame that `websockets` reads."""
    reader = StreamReader()
    reader.feed_data(content)
    reading = Frame.parse(reader.read_exact, mask=True)
    try:
        while True:
            next(reading)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


@given(st.binary(max_size=300))
def test_any_payload_is_read_as_it_was(payload: bytes) -> None:
    frame = read_by_others(_frame(payload))
    assert (frame.opcode, frame.fin, bytes(frame.data)) == (Opcode.TEXT, True, payload)


@pytest.mark.parametrize("size", LIMITS)
def test_every_form_of_length(size: int) -> None:
    assert bytes(read_by_others(_frame(b"x" * size)).data) == b"x" * size


def test_each_frame_has_a_mask_of_its_own() -> None:
    assert len({_frame(b"") for _ in range(50)}) > 40


@pytest.fixture
def echo() -> Iterator[Server]:
    def answer(connection: ServerConnection) -> None:
        for text in connection:
            if text == "end":
                connection.close(4011, "kicked")
                return
            connection.send(text)
            connection.ping()

    with serve(answer, "127.0.0.1", 0, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def next_text(wire: WireSocket) -> str:
    """Return the next text; pings in between are nothing to us."""
    while (text := wire.recv()) is None:
        pass
    return text


def test_texts_of_any_size_go_there_and_come_back_and_the_end_has_its_code(echo: Server) -> None:
    port = echo.socket.getsockname()[1]
    ws = websocket.create_connection(f"ws://127.0.0.1:{port}", timeout=5, sockopt=[(socket.IPPROTO_TCP, 1, 1)])
    wire = WireSocket(ws)
    for size in LIMITS:
        wire.send("é" * size)
        assert wire.takes_more()
        assert next_text(wire) == "é" * size
    wire.send("end")
    with pytest.raises(Closed) as closed:
        next_text(wire)
    assert (closed.value.code, closed.value.why) == (4011, "kicked")
    wire.shutdown()
