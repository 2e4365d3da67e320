"""The way to central, measured against a server that is there and one that is not."""

from __future__ import annotations

import asyncio

from agent.network import look_at_way
from drivers.outcomes import Condition


async def test_the_way_to_central_is_measured_and_a_closed_one_is_said() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    good = await look_at_way("127.0.0.1", port)
    assert good.health is not None
    assert [(m.name, m.verdict) for m in good.health.measures] == [
        ("loss", "pass"),
        ("rtt", "pass"),
        ("jitter", "pass"),
    ]
    server.close()
    await server.wait_closed()
    gone = await look_at_way("127.0.0.1", port)
    assert gone.condition is Condition.DEGRADED
    assert gone.health is not None
    assert gone.health.reason is not None
    assert gone.health.reason.code == "network.no_answer"
