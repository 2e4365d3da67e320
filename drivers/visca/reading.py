"""VISCA in words: what a recorded message says, for traces, the doctor and people at a terminal.

An answer says nothing without its question, so a reader follows one conversation in its
order: by number under Sony's header, by order on a bare line.
"""

from __future__ import annotations

from collections import OrderedDict

from drivers.visca.codec import (
    HEADER_BYTES,
    RESET,
    TERMINATOR,
    Ack,
    AddressSet,
    Answer,
    BadMessage,
    BadSequence,
    Cleared,
    Completion,
    ErrorCode,
    Kind,
    Malformed,
    NetworkChange,
    Refused,
    Reply,
    ReplyDecoder,
    ResetDone,
    unpack,
)
from drivers.visca.line import Framing
from drivers.visca.row import Field, Row
from drivers.visca.table import find

REMEMBERED = 64
"""Questions whose answers may still come."""

ERRORS = {
    ErrorCode.MESSAGE_LENGTH: "wrong length",
    ErrorCode.SYNTAX: "syntax",
    ErrorCode.BUFFER_FULL: "buffer full",
    ErrorCode.CANCELLED: "cancelled",
    ErrorCode.NO_SOCKET: "no such socket",
    ErrorCode.NOT_EXECUTABLE: "not executable",
}


def words(frame: bytes) -> str:
    """Return what a frame to the camera says: `CAM_Memory Recall memory 3`."""
    found = find(frame)
    if found is None:
        return _short(frame)
    row, values = found
    given = ", ".join(f"{field.name} {_worded(field, value)}" for field, value in zip(row.fields, values, strict=True))
    return f"{row.name}: {given}" if given else row.name


def _worded(field: Field, value: int) -> str:
    """Return a value as its field's words have it: `up` where they say `1 up, 2 down`."""
    meanings = (meaning.split(" ", 1) for meaning in field.words.split(", "))
    return next((text[1] for text in meanings if len(text) == 2 and text[0] == str(value)), str(value))


def _short(frame: bytes) -> str:
    """Return what the frames that stand in no table say."""
    if len(frame) == 3 and frame[1] & 0xF0 == 0x20:
        return f"Cancel socket {frame[1] & 0x0F}"
    return {b"\x88\x30\x01\xff": "Address Set", b"\x88\x01\x00\x01\xff": "IF_Clear of all"}.get(
        frame, "a frame of no table"
    )


def said(reply: Reply, asked: Row | None = None) -> str:
    """Return what a camera's `reply` says; `asked` is the inquiry that it answers."""
    match reply:
        case Ack(socket):
            text = f"ACK socket {socket}"
        case Completion(socket):
            text = f"Completed socket {socket}"
        case Refused(code, socket):
            why = {int(known): words for known, words in ERRORS.items()}.get(code, "a code of no manual")
            text = f"Refused {code:02X} {why}" + (f", socket {socket}" if socket else "")
        case Answer(content):
            text = f"Answer {answered(asked, content)}"
        case _:
            text = _PLAIN.get(type(reply), type(reply).__name__)
    return text


_PLAIN: dict[type, str] = {
    BadSequence: "Number seen before: it was received",
    BadMessage: "Abnormal message",
    ResetDone: "RESET done",
    NetworkChange: "Network change: address the chain again",
    AddressSet: "Addresses set",
    Cleared: "IF_Clear went round",
    Malformed: "no reply of VISCA",
}


def answered(row: Row | None, content: bytes) -> str:
    """Return what the answer to an inquiry says."""
    if row is None:
        return content.hex(" ").upper()
    try:
        values = row.decode(content)
    except ValueError as error:
        return f"to {row.name}, unusual: {error}"
    worded = {field.name: field for field in row.answer if isinstance(field, Field)}
    given = (f"{name} {_worded(worded[name], value) if name in worded else value}" for name, value in values.items())
    return f"to {row.name}: {', '.join(given)}"


class Reader:
    """Reads one conversation in its order."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._stream = ReplyDecoder()
        self._asked: OrderedDict[int, Row] = OrderedDict()
        self._last: Row | None = None

    def sent(self, message: bytes) -> str:
        """Return what a message to the camera says."""
        if self._framing is Framing.RAW or len(message) < HEADER_BYTES:
            return self._outgoing(message)
        kind, sequence, payload = int.from_bytes(message[:2]), int.from_bytes(message[4:8]), message[HEADER_BYTES:]
        if kind == Kind.CONTROL:
            return "RESET" if payload == RESET else "a control message of no manual"
        return self._outgoing(payload, sequence)

    def _outgoing(self, frame: bytes, sequence: int = 0) -> str:
        found = find(frame)
        if found is not None and found[0].kind is Kind.INQUIRY:
            self._last = self._asked[sequence] = found[0]
            while len(self._asked) > REMEMBERED:
                self._asked.popitem(last=False)
        return words(frame)

    def heard(self, message: bytes) -> str:
        """Return what bytes from the camera say: the replies that they complete."""
        if self._framing is Framing.SONY:
            datagram = unpack(message)
            return ", ".join(said(reply, self._asked.get(datagram.sequence)) for reply in datagram.replies)
        replies = self._stream.feed(message)
        unfinished = [] if message[-1:] == bytes((TERMINATOR,)) else ["the beginning of a frame"]
        return ", ".join([said(reply, self._last) for reply in replies] + unfinished)
