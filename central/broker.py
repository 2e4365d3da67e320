"""A private Mosquitto: made, started and watched over by central.

It keeps nothing on disk but who may connect: what it loses, central and the rooms publish
again (measured: more durable than the broker's own persistence). Rooms have 256 random
bits as a password; the file that the broker reads holds only their hashes, and is all
that central keeps of them. A room reads what goes down to it and writes what comes up
from it, nothing else.
"""

from __future__ import annotations

import asyncio
import base64
import getpass
import hashlib
import logging
import os
import random
import secrets
import shutil
import signal
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract import CENTRAL_ALL, MAX_PACKET_BYTES, RoomTopics
from contract.link import Broker
from contract.topics import ROOT

log = logging.getLogger(__name__)

USER: Final = "central"
ADDRESS: Final = "address"
"""File with the broker's address, for other processes of this machine."""
LISTEN_WITHIN_S: Final = 10.0
STOP_WITHIN_S: Final = 3.0
LOOK_EVERY_S: Final = 0.5
BACKOFF_AT_MOST_S: Final = 5.0
LIVED_WELL_S: Final = 10.0
ITERATIONS: Final = 101
"""Mosquitto's own number; passwords here are random, so more would only cost time."""


class NoBroker(Exception):
    """Mosquitto is not installed, or does not start."""


@dataclass(frozen=True, slots=True)
class RoomCredentials:
    """What a room shows to the broker."""

    username: str
    password: str

    def write(self, path: Path) -> None:
        """Write the room's `*.secrets.yaml`, readable for its owner only from the first byte."""
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"username: {self.username}\npassword: {self.password}\n")
        part.replace(path)


def managed_url(folder: Path) -> str:
    """Return where the broker whose files are in `folder` listens, or listened last.

    Raises:
        NoBroker: none was ever started there.
    """
    try:
        return (folder / ADDRESS).read_text()
    except OSError as error:
        raise NoBroker(f"no broker was started in {folder} yet: start central first") from error


class Accounts:
    """Who may connect to the managed broker, as the two files that Mosquitto reads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.passwords = folder / "passwords"
        self.access = folder / "access"

    def enrol(self, room: str) -> RoomCredentials:
        """Give `room` a fresh password; its old one is worth nothing as soon as the broker has looked."""
        credentials = RoomCredentials(room, secrets.token_urlsafe(32))
        self.put(credentials)
        return credentials

    def put(self, credentials: RoomCredentials) -> None:
        """Let these credentials in, and no others of the same name."""
        lines = self._lines()
        lines[credentials.username] = password_hash(credentials.password)
        self._write(lines)

    def remove(self, room: str) -> None:
        """Let `room` in no more."""
        lines = self._lines()
        lines.pop(room, None)
        self._write(lines)

    def _lines(self) -> dict[str, str]:
        if not self.passwords.exists():
            return {}
        pairs = (line.partition(":") for line in self.passwords.read_text().splitlines() if line)
        return {name: digest for name, _, digest in pairs}

    def _write(self, lines: dict[str, str]) -> None:
        """Write both files whole; the password file last, because its change is what the broker is told of."""
        _replace(self.access, access_list(name for name in lines if name != USER))
        _replace(self.passwords, "".join(f"{name}:{digest}\n" for name, digest in sorted(lines.items())))


def access_list(rooms: Iterable[str]) -> str:
    """Return Mosquitto's access list for these rooms."""
    own = RoomTopics("%u")
    each = "".join(f"\nuser {room}\ntopic read {CENTRAL_ALL}\n" for room in sorted(rooms))
    everybody = f"\npattern read {own.down}\npattern write {own.down.replace('/down/', '/up/')}\n"
    return f"user {USER}\ntopic readwrite {ROOT}/#\n{each}{everybody}"


def password_hash(password: str) -> str:
    """Return `password` as Mosquitto 2 keeps it: PBKDF2 with SHA-512."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS, 64)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)


def find_mosquitto() -> str:
    """Return the path of Mosquitto.

    Raises:
        NoBroker: it is not installed.
    """
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NoBroker("mosquitto is not installed (Debian: apt install mosquitto)")
    return found


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


class ManagedBroker:
    """Runs one Mosquitto on one port for as long as `run` runs."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", port: int = 0) -> None:
        self._binary = find_mosquitto()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._folder = folder
        self.host = host
        self.port = port or _free_port(host)
        self.accounts = Accounts(folder)
        self._own = RoomCredentials(USER, secrets.token_urlsafe(32))
        self._process: asyncio.subprocess.Process | None = None
        self.accounts.put(self._own)
        _replace(folder / "mosquitto.conf", self._configuration())
        _replace(folder / ADDRESS, self.url)

    @property
    def url(self) -> str:
        """What rooms write into `central.broker`."""
        return f"mqtt://{self.host}:{self.port}"

    @property
    def link(self) -> Broker:
        """The broker as central itself reaches it."""
        return Broker.parse(self.url, username=USER, password=self._own.password)

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return self._process.pid if self._process else None

    def _configuration(self) -> str:
        return (
            f"listener {self.port} {self.host}\n"
            f"user {getpass.getuser()}\n"  # as root it would change to another user and not read its own files
            "allow_anonymous false\n"
            f"password_file {self.accounts.passwords}\n"
            f"acl_file {self.accounts.access}\n"
            "persistence false\n"
            f"max_packet_size {MAX_PACKET_BYTES + 4096}\n"  # the payload's limit, and its topic and properties
            "max_queued_messages 10000\n"
            "log_dest stderr\nlog_type error\nlog_type warning\n"
        )

    async def run(self) -> None:
        """Keep the broker running on its port; it ends when this is cancelled."""
        wait_s = 0.1
        while True:
            began = time.monotonic()
            code = await self._run_once()
            if time.monotonic() - began > LIVED_WELL_S:
                wait_s = 0.1
            log.warning("broker ended with %s, starting again", code, extra={"action": "broker_ended", "code": code})
            await asyncio.sleep(random.uniform(wait_s / 2, wait_s))
            wait_s = min(2 * wait_s, BACKOFF_AT_MOST_S)

    async def listening(self) -> None:
        """Return once somebody can connect.

        Raises:
            NoBroker: nobody could within `LISTEN_WITHIN_S`.
        """
        try:
            async with asyncio.timeout(LISTEN_WITHIN_S):
                await self._reach()
        except TimeoutError as error:
            raise NoBroker(f"mosquitto does not listen on {self.host}:{self.port}; see {self._log}") from error

    async def _reach(self) -> None:
        """Try to connect until it works."""
        while True:
            try:
                _, writer = await asyncio.open_connection(self.host, self.port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                await writer.wait_closed()
                return

    @property
    def _log(self) -> Path:
        return self._folder / "mosquitto.log"

    async def _run_once(self) -> int:
        with self._log.open("ab") as said:
            process = await asyncio.create_subprocess_exec(*self._command(), stdout=said, stderr=said)
        self._process = process
        try:
            async with asyncio.TaskGroup() as tasks:
                watcher = tasks.create_task(self._pass_on_accounts(process), name="broker accounts")
                code = await process.wait()
                watcher.cancel()
            return code
        finally:
            self._process = None
            await _end(process)

    def _command(self) -> list[str]:
        """Return the command; with setpriv the broker ends also when central is killed."""
        command = [self._binary, "-c", str(self._folder / "mosquitto.conf")]
        setpriv = shutil.which("setpriv")
        return [setpriv, "--pdeathsig", "TERM", "--", *command] if setpriv else command

    async def _pass_on_accounts(self, process: asyncio.subprocess.Process) -> None:
        """Tell the broker of changed accounts, also those that another process wrote."""
        seen = self.accounts.passwords.stat()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now = self.accounts.passwords.stat()
            if (now.st_mtime_ns, now.st_ino) != (seen.st_mtime_ns, seen.st_ino):
                seen = now
                process.send_signal(signal.SIGHUP)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_WITHIN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
