"""Everything of obsws-python and websocket-client that the link touches; an upgrade fails here, not in a room."""

from __future__ import annotations

import inspect
import json
import logging

import websocket
from obsws_python.baseclient import ObsClient

import drivers.obs.link  # noqa: F401  silences the logger

# The expected answer was computed by hand after the formula in obs-websocket's protocol.md ("Creating an
# authentication string"): printf %s "$PASSWORD$SALT" | openssl dgst -sha256 -binary | base64, then the same
# over that result followed by the challenge.
PASSWORD = "supersecretpassword"
SALT = "lM1GncleQOaCu9lT1yeUZhFYnqhsLLP1G5lAGo3ixaI="
CHALLENGE = "+IxH4CnCiqpX1rM9scsNynZzbOe4KhDeYcTNS3PDaeY="
EXPECTED = "1Ct943GAT+6YQUUX47Ia/ncufilbe6+oD6lY+5kaCu4="


class _Wire:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, text: str) -> None:
        self.sent.append(text)

    def recv(self) -> str:
        return '{"op": 2, "d": {"negotiatedRpcVersion": 1}}'


def test_authenticate_sends_identify_over_whatever_stands_in_ws() -> None:
    client = ObsClient.__new__(ObsClient)
    client.ws = wire = _Wire()
    client.subs, client.password = 0, PASSWORD
    client.server_hello = {"op": 0, "d": {"authentication": {"salt": SALT, "challenge": CHALLENGE}}}
    assert client.authenticate() == {"negotiatedRpcVersion": 1}
    identify = json.loads(wire.sent[0])
    assert identify == {"op": 1, "d": {"rpcVersion": 1, "eventSubscriptions": 0, "authentication": EXPECTED}}


def test_the_client_takes_our_arguments_and_keeps_its_socket_in_ws() -> None:
    source = inspect.getsource(ObsClient.__init__)
    for name in ("host", "port", "password", "subs", "timeout"):
        assert f'"{name}"' in source
    assert source.index("self.ws = websocket.WebSocket()") < source.index("self.ws.connect(")
    assert "self.server_hello = json.loads(self.ws.recv())" in source


def test_the_client_keeps_its_password_where_the_link_blanks_it() -> None:
    source = inspect.getsource(ObsClient)
    assert "for attr, val in kwargs.items():\n            setattr(self, attr, val)" in source
    assert source.count("self.password") == 2  # whether there is one, and to prove it: never after that


def test_the_socket_has_what_the_link_uses() -> None:
    ws = websocket.WebSocket()
    assert ws.frame_buffer.skip_utf8_validation is False
    assert "with self.lock:" in inspect.getsource(type(ws).send_frame)  # a pong of the reader waits for our frame
    assert ws.sock is None
    assert ws.frame_buffer.recv == ws._recv  # which is asked for at most 16384 bytes
    assert "self.recv(min(16384, shortage))" in inspect.getsource(type(ws.frame_buffer))
    assert ws.cont_frame.skip_utf8_validation is False
    assert ws.sock is None
    assert list(inspect.signature(ws.recv_data_frame).parameters) == ["control_frame"]
    for name in ("send", "send_close", "ping", "settimeout", "shutdown"):
        assert callable(getattr(ws, name))


def test_timeouts_and_bad_names_are_told_apart() -> None:
    for error in ("WebSocketTimeoutException", "WebSocketAddressException", "WebSocketConnectionClosedException"):
        assert issubclass(getattr(websocket, error), websocket.WebSocketException)


def test_the_library_logs_nothing() -> None:
    assert not logging.getLogger("obsws_python.baseclient.ObsClient").isEnabledFor(logging.CRITICAL)
