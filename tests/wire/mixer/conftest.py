"""Each test here runs against every make of mixer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from drivers.mixer.desk import Desk
from tests.until import until
from tests.wire.mixer.mixers import BENCHES, Bench


@pytest.fixture(params=sorted(BENCHES))
def bench(request: pytest.FixtureRequest) -> Bench:
    return BENCHES[request.param]()


@pytest.fixture
async def desk(bench: Bench) -> AsyncIterator[Desk]:
    desk = await bench.desk()
    yield desk
    await desk.close()
    bench.sim.close()
    await until(lambda: len(asyncio.all_tasks()) == 1)
