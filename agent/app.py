"""The composition root of one room: reads the room file, makes the parts, runs them in one task group.

A lost device or broker is no reason to stop. A bug is: the task group ends, the process
ends with the reason, and the next start goes on from the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from pydantic import JsonValue

from agent.board import Sighting
from agent.clock import Clock, SystemClock
from agent.engine import Engine
from agent.equipment import equipment_of, remembering
from agent.evidence import Evidence
from agent.exchange import Exchange
from agent.journal import Journal
from agent.network import look_at_clock
from agent.officeclock import OfficeClock
from agent.pictures import PresetPictures
from agent.plan import Rhythm
from agent.presets import presets_of
from agent.programme import OnAir, ProgrammePicture
from agent.pruning import Pruner
from agent.roomfile import RoomFile, Secrets, device_kinds, load, read_secrets
from agent.schedule import ScheduleBook
from agent.sounddesk import SoundDesk, sound_desk
from agent.statement import Birth
from agent.store import Store
from agent.storekeeper import Storekeeper, sighting
from agent.supervision import ASKED, FAULT, Supervision, begin, confessing, status_of
from agent.support import LogRing, Support
from agent.tablet import Tablet
from agent.upload import Uploader, Way
from agent.webserver import Server, listening, serve_web, stop_web
from agent.witness import Witness
from contract.ids import new_id
from contract.messages import Entry
from contract.service import Service
from contract.words import EntryKind, StepOutcome
from drivers.ports import Camera

log = logging.getLogger(__name__)

RUNS_END_WITHIN_S = 5.0
"""What a cancelled run still takes back."""


@dataclass(frozen=True, slots=True)
class Room:
    """The parts of a running room."""

    engine: Engine
    exchange: Exchange
    journal: Journal
    store: Store
    sound: SoundDesk | None
    tablet: Tablet
    picture: ProgrammePicture | None
    pictures: PresetPictures | None
    witness: Witness | None
    uploader: Uploader
    storekeeper: Storekeeper
    supervision: Supervision


Drill = Callable[[Engine, Exchange], None]
"""Is given the parts of a room that is only practised with, before anything runs."""


async def run(config: Path) -> None:
    """Run the room of `config` until SIGTERM or SIGINT, or until cancelled.

    Raises:
        FileMistakes: everything that is wrong in the room file and its secrets.
        StoreUnfit: the data folder is another agent's, damaged, or not writable.
        OSError: the tablet's address cannot be listened on.
        AgentFault: a bug ended it.
    """
    room_file = load(config)
    await run_room(config, room_file, read_secrets(config, room_file, os.environ))


async def run_room(
    config: Path,
    room_file: RoomFile,
    secrets: Secrets,
    *,
    clock: Clock | None = None,
    drill: Drill | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Run a room until SIGTERM or SIGINT, until `stop` is set or until cancelled.

    Raises:
        StoreUnfit: the data folder is another agent's, damaged, or not writable.
        OSError: the tablet's address cannot be listened on.
        AgentFault: a bug ended it.
    """
    clock, stop = OfficeClock(clock or SystemClock()), stop or asyncio.Event()
    with (
        _stopping(stop),
        contextlib.closing(Store(config.parent / room_file.data)) as store,
        listening(room_file.tablet.listen) as listener,
        LogRing.listening() as logs,
    ):
        journal = Journal(store, clock, new_id())
        with confessing(store, journal):
            room = _compose(room_file, secrets, store, journal, clock, is_drill=drill is not None)
            if drill is not None:
                drill(room.engine, room.exchange)
            support = Support(
                config,
                room.engine.equipment.devices,
                room.engine.equipment.board,
                journal,
                logs,
                clock,
                tuple(filter(None, (secrets.broker.password, *secrets.passwords.values()))),
            )
            await _serve(room, listener, stop, support)


def _compose(
    room_file: RoomFile, secrets: Secrets, store: Store, journal: Journal, clock: OfficeClock, *, is_drill: bool
) -> Room:
    mode = begin(store, journal, clock)
    equipment = equipment_of(room_file, secrets.passwords, clock, sighting())
    book = ScheduleBook(store)
    rhythm = Rhythm(room_file.prepare.lead, room_file.prepare.certify, store.born_at, room_file.over_run)
    engine = Engine(
        room_file,
        presets_of(room_file),
        equipment,
        journal=journal,
        book=book,
        rhythm=rhythm,
        clock=clock,
        mode=mode,
    )
    for camera in equipment.devices.values():
        if isinstance(camera, Camera):
            equipment.keepers[camera.name].opened = remembering(camera, store, clock, engine.device_log.note_replaced)
    birth = Birth(journal.boot, version("siaga"), clock.now(), tuple(sorted(set(device_kinds(room_file).values()))))
    evidence = Evidence(store.path.parent / "evidence", engine.scribe.note_dropped)
    exchange = Exchange(
        secrets.broker, engine, store=store, journal=journal, book=book, evidence=evidence, birth=birth, clock=clock
    )
    engine.add_probe(lambda: _look_at_clock(exchange))
    engine.await_first(exchange.compare_clocks)
    sound = sound_desk(engine, store, clock)
    named = next(((name, device) for name, device in equipment.devices.items() if isinstance(device, OnAir)), None)
    switcher = None if named is None else named[1]
    picture = None if switcher is None else ProgrammePicture(switcher, clock)
    pictures = None if switcher is None else _pictures(switcher, engine, store)
    witness = None if named is None else Witness(*named, engine, evidence, clock)
    uploader = Uploader(evidence, lambda: _way(exchange, room_file.room, secrets))
    tablet = Tablet(
        engine, sound=sound, is_online=lambda: exchange.is_up, picture=picture, pictures=pictures, drill=is_drill
    )
    kept = room_file.journal
    pruner = Pruner(store, journal, clock, keep=kept.keep, at_most_bytes=kept.at_most_mb * 1_000_000)
    storekeeper = Storekeeper(store, journal, equipment.board, pruner)
    proofs = {"plan": lambda: engine.asked_at, "exchange": exchange.ran_at, "journal": lambda: storekeeper.wrote_at}
    service = Service.of(os.environ, os.getpid())
    supervision = Supervision(service, mode, proofs, lambda: status_of(engine, online=exchange.is_up))
    return Room(
        engine,
        exchange,
        journal,
        store,
        sound,
        tablet,
        picture,
        pictures,
        witness,
        uploader,
        storekeeper,
        supervision,
    )


async def _look_at_clock(exchange: Exchange) -> Sighting:
    return look_at_clock(exchange.offset_ms)


def _way(exchange: Exchange, room: str, secrets: Secrets) -> Way | None:
    """Return how central is reached over HTTP, once it has said where it is."""
    return Way(exchange.central_url, room, secrets.broker) if exchange.central_url else None


def _pictures(switcher: OnAir, engine: Engine, store: Store) -> PresetPictures:
    """Have each preset that ended well pictured, while no session is live."""
    pictures = PresetPictures(
        store.path.parent / "pictures", engine.presets, switcher, may_keep=lambda: engine.live_session() is None
    )

    def look(entry: Entry) -> None:
        if entry.kind == EntryKind.PRESET_ENDED and entry.outcome == StepOutcome.DONE:
            pictures.proven(str(entry.body.get("preset")))

    engine.journal.subscribe(look)
    pictures.subscribe(engine.changed)
    return pictures


async def _serve(room: Room, listener: socket.socket, stop: asyncio.Event, support: Support) -> None:
    """Run every part until `stop`; what fails with a bug ends all.

    The devices outlive the rest: whatever ended it, the cameras are still there to be stopped.
    """
    async with asyncio.TaskGroup() as group:
        keepers = [
            group.create_task(keeper.run(), name=f"keep {name}")
            for name, keeper in room.engine.equipment.keepers.items()
        ]
        try:
            await _work(room, listener, stop, support)
        finally:
            for keeper in keepers:
                keeper.cancel()


async def _work(room: Room, listener: socket.socket, stop: asyncio.Event, support: Support) -> None:
    """Run everything but the devices until `stop`, then leave the room."""
    server = Server(room.tablet, support, room.supervision.ready)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(room.engine.run(), name="engine"),
            group.create_task(room.exchange.run(), name="exchange"),
            group.create_task(room.storekeeper.run(), name="storage"),
            group.create_task(room.uploader.run(), name="evidence"),
            group.create_task(room.supervision.run(), name="supervision"),
        ]
        if room.sound is not None:
            tasks.append(group.create_task(room.sound.run(), name="sound"))
        if room.picture is not None:
            tasks.append(group.create_task(room.picture.run(), name="programme picture"))
        if room.witness is not None:
            tasks.append(group.create_task(room.witness.run(), name="pictures for the report"))
        if room.pictures is not None:
            tasks.append(group.create_task(room.pictures.run(), name="pictures of presets"))
        web = group.create_task(serve_web(server, listener), name="tablet")
        try:
            await stop.wait()
        finally:
            await _leave(room, ASKED if stop.is_set() else FAULT)
            await stop_web(server, web)
            for task in tasks:
                task.cancel()


async def _leave(room: Room, why: str) -> None:
    """Stop what moves, write down why and how that ended, say goodbye; each within its limit.

    From here on no hand moves a camera. What a cancelled run still takes back may; closing
    the device stops it.
    """
    room.supervision.leave(why)
    room.tablet.leave()
    room.engine.runs.cancel(None)
    stopped = await room.engine.stop_cameras()
    await room.engine.runs.settle(RUNS_END_WITHIN_S)
    body: dict[str, JsonValue] = {"why": why, "cameras": {**stopped}, "room": room.engine.standing()}
    room.journal.append(EntryKind.AGENT_STOPPED, body=body)
    await room.exchange.farewell()


@contextlib.contextmanager
def _stopping(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` on SIGTERM and SIGINT meanwhile."""
    loop, signals = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
