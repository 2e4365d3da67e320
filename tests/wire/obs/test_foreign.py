"""Somebody else's client on the simulated OBS, in both encodings: it knows nothing of ours."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import cast

import pytest

from drivers.obs.sim import ObsSimulator, Studio
from tests.wire.obs.oracle import Json

CLIENT = Path(__file__).with_name("foreign") / "client.js"
LIBRARY = Path(sys.prefix) / "foreign"
"""Where `make setup-test` installs it."""
PASSWORD = "rahasia"
WITHIN_S = 30.0


@pytest.fixture(scope="module")
def node() -> str:
    """Skip without the client, but not where nobody would notice."""
    found = shutil.which("node")
    if found is not None and (LIBRARY / "node_modules" / "obs-websocket-js").is_dir():
        return found
    missing = "no foreign client: make setup-test installs it"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


async def driven(node: str, encoding: str) -> Json:
    """Return what obs-websocket-js found."""
    obs = ObsSimulator(Studio.load(), PASSWORD)
    await obs.start()
    command = [node, str(CLIENT), str(LIBRARY), encoding, f"ws://127.0.0.1:{obs.port}", PASSWORD]
    try:
        running = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        printed, complaints = await asyncio.wait_for(running.communicate(), WITHIN_S)
    finally:
        await obs.stop()
    assert running.returncode == 0, complaints.decode()
    return cast("Json", json.loads(printed))


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_obs_websocket_js_finds_an_obs(node: str, encoding: str) -> None:
    found = await driven(node, encoding)
    assert found["wrongPassword"] == 4009
    assert cast("Json", found["identified"])["negotiatedRpcVersion"] == 1
    assert cast("Json", found["version"])["obsWebSocketVersion"] == "5.1.0"
    assert cast("Json", found["before"])["currentProgramSceneName"] == "Jeda"
    assert found["after"] == {"currentProgramSceneName": "Hitam"}
    assert found["told"] == ["Hitam"]
    assert found["missing"] == {"code": 600, "message": "No source was found by the name of `Tidak ada`."}
    assert cast("Json", found["volume"])["inputVolumeDb"] == -6.5
    assert found["text"] == "Rapat é ✓ " * 100
    assert found["recording"] == "OBS_WEBSOCKET_OUTPUT_STARTING"
    rows = cast("list[Json]", found["batch"])
    assert [cast("Json", row["requestStatus"])["code"] for row in rows] == [100, 100, 204]
    assert found["meters"] == ["Mikrofon", "Pengeras"]
    assert str(found["picture"]).startswith("data:image/jpg;base64,/")
