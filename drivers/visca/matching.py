"""Whose answer is it: by the number in Sony's header, or by order where there is none.

By order, the first answer to a message belongs to the message that waits for one. Three
things make that doubtful, and each has its rule:

* *Copies.* A message that was sent twice may be answered twice. Until so many answers came
  as copies went out, or the time of strays is over, nothing is sent whose answer could be
  mixed up with a late one (`clear_at`). STOP does not wait for that.
* *STOP overtakes.* Then several messages wait at once. An acknowledgement is somebody's for
  certain only if more came than copies of others went out; STOP is resent until then. What
  it overtook is never said to have completed.
* *Sockets.* Completions name the socket. Some cameras acknowledge two commands into one
  socket, so a socket holds a list, the oldest first. A completion of a socket that nobody
  holds proves nothing about the command that waits for its acknowledgement.

An answer of a length that the inquiry cannot have belongs to nobody. A network that
duplicates datagrams makes equal answers undecidable by order; only numbers help there.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Protocol

from drivers.outcomes import Outcome
from drivers.visca.codec import (
    Ack,
    AddressSet,
    Answer,
    BadMessage,
    BadSequence,
    Cleared,
    Completion,
    ErrorCode,
    Kind,
    Refused,
    Reply,
    ResetDone,
)
from drivers.visca.orders import Order, Request, State

COPIES = 16
"""So many messages at most are sent while an answer to an older one may still come."""


class Matcher(Protocol):
    """Knows what was sent, and says whose a reply is."""

    def sent(self, request: Request, now: float, /) -> None:
        """Note that a copy of `request` goes out."""

    def owners(self, reply: Reply, sequence: int, /) -> Sequence[Request]:
        """Return the requests that `reply` answers for certain; most often one."""

    def ended(self, request: Request) -> None:
        """Note that `request` has its outcome."""

    def assume(self, request: Request) -> None:
        """Take `request` for running although nothing was said."""

    def clear_at(self, order: Order, /) -> float:
        """Return from when on `order` can be sent without mixing up answers; in the past if at once."""

    def quiet_at(self) -> float:
        """Return from when on no answer to what was sent can come; in the past if it is so."""

    def cleared(self) -> None:
        """Note that the camera has forgotten all that ran."""


class ByNumber:
    """A reply carries the number of its request. Late, doubled or out of order is all the same."""

    def __init__(self) -> None:
        self._numbered: dict[int, Request] = {}

    def sent(self, request: Request, _now: float, /) -> None:
        """Keep whose number it is."""
        self._numbered[request.sequence] = request

    def owners(self, reply: Reply, sequence: int, /) -> Sequence[Request]:
        """Return whose number it is; one that backs off after an error may still be answered."""
        request = self._numbered.get(sequence)
        if request is not None and request.sequence == sequence:
            waits_to_stop_again = request.is_stop and request.ran
            return () if waits_to_stop_again else (request,)
        if type(reply) is ResetDone:  # some answer a reset under number 0
            return [r for r in self._numbered.values() if r.order.kind is Kind.CONTROL]
        return ()

    def ended(self, request: Request) -> None:
        """Forget every number of `request`."""
        if self._numbered.get(request.sequence) is request:
            del self._numbered[request.sequence]
        if request.refusals:
            self._numbered = {number: r for number, r in self._numbered.items() if r is not request}

    def assume(self, request: Request) -> None:
        """Change nothing: its number goes on being its own."""

    def clear_at(self, _order: Order, /) -> float:
        """Return that nothing can be mixed up."""
        return -inf

    def quiet_at(self) -> float:
        """Return that nothing can be mixed up."""
        return -inf

    def cleared(self) -> None:
        """Change nothing: an error under its own number tells each request."""


class ByOrder:
    """Replies come in the order of the messages, and completions name a socket."""

    def __init__(self, stray_s: float, *, no_ack: bool = False) -> None:
        self._stray_s = stray_s
        self._no_ack = no_ack
        self._copies: list[Request] = []
        """Every message sent since the last time that all were answered."""
        self._last_at = -inf
        self._acks = self._errors = self._answers = 0
        self._doubted = False
        self._sockets: dict[int, list[Request]] = {}

    def sent(self, request: Request, now: float, /) -> None:
        """Keep that an answer is owed."""
        if self._copies and now >= self.quiet_at():
            self._forget()
        self._copies.append(request)
        self._last_at = now

    def owners(self, reply: Reply, _sequence: int, /) -> Sequence[Request]:
        """Return whose turn it is, as far as that is certain."""
        owners: Sequence[Request] = ()
        match reply:
            case Answer(content):
                owners = self._answered(content)
            case Ack(socket):
                owners = self._accepted(socket)
            case Completion(socket):
                owners = self._completed(socket)
            case Refused():
                owners = self._refused(reply)
            case AddressSet() | Cleared():
                owners = self._other(Kind.SETTING)
            case ResetDone():
                owners = self._other(Kind.CONTROL)
            case BadSequence() | BadMessage():
                owners = self._other(None)
        return owners

    def ended(self, request: Request) -> None:
        """Keep it: a late answer to it must not be taken for another's."""

    def assume(self, request: Request) -> None:
        """Expect its completion without a socket."""
        self._copies = [copy for copy in self._copies if copy is not request]
        self._hold(request, 0)

    def clear_at(self, order: Order, /) -> float:
        """Return when strays are over, if any answer that is owed could be taken for one to `order`."""
        if not self._owed():
            return -inf
        if len(self._copies) < COPIES and not any(_alike(older, order) for older in self._copies):
            return -inf
        return self._last_at + self._stray_s

    def quiet_at(self) -> float:
        """Return when strays are over."""
        return self._last_at + self._stray_s if self._owed() else -inf

    def cleared(self) -> None:
        """Forget the sockets."""
        self._sockets.clear()

    # First answers.

    def _answered(self, content: bytes) -> Sequence[Request]:
        self._answers += 1
        owners = []
        for request in self._waiting():
            if request.order.kind is Kind.INQUIRY:
                if not request.order.answer_bytes or len(content) in request.order.answer_bytes:
                    owners.append(request)
                    break
                request.answer = content  # kept for the case that it never answers otherwise
        self._settle()
        return owners

    def _accepted(self, socket: int) -> Sequence[Request]:
        self._acks += 1
        owners = [r for r in self._waiting() if r.order.kind is Kind.COMMAND and self._acks > self._commands_but(r)]
        if len(owners) == 1:
            self._hold(owners[0], socket)
        self._settle()
        return owners

    def _completed(self, socket: int) -> Sequence[Request]:
        if running := self._sockets.get(socket):
            ended = running.pop(0)
            # Without sockets it may be a STOP's just as well: then it is nobody's, and STOP asks again.
            return () if not socket and any(r.is_stop for r in self._waiting()) else (ended,)
        if socket and not self._no_ack:
            return ()
        self._acks += 1
        owners = [r for r in self._waiting() if r.order.kind is not Kind.INQUIRY and self._acks > self._commands_but(r)]
        self._settle()
        return owners

    def _refused(self, reply: Refused) -> Sequence[Request]:
        running = self._sockets.get(reply.socket, [])
        if reply.code == ErrorCode.CANCELLED:
            return self._cancelled(running)
        if reply.code == ErrorCode.NO_SOCKET:
            return ()
        waiting = self._waiting()
        if not waiting and self._owed():  # a late answer to a copy, not to what runs
            self._errors += 1
            self._settle()
            return ()
        if not waiting:
            return (running.pop(0),) if running else ()
        if reply.socket and any(r.state is State.RUNNING for r in running) and not self._doubted:
            self._doubted = True  # it may be about what runs there: the next one is not
            return ()
        self._errors += 1
        owners = [r for r in waiting if self._errors > len(self._copies) - self._copies.count(r) - self._answers]
        self._settle()
        return owners

    @staticmethod
    def _cancelled(running: list[Request]) -> Sequence[Request]:
        """Return whom a newer motion has displaced, out of those in one socket."""
        for request in running:
            if request.taken_back:
                running.remove(request)
                return (request,)
        return (running.pop(0),) if running else ()

    def _other(self, kind: Kind | None) -> Sequence[Request]:
        owners = [r for r in self._waiting() if kind in {None, r.order.kind}]
        if len(owners) != 1:
            return ()
        self._answers += 1
        self._settle()
        return owners

    # What is owed.

    def _waiting(self) -> list[Request]:
        if len(self._copies) == 1:
            return self._copies[:] if self._copies[0].state is State.SENT else []
        return list(dict.fromkeys(r for r in self._copies if r.state is State.SENT))

    def _commands_but(self, request: Request) -> int:
        return sum(r is not request and r.order.kind is not Kind.INQUIRY for r in self._copies)

    def _owed(self) -> int:
        return max(0, len(self._copies) - self._acks - self._errors - self._answers)

    def _settle(self) -> None:
        if not self._owed():
            self._forget()

    def _forget(self) -> None:
        self._copies = []
        self._acks = self._errors = self._answers = 0
        self._doubted = False

    def _hold(self, request: Request, socket: int) -> None:
        """Put `request` into `socket`, where ended ones have left no more to say."""
        running = [r for r in self._sockets.get(socket, ()) if r.state is not State.ENDED]
        self._sockets[socket & 0x0F] = [*running[-COPIES:], request]


def _alike(older: Request, order: Order) -> bool:
    """Whether a late answer to `older` could be taken for one to `order`."""
    kind = older.order.kind
    if kind is Kind.COMMAND:
        return order.kind is not Kind.INQUIRY or not older.ran
    if kind is not Kind.INQUIRY or older.outcome is not Outcome.COMPLETED:
        return True
    if order.kind is not Kind.INQUIRY:
        return False
    known = older.order.answer_bytes and order.answer_bytes
    return not known or bool(older.order.answer_bytes & order.answer_bytes)
