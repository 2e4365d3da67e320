"""The managed broker: a private Mosquitto that central starts, watches and ends.

It keeps nothing on disk but who may come in: what rooms need is published anew by central
whenever its own connection was lost, so a broker that restarts empty is whole again within
seconds (`docs/decisions/0002-managed-mosquitto.md`). It listens on loopback only; an office
whose rooms are other machines points `broker:` at its own TLS broker instead.

A room's password is made here, written once into the room's credentials file and kept as a
hash. `enrol` may run in another process: the supervisor sees the changed file and makes
Mosquitto read it.
"""

from __future__ import annotations

import asyncio
import base64
import getpass
import hashlib
import hmac
import logging
import os
import secrets
import shutil
import signal
import socket
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from contract.base import MAX_PACKET_BYTES
from contract.link import Broker
from contract.topics import ROOT

log = logging.getLogger(__name__)

START_WITHIN_S = 10.0
STOP_WITHIN_S = 3.0
LOOK_EVERY_S = 0.5
RETRY_AT_MOST_S = 5.0
CENTRAL: Final = "central"
_PBKDF2_ROUNDS = 101
"""Mosquitto's own default; the passwords are 256 random bits, so rounds buy nothing."""


class BrokerUnavailable(Exception):
    """Mosquitto cannot be started; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a room shows the broker."""

    username: str
    password: str = field(repr=False)

    def write(self, path: Path) -> None:
        """Write them as a room's `*.secrets.yaml`, whole and for our user only."""
        _replace(path, f"username: {self.username}\npassword: {self.password}\n")


def _hashed(password: str, salt: bytes | None = None) -> str:
    """Return `password` as Mosquitto keeps it: PBKDF2 with SHA-512 (mosquitto_passwd(1), "$7$")."""
    salt = salt or secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _PBKDF2_ROUNDS)
    return f"$7${_PBKDF2_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _replace(path: Path, text: str) -> None:
    """Write `path` whole or not at all, for our user only."""
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)


class Doors:
    """Who may come in and what each may read and write: Mosquitto's two files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.passwords = folder / "passwords"
        self.access = folder / "access"

    def enrol(self, username: str) -> Credentials:
        """Make (or make anew) the password of `username`; an older one ceases to work."""
        credentials = Credentials(username, secrets.token_urlsafe(32))
        known = self._known() | {username: _hashed(credentials.password)}
        _replace(self.access, _access_list(known))
        _replace(self.passwords, "".join(f"{name}:{kept}\n" for name, kept in known.items()))
        return credentials

    def admits(self, username: str, password: str) -> bool:
        """Return whether these are the credentials that were made for `username`."""
        kept = self._known().get(username, "")
        if kept.count("$") != 4 or username == CENTRAL:
            return False
        salt = base64.b64decode(kept.split("$")[3])
        return hmac.compare_digest(kept, _hashed(password, salt))

    def _known(self) -> dict[str, str]:
        if not self.passwords.exists():
            return {}
        return dict(line.split(":", 1) for line in self.passwords.read_text().splitlines() if ":" in line)

    @property
    def version(self) -> int:
        """Changes whenever the files changed."""
        return self.passwords.stat().st_mtime_ns if self.passwords.exists() else 0


def _access_list(users: dict[str, str]) -> str:
    """Return the access list: central everything, a room its own two branches and central's word."""
    rooms = [f"user {name}\ntopic read {ROOT}/central/#\n" for name in users if name != CENTRAL]
    return (
        f"pattern read {ROOT}/room/%u/down/#\npattern write {ROOT}/room/%u/up/#\n\n"
        f"user {CENTRAL}\ntopic readwrite siaga/#\n\n" + "\n".join(rooms)
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _taken(port: int) -> bool:
    """Tell whether another program listens on `port`; without asking, its answer would pass for our broker's."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _kept_port(file: Path) -> int:
    """Return the port of earlier starts, so that rooms find the broker again; else a free one."""
    if not file.exists():
        _replace(file, str(_free_port()))
    return int(file.read_text())


class ManagedBroker:
    """One Mosquitto process, started again whenever it ends."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.doors = Doors(folder)
        self.port = port or _kept_port(folder / "port")
        self._config = folder / "mosquitto.conf"
        self._central = self.doors.enrol(CENTRAL)
        self._process: asyncio.subprocess.Process | None = None
        self._said: deque[str] = deque(maxlen=10)
        self.ready = asyncio.Event()

    @property
    def url(self) -> str:
        """Where rooms on this machine find it."""
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def for_central(self) -> Broker:
        """How central itself connects."""
        return Broker.parse(self.url, username=self._central.username, password=self._central.password)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process else None

    async def run(self) -> None:
        """Keep it running until cancelled.

        Raises:
            BrokerUnavailable: it could not be started the first time.
        """
        wait_s = 0.1
        while True:
            try:
                await self._serve_once()
                wait_s = 0.1
            except BrokerUnavailable as error:
                if not self.ready.is_set():
                    raise
                log.error("broker does not start: %s", error)  # noqa: TRY400 - the line says it all
                wait_s = min(2 * wait_s, RETRY_AT_MOST_S)
            await asyncio.sleep(wait_s)

    async def _serve_once(self) -> None:
        """Start it and return when it has ended by itself.

        Raises:
            BrokerUnavailable: it does not start.
        """
        self._process = process = await self._start()
        reader = asyncio.create_task(self._listen(process), name="broker log")
        try:
            await self._answers(process)
            log.info("broker runs", extra={"port": self.port, "pid": process.pid})
            self.ready.set()
            await self._watch(process)
            log.warning("broker ended by itself: %s", process.returncode)
        finally:
            await self._stop(process)
            await reader
            self._process = None

    async def _start(self) -> asyncio.subprocess.Process:
        """Write the configuration and start the process.

        Raises:
            BrokerUnavailable: there is no Mosquitto on this machine, or its port is taken.
        """
        binary = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if binary is None:
            raise BrokerUnavailable(
                "no mosquitto found: apt-get install mosquitto, or set broker: mqtts://... in the file"
            )
        if _taken(self.port):
            raise BrokerUnavailable(f"port {self.port} on this machine is taken: end that program or set another port")
        _replace(self._config, self._configuration())
        # The broker must not outlive a central that was killed: the kernel ends it then.
        bound = [setpriv, "--pdeathsig", "TERM"] if (setpriv := shutil.which("setpriv")) else []
        return await asyncio.create_subprocess_exec(
            *bound, binary, "-c", str(self._config),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip

    def _configuration(self) -> str:
        return "\n".join(
            (
                f"listener {self.port} 127.0.0.1",
                f"user {getpass.getuser()}",  # else Mosquitto drops to a user that cannot read its own files
                "allow_anonymous false",
                f"password_file {self.doors.passwords}",
                f"acl_file {self.doors.access}",
                "persistence false",
                f"max_packet_size {MAX_PACKET_BYTES}",
                "max_queued_messages 10000",
                "log_dest stderr",
                "log_type error",
                "log_type warning",
                "",
            )
        )

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Keep its last lines for a message."""
        while process.stderr and (line := await process.stderr.readline()):
            self._said.append(line.decode(errors="replace").strip())

    async def _answers(self, process: asyncio.subprocess.Process) -> None:
        """Return once it accepts connections.

        Raises:
            BrokerUnavailable: it ended, or never listened.
        """
        deadline = asyncio.get_running_loop().time() + START_WITHIN_S
        while asyncio.get_running_loop().time() < deadline:
            if process.returncode is not None:
                break
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
        raise BrokerUnavailable(f"mosquitto on port {self.port}: {' / '.join(self._said) or 'does not listen'}")

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Return when the process ends; until then pass on changed passwords."""
        seen = self.doors.version
        while process.returncode is None:
            await asyncio.sleep(LOOK_EVERY_S)
            if self.doors.version != seen and process.returncode is None:
                seen = self.doors.version
                process.send_signal(signal.SIGHUP)

    @staticmethod
    async def _stop(process: asyncio.subprocess.Process) -> None:
        if process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
