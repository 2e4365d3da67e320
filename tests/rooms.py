"""A room with one camera, for tests of a whole agent: its file, how its agent is started, its tablet, its journal."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from websockets.asyncio.client import connect

from agent.clock import SystemClock
from agent.journal import Journal
from agent.store import Store
from contract.messages import Entry
from tests.broker import free_port

HEAD = """\
room: praja-1
name: Ruang Rapat Praja I
time_zone: Asia/Pontianak
central: {{broker: "mqtt://127.0.0.1:{broker}"}}
data: data
tablet: {{listen: "127.0.0.1:0"}}
"""
"""How the file of a room begins whose broker lets everybody in."""
ROOM = f"""\
{HEAD}devices:
  camera-1: {{{{at: "{{camera}}", required: true}}}}
"""
PRESETS = """\
prepare: {lead: 30s, certify: 5s}
presets:
  siap:
    label: {id: Siap, en: Ready}
    steps: [{device: camera-1, do: recall, args: {memory: 1}, within: 15s, verify: true}]
phases: {prepare: siap}
"""
"""What stands in such a file after the devices."""
RUNS = """\
import asyncio, sys
from pathlib import Path
from agent import app
asyncio.run(app.run(Path(sys.argv[1])))
"""
PATIENT = "from agent import supervision\nsupervision.TOO_MANY = 10**9\n"
"""Its agent never takes its ends for a crash loop: what it does then is another test's."""


def written(folder: Path, camera: str, *, broker: int | None = None, more: str = "") -> Path:
    """Write a room's file, with `more` after its devices; without a `broker` nobody answers where it looks for one."""
    config = folder / "praja-1.yaml"
    config.write_text(ROOM.format(broker=broker or free_port(), camera=camera) + more)
    return config


def agent(config: Path, first: str = "") -> tuple[str, ...]:
    """Return the command line of an agent that runs the program `first` before it begins, to be broken on purpose."""
    return (sys.executable, "-c", first + RUNS, str(config))


def siaga_agent(config: Path, first: str = "") -> tuple[str, ...]:
    """Return the same through the command that people give."""
    return (sys.executable, "-c", first + "from siaga.cli import main; main()", "agent", "--config", str(config))


async def touch(address: str, what: str, **args: object) -> dict[str, object]:
    """Do something on the tablet at `address` and return its answer."""
    async with asyncio.timeout(5), connect(address.replace("http://", "ws://") + "/live") as tablet:
        await tablet.send(json.dumps({"t": "hello"}))
        await tablet.send(json.dumps({"t": "do", "id": "k1", "what": what, "args": args}))
        async for message in tablet:
            answer = json.loads(message)
            if answer["t"] == "ack":
                return dict(answer)
    raise AssertionError("no answer")


def journal(config: Path) -> list[Entry]:
    """Return what the room's agent wrote; it must have ended."""
    store = Store(config.parent / "data")
    try:
        return Journal(store, SystemClock(), "reader").recent(500)
    finally:
        store.close()
