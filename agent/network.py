"""How good the way to central is: connections to its broker, counted and timed."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from itertools import pairwise

from agent.board import Sighting
from drivers.outcomes import Measure, Reason, Verdict, judge

CLOCK_LIMIT_MS = 2000.0
TRIES = 10
ANSWER_WITHIN_S = 1.0
RTT_AT_MOST_MS = 300.0
LOSS_AT_MOST_PERCENT = 0.0


async def look_at_way(host: str, port: int) -> Sighting:
    """Return how `host` answers: round trip, jitter and loss; nothing is said to it."""
    found = [await _knock(host, port) for _ in range(TRIES)]
    answered = [rtt_ms for rtt_ms in found if rtt_ms is not None]
    lost = round(100 * (TRIES - len(answered)) / TRIES)
    return Sighting("central", "network", False, judge((_loss(lost), *_times(answered))))


def look_at_clock(offset_ms: float | None) -> Sighting:
    """Return how far this machine's clock is from central's; a clock that was not compared proves nothing."""
    limit = f"<= {CLOCK_LIMIT_MS:.0f} ms"
    if offset_ms is None:
        reason = Reason("clock.not_compared", "this machine's clock was not compared with central's")
        offset = Measure("clock_offset", None, Verdict.UNPROVEN, "ms", limit, reason)
    elif abs(offset_ms) > CLOCK_LIMIT_MS:
        reason = Reason("clock.off", f"wanted {limit}, found {offset_ms:.0f} ms", {"offset_ms": offset_ms})
        offset = Measure("clock_offset", offset_ms, Verdict.WARN, "ms", limit, reason)
    else:
        offset = Measure("clock_offset", offset_ms, Verdict.PASS, "ms", limit)
    return Sighting("clock", "clock", required=False, health=judge((offset,)))


async def _knock(host: str, port: int) -> float | None:
    """Return in how many milliseconds a connection stood; none when it did not in time."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return None
    rtt_ms = (time.monotonic() - began) * 1000
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await writer.wait_closed()
    return rtt_ms


def _loss(percent: int) -> Measure:
    if percent <= LOSS_AT_MOST_PERCENT:
        return Measure("loss", percent, Verdict.PASS, unit="%")
    code = "network.no_answer" if percent == 100 else "network.loss"
    detail = f"wanted an answer to {TRIES} connections, found none to {percent} %"
    return Measure("loss", percent, Verdict.WARN, unit="%", reason=Reason(code, detail, {"percent": percent}))


def _times(answered: list[float]) -> tuple[Measure, ...]:
    if not answered:
        return ()
    rtt_ms = round(statistics.median(answered), 1)
    jitter_ms = round(statistics.fmean([abs(b - a) for a, b in pairwise(answered)] or [0.0]), 1)
    slow = Reason("network.slow", f"central answers in {rtt_ms} ms, at most {RTT_AT_MOST_MS:g}", {"rtt_ms": rtt_ms})
    is_slow = rtt_ms > RTT_AT_MOST_MS
    rtt = (
        Measure("rtt", rtt_ms, Verdict.WARN, unit="ms", reason=slow)
        if is_slow
        else Measure("rtt", rtt_ms, Verdict.PASS, unit="ms")
    )
    return rtt, Measure("jitter", jitter_ms, Verdict.PASS, unit="ms")
