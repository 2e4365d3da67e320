"""One connection to OBS: obsws-python shakes hands, then one thread of ours owns the socket.

obsws-python 1.8 does not match answers to requests, so one late answer would shift every
later one to the wrong caller, and a lost connection goes unnoticed. Therefore only its
`ObsClient` is used, for connect and identify; its `ReqClient` and `EventClient` never are.
It also writes the password to its log and shows it in `repr()`: its logger is silenced
here, and the client never leaves the thread.

This module and `wire` are the only ones that know obsws-python and websocket-client. The
attributes they touch are pinned by `tests/rules/obs/test_obsws_contract.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket as socket_module
import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import websocket
from obsws_python.baseclient import ObsClient
from obsws_python.error import OBSSDKError

from drivers.errors import DeviceRefused, DeviceUnreachable, DriverError, OutcomeUnknown, ProtocolViolation
from drivers.obs.model import EVENTS_MISSED, Call, Event, Reply
from drivers.obs.wire import NO_CODE, Closed, WireSocket
from drivers.outcomes import Reason
from drivers.streams import broken

CONNECT_WITHIN_S = 3.0
READ_WITHIN_S = 2.0
BATCH_WITHIN_S = 5.0
WRITE_WITHIN_S = 3.0
CLOSE_WITHIN_S = 1.0
IDLE_S = 1.0
"""Silence after which OBS is pinged; as much again without a byte and it counts as frozen."""
IN_FLIGHT_AT_MOST = 32
"""More requests than that wait here, within their own limit: OBS works through them with few threads."""

UNREAD_AT_MOST = 2000
"""Events that wait for the loop; more than that and the oldest are dropped, and said to be missing."""

_IDENTIFIED, _REIDENTIFY, _EVENT, _REQUEST, _BATCH = 2, 3, 5, 6, 8
_ANSWERS = {7, 9}
_QUIT = 1001
_WRONG_PASSWORD, _WRONG_VERSION, _KICKED = 4009, 4010, 4011

_REIDENTIFIED = "identified"
"""Under what the answer to Reidentify waits; it carries no id of its own."""
_WHATS = {_BATCH: "a batch", _REIDENTIFY: "a change of subscriptions"}
_ENDS = {_QUIT: "obs.quit", _KICKED: "obs.kicked"}
"""Ends that somebody at OBS wanted, by close code."""
Heard = Callable[[Event], None]

_NO_LINK = (
    websocket.WebSocketTimeoutException,
    websocket.WebSocketAddressException,
    websocket.WebSocketConnectionClosedException,
)

logging.getLogger("obsws_python").setLevel(logging.CRITICAL + 1)


class ObsLink:
    """One open connection. When it is lost it stays lost; open another."""

    def __init__(
        self, host: str, port: int, *, idle_s: float = IDLE_S, events: int = 0, heard: Heard | None = None
    ) -> None:
        self.where = f"obs {host}:{port}"
        self.on_lost: Callable[[Reason], None] | None = None
        """Told once, when the connection ended by itself."""
        self._host = host
        self._port = port
        self._idle_s = idle_s
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[WireSocket] = self._loop.create_future()
        self._ended = asyncio.Event()
        self._socket: WireSocket | None = None
        self._client: Any = None
        self._lost: Reason | None = None
        self._pending: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._places = asyncio.Semaphore(IN_FLIGHT_AT_MOST)
        self._subscribing = asyncio.Lock()
        self._ids = count(1)
        self._events = events
        self._heard = heard
        self._unread: deque[Event] = deque(maxlen=UNREAD_AT_MOST)
        self._unread_lock = threading.Lock()
        self._missed = False

    @classmethod
    async def connect(
        cls,
        host: str,
        port: int,
        password: str | None,
        *,
        idle_s: float = IDLE_S,
        events: int = 0,
        heard: Heard | None = None,
    ) -> ObsLink:
        """Return an open and identified link; `heard` is told of the `events` it subscribes to.

        Raises:
            DeviceUnreachable: nothing there, or no handshake in time.
            DeviceRefused: wrong or missing password.
            ProtocolViolation: something answers that is no obs-websocket 5.
        """
        link = cls(host, port, idle_s=idle_s, events=events, heard=heard)
        thread = threading.Thread(target=link._run, args=(password or "",), name=link.where, daemon=True)
        thread.start()
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S + CLOSE_WITHIN_S):
                link._socket = await link._opened
        except TimeoutError as error:
            await link.close()
            raise DeviceUnreachable(broken(link.where, error)) from error
        except BaseException:
            await link.close()
            raise
        return link

    @property
    def lost(self) -> Reason | None:
        """Why the connection ended; none while it holds."""
        return self._lost

    async def ask(self, request: str, **fields: object) -> dict[str, object]:
        """Return OBS's answer to a question, as `question` does."""
        return await self.question(Call(request, fields))

    async def question(self, call: Call, *, within_s: float | None = None) -> dict[str, object]:
        """Return OBS's answer to a question, which may be asked again at will.

        Raises:
            DeviceUnreachable: no link, or no answer within `READ_WITHIN_S`, unless told otherwise.
            DeviceRefused: OBS answered with an error code.
        """
        try:
            reply = _reply(await self._exchange(_REQUEST, _request(call), within_s or READ_WITHIN_S))
        except OutcomeUnknown as error:  # a question that went unanswered has changed nothing
            raise DeviceUnreachable(error.reason) from error
        return dict(reply.accepted(self.where))

    async def ask_all(self, calls: Sequence[Call]) -> tuple[Reply, ...]:
        """Return OBS's replies to questions asked in one batch, in their order; a refusal is a reply here.

        Raises:
            DeviceUnreachable: no link, or no answer within `BATCH_WITHIN_S`.
            ProtocolViolation: fewer or more replies than questions.
        """
        batch = {"haltOnFailure": False, "executionType": 0, "requests": [_request(call) for call in calls]}
        try:
            answer = await self._exchange(_BATCH, batch, BATCH_WITHIN_S)
        except OutcomeUnknown as error:
            raise DeviceUnreachable(error.reason) from error
        replies = tuple(_reply(one) for one in answer.get("results", ()))
        if len(replies) != len(calls):
            detail = f"{self.where}: wanted {len(calls)} answers to a batch, found {len(replies)}"
            raise ProtocolViolation(Reason("obs.bad_answer", detail))
        return replies

    async def tell(self, request: str, **fields: object) -> dict[str, object]:
        """Send a command, as `command` does."""
        return await self.command(Call(request, fields))

    async def command(self, call: Call, *, within_s: float | None = None) -> dict[str, object]:
        """Send a command and return once OBS took it, which does not mean that it is done.

        Raises:
            DeviceUnreachable: no link; nothing was sent.
            OutcomeUnknown: sent, and within `WRITE_WITHIN_S`, unless told otherwise, no answer came or the link broke.
            DeviceRefused: OBS answered with an error code.
        """
        reply = _reply(await self._exchange(_REQUEST, _request(call), within_s or WRITE_WITHIN_S))
        return dict(reply.accepted(self.where))

    async def subscribe(self, events: int) -> None:
        """Choose anew which events are told, over the same connection.

        Raises:
            DeviceUnreachable: no link, or no answer in time.
        """
        try:
            async with self._subscribing:  # the answer carries no id, so there must be one at a time
                await self._exchange(_REIDENTIFY, {"eventSubscriptions": events}, READ_WITHIN_S, _REIDENTIFIED)
        except OutcomeUnknown as error:
            raise DeviceUnreachable(error.reason) from error

    async def close(self) -> None:
        """End the connection and its thread; may be called twice."""
        self.on_lost = None
        self._end(Reason("obs.closed", f"{self.where}: the link was closed here"))
        ws = getattr(self._client, "ws", None)
        if ws is not None and not self._ended.is_set():
            (ws if isinstance(ws, WireSocket) else WireSocket(ws)).say_goodbye()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._ended.wait()

    # in the loop

    async def _exchange(
        self, op: int, body: dict[str, Any], within_s: float, request_id: str | None = None
    ) -> dict[str, Any]:
        """Send one message and return what answers its id.

        Raises:
            DeviceUnreachable: nothing was sent.
            OutcomeUnknown: sent, and nobody knows more.
        """
        named = {} if request_id else {"requestId": f"siaga-{next(self._ids)}"}
        request_id = request_id or named["requestId"]
        what = body.get("requestType") or _WHATS[op]
        gives_up_at = self._loop.time() + within_s
        await self._take_place(what, within_s)
        try:
            self._send({"op": op, "d": body | named}, what)
            answer: asyncio.Future[dict[str, Any]] = self._loop.create_future()
            self._pending[request_id] = answer
            alarm = self._loop.call_at(gives_up_at, _give_up, answer)  # a third of what asyncio.timeout costs
            try:
                return await answer
            finally:
                alarm.cancel()
        except TimeoutError as error:
            detail = f"{self.where}: wanted an answer to {what}, found none within {within_s:g} s"
            raise OutcomeUnknown(Reason("obs.no_answer", detail, {"request": what})) from error
        finally:
            self._pending.pop(request_id, None)
            self._places.release()

    async def _take_place(self, what: str, within_s: float) -> None:
        """Wait until one more may be in flight.

        Raises:
            DeviceUnreachable: there was no place; nothing was sent.
        """
        if not self._places.locked():
            await self._places.acquire()  # comes back at once
            return
        try:
            async with asyncio.timeout(within_s):
                await self._places.acquire()
        except TimeoutError as error:
            raise DeviceUnreachable(self._crowded(what)) from error

    def _send(self, message: dict[str, Any], what: str) -> None:
        """Write at once or not at all.

        Raises:
            DeviceUnreachable: nothing was sent.
        """
        if self._socket is None or self._lost is not None:
            raise DeviceUnreachable(self._lost or Reason("obs.not_open", f"{self.where}: the link is not open"))
        if not self._socket.takes_more():
            raise DeviceUnreachable(self._crowded(what))
        try:
            self._socket.send(json.dumps(message))
        except (OSError, websocket.WebSocketException, AttributeError) as error:
            detail = f"{self.where}: {what} not sent, the link broke: {type(error).__name__}"
            raise DeviceUnreachable(Reason("obs.lost", detail)) from error

    def _crowded(self, what: str) -> Reason:
        detail = f"{self.where}: {what} not sent, {len(self._pending)} requests wait for answers already"
        return Reason("obs.stuck", detail)

    def _answered(self, body: dict[str, Any]) -> None:
        """Hand an answer to whoever asked; one that comes too late is for nobody."""
        answer = self._pending.get(str(body.get("requestId")))
        if answer is not None and not answer.done():
            answer.set_result(body)

    def _tell(self) -> None:
        """Hand on the events that came, oldest first."""
        with self._unread_lock:
            events, missed = list(self._unread), self._missed
            self._unread.clear()
            self._missed = False
        for event in [Event(EVENTS_MISSED)] * missed + events:
            self._give(event)

    def _give(self, event: Event) -> None:
        if self._heard is not None and self._lost is None:
            self._heard(event)

    def _established(self, socket: WireSocket) -> None:
        if not self._opened.done():
            self._opened.set_result(socket)

    def _refused(self, error: DriverError) -> None:
        if not self._opened.done():
            self._opened.set_exception(error)
            self._opened.exception()  # looked at, in case nobody waits any more

    def _end(self, reason: Reason) -> None:
        """Fail every pending call at once."""
        first = self._lost is None
        self._lost = self._lost or reason
        self._refused(DeviceUnreachable(self._lost))
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(OutcomeUnknown(self._lost))
        if first and self.on_lost is not None:
            self.on_lost(reason)

    # in the thread

    def _run(self, password: str) -> None:
        """Connect, read until the end, close; every finding goes to the loop."""
        try:
            socket = self._identify(password)
            self._post(self._established, socket)
            self._read(socket)
        except DriverError as error:
            self._post(self._refused, error)
            self._post(self._end, error.reason)
        finally:
            ws = getattr(self._client, "ws", None)
            self._client = None
            if ws is not None:
                ws.shutdown()
            self._post(self._end, Reason("obs.lost", f"{self.where}: the reader ended"))  # a first reason stays
            self._post(self._ended.set)

    def _post(self, call: Callable[..., object], *args: object) -> None:
        """Run `call` in the loop; a loop that is gone needs no news."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *args)

    def _identify(self, password: str) -> WireSocket:
        """Return the identified socket.

        Raises:
            DeviceUnreachable: nothing there, or no handshake in time.
            DeviceRefused: wrong or missing password.
            ProtocolViolation: something answers that is no obs-websocket 5.
        """
        # __new__ first: when __init__ fails, the socket it made is still ours to close
        client = self._client = ObsClient.__new__(ObsClient)
        try:
            client.__init__(
                host=self._host, port=self._port, password=password, subs=self._events, timeout=CONNECT_WITHIN_S
            )
            socket = client.ws = WireSocket(client.ws)
            client.authenticate()
            client.password = ""  # it is needed no more
        except Closed as closed:
            raise self._turned_away(closed) from None
        except OBSSDKError as error:
            if not password:
                raise self._wrong_password("OBS wants a password and none is set") from None
            raise self._no_obs(error) from None
        except (OSError, *_NO_LINK) as error:
            raise DeviceUnreachable(broken(self.where, _as_os_error(error))) from None
        except (websocket.WebSocketException, ValueError, LookupError, TypeError) as error:
            raise self._no_obs(error) from None
        return socket

    def _read(self, socket: WireSocket) -> None:
        """Hand on answers until the connection ends.

        Raises:
            DeviceUnreachable: why it ended.
        """
        socket.wait_at_most(self._idle_s)
        pinged = False
        while True:
            try:
                text = socket.recv()
            except websocket.WebSocketTimeoutException:
                if pinged:
                    detail = f"{self.where}: OBS is frozen: not a byte for {2 * self._idle_s:g} s, not even to a ping"
                    raise DeviceUnreachable(Reason("obs.frozen", detail)) from None
                pinged = True
                self._ping(socket)
                continue
            except Closed as closed:
                raise self._gone(closed.code, closed.why) from None
            except (OSError, websocket.WebSocketException, UnicodeDecodeError, AttributeError) as error:
                raise self._gone(NO_CODE, type(error).__name__) from None
            pinged = False
            if text is not None:
                self._take(text)

    def _ping(self, socket: WireSocket) -> None:
        """Ask for a sign of life.

        Raises:
            DeviceUnreachable: the link broke.
        """
        try:
            socket.ping()
        except (OSError, websocket.WebSocketException, AttributeError) as error:
            raise self._gone(NO_CODE, type(error).__name__) from None

    def _take(self, text: str) -> None:
        """Post an answer or an event; what newer versions add is nothing to us.

        Raises:
            ProtocolViolation: no JSON object.
        """
        try:
            message = json.loads(text)
            op, body = message["op"], message["d"]
        except (ValueError, LookupError, TypeError) as error:
            detail = f"{self.where}: wanted a JSON message with op and d, found {text[:40]!r}"
            raise ProtocolViolation(Reason("obs.bad_answer", detail)) from error
        if not isinstance(body, dict):
            return
        if op in _ANSWERS:
            self._post(self._answered, body)
        elif op == _EVENT:
            self._keep(body)
        elif op == _IDENTIFIED:
            self._post(self._answered, body | {"requestId": _REIDENTIFIED})

    def _keep(self, body: dict[str, Any]) -> None:
        """Put an event where the loop finds it; one call wakes it for many."""
        fields = body.get("eventData")
        with self._unread_lock:
            asleep = not self._unread
            self._missed = self._missed or len(self._unread) == UNREAD_AT_MOST
            self._unread.append(Event(str(body.get("eventType")), fields if isinstance(fields, dict) else {}))
        if asleep:
            self._post(self._tell)

    # what went wrong, in words

    def _turned_away(self, closed: Closed) -> DriverError:
        if closed.code == _WRONG_PASSWORD:
            return self._wrong_password(closed.why)
        if closed.code == _WRONG_VERSION:
            detail = f"{self.where}: OBS does not speak version 1 of its protocol ({closed.why})"
            return DeviceRefused(Reason("obs.rpc_version", detail))
        return self._gone(closed.code, closed.why)

    def _wrong_password(self, why: str) -> DeviceRefused:
        detail = f"{self.where}: wrong password ({why}): compare with Tools > WebSocket Server Settings in OBS"
        return DeviceRefused(Reason("obs.wrong_password", detail))

    def _no_obs(self, error: Exception) -> ProtocolViolation:
        detail = f"{self.where}: wanted obs-websocket 5, found something else ({type(error).__name__})"
        return ProtocolViolation(Reason("obs.not_obs", detail))

    def _gone(self, code: int, why: str) -> DeviceUnreachable:
        detail = f"{self.where}: OBS ended the connection with {code}{f' ({why})' if why else ''}"
        return DeviceUnreachable(Reason(_ENDS.get(code, "obs.lost"), detail, {"close_code": code}))


def _give_up(answer: asyncio.Future[dict[str, Any]]) -> None:
    if not answer.done():
        answer.set_exception(TimeoutError())


def _as_os_error(error: Exception) -> OSError:
    """Return `error` as the operating system would have put it; websocket-client has its own words."""
    if isinstance(error, websocket.WebSocketTimeoutException):
        return TimeoutError("no handshake")
    if isinstance(error, websocket.WebSocketAddressException):
        return socket_module.gaierror(str(error))
    return error if isinstance(error, OSError) else ConnectionResetError(type(error).__name__)


def _request(call: Call) -> dict[str, Any]:
    body: dict[str, Any] = {"requestType": call.request}
    return body | {"requestData": dict(call.fields)} if call.fields else body


def _reply(body: dict[str, Any]) -> Reply:
    """Return the reply that an answer carries.

    Raises:
        ProtocolViolation: it carries no status.
    """
    try:
        status = body["requestStatus"]
        return Reply(
            body["requestType"], int(status["code"]), status.get("comment") or "", body.get("responseData") or {}
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ProtocolViolation(
            Reason("obs.bad_answer", f"OBS sent an answer without a status: {body!r:.80}")
        ) from error
