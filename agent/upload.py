"""Sends evidence to central over HTTP, part by part, whenever there is a way; a broken upload is gone on with.

Only central's word that it holds a piece whole lets the room forget it.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import logging
import random
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from agent.evidence import Evidence
from contract.evidence import LENGTH, OFFSET, PART_BYTES, evidence_path
from contract.link import Broker

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 10.0
AGAIN_AFTER_S = 5.0
AGAIN_AT_MOST_S = 300.0
LOOK_EVERY_S = 60.0


class NotSent(Exception):
    """Central is not reached, or does not take it; says why."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a room reaches central over HTTP."""

    url: str
    room: str
    broker: Broker
    """For its credentials and the certificate it trusts."""

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection that is not open yet."""
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port
        if parts.scheme != "https":
            return http.client.HTTPConnection(host, port, timeout=ANSWER_WITHIN_S)
        trust = ssl.create_default_context(cafile=self.broker.ca_file)
        return http.client.HTTPSConnection(host, port, timeout=ANSWER_WITHIN_S, context=trust)

    @property
    def authorization(self) -> str:
        """The header that says who we are."""
        said = f"{self.broker.username or ''}:{self.broker.password or ''}"
        return f"Basic {base64.b64encode(said.encode()).decode()}"


class Uploader:
    """Sends what waits, one piece at a time; `way` says how, or that there is none yet."""

    def __init__(self, evidence: Evidence, way: Callable[[], Way | None]) -> None:
        self._evidence = evidence
        self._way = way
        self._new = asyncio.Event()
        evidence.subscribe(self._new.set)

    async def run(self) -> None:
        """Send, until cancelled."""
        wait_s = AGAIN_AFTER_S
        while True:
            self._new.clear()
            try:
                await self._send_all()
                wait_s = AGAIN_AFTER_S
                await self._rest(LOOK_EVERY_S)
            except NotSent as error:
                log.info("evidence not sent: %s", error, extra={"action": "evidence"})
                await asyncio.sleep(random.uniform(wait_s / 2, wait_s))
                wait_s = min(2 * wait_s, AGAIN_AT_MOST_S)

    async def _rest(self, at_most_s: float) -> None:
        try:
            async with asyncio.timeout(at_most_s):
                await self._new.wait()
        except TimeoutError:
            return

    async def _send_all(self) -> None:
        """Send everything that waits.

        Raises:
            NotSent: one could not be sent.
        """
        waiting = self._evidence.waiting()
        if not waiting:
            return
        if (way := self._way()) is None:
            raise NotSent("central has not said where it is")
        for sha256 in waiting:
            try:
                content = self._evidence.read(sha256)
            except OSError:  # it had to make room for a newer one
                continue
            await asyncio.to_thread(send, way, sha256, content)
            self._evidence.sent(sha256)


def send(way: Way, sha256: str, content: bytes) -> None:
    """Bring a piece to central, or what of it is still missing there. Blocks.

    Raises:
        NotSent: central was not reached or does not take it.
    """
    talk = _Talk(way, sha256)
    try:
        offset = talk.ask("HEAD")
        while offset is not None:
            part = content[offset : offset + PART_BYTES]
            offset = talk.ask("PATCH", part, {OFFSET: str(offset), LENGTH: str(len(content))})
    except (OSError, http.client.HTTPException) as error:
        raise NotSent(f"{way.url}: {type(error).__name__} {error}") from error
    finally:
        talk.connection.close()


class _Talk:
    """Questions about one piece over one connection."""

    def __init__(self, way: Way, sha256: str) -> None:
        self._way = way
        self._path = evidence_path(way.room, sha256)
        self.connection = way.connect()

    def ask(self, method: str, body: bytes = b"", headers: Mapping[str, str] = MappingProxyType({})) -> int | None:
        """Return from where central wants more; none once it has all.

        Raises:
            NotSent: it answers something else.
        """
        said = {"Authorization": self._way.authorization, **headers}
        self.connection.request(method, self._path, body or None, said)
        answer = self.connection.getresponse()
        answer.read()
        if answer.status == http.client.OK:
            return None
        offset = answer.getheader(OFFSET, "")
        if answer.status != http.client.NO_CONTENT or not offset.isdecimal():
            detail = f"wanted {method} of evidence taken, found {answer.status} {answer.reason}"
            raise NotSent(f"{self._way.url}: {detail}")
        return int(offset)
