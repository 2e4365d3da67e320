"""Central as a process, killed while a room is connected: the room runs on and is back on the wall by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from siaga.demo.files import REAL, ROOMS
from siaga.demo.office import Office, until
from siaga.demo.processes import Children
from siaga.demo.site import Site
from tests.notify import manager
from tests.until import until as until_true


@pytest.mark.timeout(150)
async def test_a_room_is_back_on_the_wall_after_central_was_killed(tmp_path: Path) -> None:
    async with Children(tmp_path / "logs") as children:
        site = Site(tmp_path, children, REAL, 0)
        await site.start_central(1)
        room = await site.start_room(ROOMS[0])
        async with Office(site.url, site.password) as office:
            technician = await office.person("teknisi")

            async def seen_since(moment: datetime) -> str | None:
                try:
                    found: Any = await technician.get("/api/v1/rooms")
                except httpx.TransportError:
                    return None
                card = found["items"][0]
                seen = card["last_seen"]
                return str(card["shown"]) if seen and datetime.fromisoformat(seen) > moment else None

            began = datetime.now(UTC)
            await until("the room on the wall", lambda: seen_since(began), 60)
            await site.central.kill()
            async with httpx.AsyncClient(base_url=room.tablet, trust_env=False) as tablet:
                assert (await tablet.get("/healthz")).status_code == 200
            again = datetime.now(UTC)
            with manager(tmp_path) as told:
                wanted = {"NOTIFY_SOCKET": told.address, "WATCHDOG_USEC": "2000000"}
                await children.start("central-2", "siaga", "central", "--config", str(site._config), env=wanted)
                assert await until("the room on the wall again", lambda: seen_since(again), 60) in {"ready", "degraded"}
                assert any(said.get("READY") == "1" for said in told.heard)
                signs = told.signs()
                await until_true(lambda: told.signs() >= signs + 2)
                assert told.status() == f"serving {site.url}; broker connected"
