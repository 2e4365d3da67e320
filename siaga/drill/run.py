"""Runs one drill: sets the stage, runs the room's own agent on it, directs, and returns the score."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from agent.app import run_room
from agent.engine import Engine
from agent.exchange import Exchange
from agent.roomfile import RoomFile, Secrets
from agent.roomfile import load as load_room
from contract.ids import new_id
from contract.link import Broker
from contract.messages import PlannedSession, Schedule
from contract.words import SessionStatus
from contract.yamlfile import FileMistakes, read
from siaga.drill import script as scripts
from siaga.drill.clock import DrillClock
from siaga.drill.director import Director, let_write_again
from siaga.drill.office import Office, free_port, office
from siaga.drill.score import Score
from siaga.drill.script import MARK, Script
from siaga.drill.stage import Stage, set_up


async def drill(config: Path, script_file: Path, data: Path | None = None) -> Score:
    """Practise with the room of `config` by the script; its journal goes to `data`, or away again.

    Raises:
        FileMistakes: everything wrong in the room file and the script.
        NoActor: a device of the room cannot be played.
        NoBroker: Mosquitto does not start.
        OSError: the tablet's address is taken, as by the room's own agent.
        AgentFault: a bug ended the agent.
    """
    room = load_room(config)
    script = scripts.load(script_file, room)
    with _folder(data) as folder:
        async with set_up(room) as stage, office() as nearby:
            _refuse_network(script_file, script, nearby)
            return await _run(config, room, script, folder=folder, stage=stage, nearby=nearby)


def _refuse_network(path: Path, script: Script, nearby: Office | None) -> None:
    """See that the way to central can be cut, where the script does so.

    Raises:
        FileMistakes: it cannot: there is no broker here.
    """
    source = read(path)
    without = [number for number, fault in enumerate(script.faults) if fault.do == "network"] if nearby is None else []
    if without:
        text = "there is no way to central that could be cut: apt install mosquitto"
        raise FileMistakes(path, tuple(source.mistake(("faults", number, "do"), text) for number in without))


async def _run(
    config: Path, room: RoomFile, script: Script, *, folder: Path, stage: Stage, nearby: Office | None
) -> Score:
    clock = DrillClock()
    director = Director(script, stage, clock, nearby)
    broker = nearby.broker if nearby is not None else Broker("127.0.0.1", free_port())
    passwords = {name: stage.password for name, device in room.devices.items() if _is_locked(device.at)}
    played = _played(room, script, stage, folder, broker)
    plan = planned(script, datetime.now(UTC))

    def begun(engine: Engine, exchange: Exchange) -> None:
        engine.book.apply(_schedule(plan), clock.now())
        director.begin(engine, exchange, plan.id)

    # nothing of the room's own secrets is needed, or known, here
    secrets = Secrets(broker, passwords)
    async with asyncio.TaskGroup() as group:
        helpers = [group.create_task(director.run(), name="director")]
        if nearby is not None:
            helpers.append(group.create_task(nearby.run(), name="office"))
        try:
            await run_room(config, played, secrets, clock=clock, drill=begun, stop=director.over)
        finally:
            let_write_again()
            for helper in helpers:
                helper.cancel()
    return director.score


def _is_locked(at: str) -> bool:
    return at.startswith(("obs+ws", "pjlink"))


def _played(room: RoomFile, script: Script, stage: Stage, folder: Path, broker: Broker) -> RoomFile:
    """Return the room with its devices played, its journal elsewhere and its central nowhere near."""
    addresses = stage.addresses
    devices = {name: device.model_copy(update={"at": addresses[name]}) for name, device in room.devices.items()}
    central = room.central.model_copy(
        update={"broker": f"mqtt://{broker.host}:{broker.port}", "credentials": None, "ca": None}
    )
    tablet = room.tablet.model_copy(update={"listen": script.tablet}) if script.tablet else room.tablet
    lead = max(script.session.start - script.session.prepare, room.prepare.certify / 1000)
    prepare = room.prepare.model_copy(update={"lead": lead, "certify": min(room.prepare.certify, lead / 2)})
    over_run = room.over_run if script.session.over_run is None else script.session.over_run
    changed = {
        "devices": devices,
        "central": central,
        "data": folder,
        "tablet": tablet,
        "prepare": prepare,
        "over_run": over_run,
    }
    return room.model_copy(update=changed)


def planned(script: Script, now: datetime) -> PlannedSession:
    """Return the session that is practised, clearly marked."""
    wanted = script.session
    return PlannedSession(
        id=f"drill-{new_id()}",
        rev=1,
        status=SessionStatus.CONFIRMED,
        title=f"{MARK}{wanted.title}",
        agency="Latihan",
        start=now + wanted.start,
        end=now + wanted.start + wanted.lasts,
        prepare_at=now + wanted.prepare,
    )


def _schedule(plan: PlannedSession) -> Schedule:
    window = (plan.prepare_at, plan.end)
    return Schedule(epoch="drill", rev=1, window=window, count=1, sessions=(plan,))


@contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
        yield data.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="siaga-drill-") as temporary:
        yield Path(temporary)
