"""`siaga device ADDRESS VERB`: one device, directly, without a room.

The verbs that change something are those of `drivers.verbs`; the ones that only ask stand
here, because nobody but a person at a terminal uses them by name.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import log10
from statistics import fmean
from typing import Any

from pydantic import ValidationError

from drivers import DeviceAddress, Outcome, connect, driver_for
from drivers.errors import DriverError
from drivers.outcomes import Health
from drivers.ports import Camera, Device, Inspected, ShowWanted, Sound, Switcher
from drivers.verbs import Verb
from drivers.visca.trace import Trace
from siaga import camera
from siaga.camera import UsageError

Shown = dict[str, object]
LEVELS = "levels --for SECONDS"
LEVELS_AT_MOST_S = 3600
_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb ended in, ready to be shown."""

    outcome: Outcome
    elapsed_ms: float
    read_back: Shown
    error: str = ""
    trace: str = ""
    """The conversation in bytes and words, of a device that keeps one."""

    @property
    def good(self) -> bool:
        """Whether it ended well and, where something was measured, nothing of that is a fault."""
        flat = [one for value in self.read_back.values() for one in (value if isinstance(value, list) else [value])]
        return self.outcome.good and not any(isinstance(one, dict) and one.get("verdict") == "fail" for one in flat)

    def as_json(self) -> Shown:
        """Return it as `--json` prints it."""
        shown: Shown = {
            "outcome": str(self.outcome),
            "elapsed_ms": round(self.elapsed_ms, 1),
            "read_back": self.read_back,
        }
        return shown | ({"error": self.error} if self.error else {})

    def lines(self) -> list[str]:
        """Return what was read back, for people."""
        found: list[str] = []
        for name, value in self.read_back.items():
            found += [_line(name, one) for one in value] if isinstance(value, list) else [_line(name, value)]
        return found


def _line(name: str, value: object) -> str:
    """Return one answered value; a measured one with unit, limit and verdict."""
    if isinstance(value, dict) and "limit" in value:
        limit = f" (wanted {value['limit']})" if value["limit"] else ""
        why = f": {value['reason']}" if value["reason"] else ""
        return f"  {value['verdict']}  {value['name']} = {value['value']} {value['unit']}".rstrip() + limit + why
    if isinstance(value, dict) and "meaning" in value:
        found = "-" if value["value"] is None else value["value"]
        return f"  {value['verdict']:<8}  {value['name']:<20}  {found}: {value['meaning']}"
    if isinstance(value, dict):
        value = ", ".join(f"{key} {one}" for key, one in value.items())
    return f"  {name}: {value}"


async def _state(switcher: Switcher, _: Sequence[str]) -> Shown:
    return asdict(await switcher.state())


async def _inventory(sound: Sound, _: Sequence[str]) -> Shown:
    return {port.name: asdict(port) for port in await sound.inventory()}


async def _prove(sound: Sound, _: Sequence[str]) -> Shown:
    return {measure.name: _plain(asdict(measure)) for measure in await sound.prove(loop=True)}


async def _levels(sound: Sound, words: Sequence[str]) -> Shown:
    """Return the loudest and the mean level over a while.

    Raises:
        UsageError: no time.
    """
    listens_s = _seconds(words)
    found = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(listens_s):
            async for level in sound.levels():
                found.append(level)  # noqa: PERF401  what came counts when the time is over
    if not found:
        return {"blocks": 0}
    loudness = [level.momentary_lufs for level in found if level.momentary_lufs is not None]
    return {
        "blocks": len(found),
        "rms_dbfs": round(10 * log10(fmean(10 ** (level.rms_dbfs / 10) for level in found)), 1),
        "peak_dbfs": round(max(level.peak_dbfs for level in found), 1),
        "loudest_lufs": round(max(loudness), 1) if loudness else None,
        "flags": sorted(frozenset().union(*(level.flags for level in found))),
        "digital_zero": all(level.digital_zero for level in found),
    }


def _seconds(words: Sequence[str]) -> float:
    """Return how long `--for SECONDS` says.

    Raises:
        UsageError: it does not.
    """
    match words:
        case ["--for", text] if _SECONDS.fullmatch(text) and 0 < float(text) <= LEVELS_AT_MOST_S:
            return float(text)
        case _:
            raise UsageError(f"{LEVELS}, more than 0 and {LEVELS_AT_MOST_S} at most")


async def _health(device: Device, _: Sequence[str]) -> Shown:
    return shown_health(await device.check())


async def _readiness(switcher: Switcher, _: Sequence[str]) -> Shown:
    """Look through what can be, listen to its microphones, and return all that was found."""
    if isinstance(switcher, Inspected):
        await switcher.inspect(ShowWanted(listens=True))
    return shown_health(await switcher.check())


Ask = Callable[[Any, Sequence[str]], Awaitable[Shown]]

ASKS: dict[type, dict[str, Ask]] = {
    Camera: dict(camera.ASKS),
    Switcher: {"state": _state, "readiness": _readiness},
    Sound: {"inventory": _inventory, "levels": _levels, "check": _prove},
}
"""Per port, the verbs that only a person asks; every device also answers `health`."""
USAGES: dict[type, Mapping[str, str]] = {Camera: camera.USAGES, Sound: {"levels": LEVELS}}
"""Per port, how those of them are written that take words."""
CHECKS: dict[Ask, Callable[[Sequence[str]], object]] = {_levels: _seconds}
"""Of questions with words, what looks at these before anything is opened."""
WORDLESS = frozenset({_state, _inventory, _prove, _health, _readiness})


def shown_health(health: Health) -> Shown:
    """Return what one look at a device found, for people."""
    return {
        "condition": str(health.condition),
        "reason": health.reason.detail if health.reason else "",
        "measures": [_plain(asdict(measure)) for measure in health.measures],
    }


def _plain(measure: Shown) -> Shown:
    reason = measure.get("reason")
    return measure | {
        "verdict": str(measure["verdict"]),
        "reason": reason["detail"] if isinstance(reason, dict) else "",
    }


def verbs_of(address: DeviceAddress) -> list[str]:
    """Return how the verbs of the device at `address` are written."""
    driver = driver_for(address)
    asks = [*ASKS.get(driver.port, {}), "health", *(["doctor"] if driver.port is Camera else [])]
    usages = USAGES.get(driver.port, {})
    return sorted([_usage(verb) for verb in driver.verbs.values()] + [usages.get(name, name) for name in asks])


def _usage(verb: Verb) -> str:
    words = [verb.name]
    for name, field in verb.arguments.model_fields.items():
        placeholder, is_switch = (field.alias or name).upper(), field.annotation is bool
        if field.is_required():
            words.append("on|off" if is_switch else placeholder)
        else:
            words.append(f"[{placeholder}:on|off]" if is_switch else f"[{placeholder}]")
    return " ".join(words)


async def ask(address: DeviceAddress, words: Sequence[str], password: str | None) -> Answer:
    """Open the device, do what `words` say and close it again; SIGTERM closes it too, so that a camera is stopped.

    Raises:
        UsageError: no such verb, or wrong arguments.
    """
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    if words[:1] == ["doctor"] and driver_for(address).port is Camera:
        return await _examined(address, words[1:])
    action = _action(address, words)
    device = connect("device", address, password)
    started = time.monotonic()
    try:
        await device.open()
        started = time.monotonic()
        outcome, read_back = await action(device)
        answer = Answer(outcome, _since(started), read_back)
    except DriverError as error:
        answer = Answer(error.outcome, _since(started), {}, str(error))
    finally:
        await device.close()
    return replace(answer, trace=_conversation(device))


async def _examined(address: DeviceAddress, words: Sequence[str]) -> Answer:
    started = time.monotonic()
    outcome, found, trace = await camera.doctor(address, words)
    return Answer(outcome, _since(started), found, trace=trace.text())


def _conversation(device: Device) -> str:
    trace = getattr(device, "trace", None)  # not every device keeps one
    return trace.text() if isinstance(trace, Trace) else ""


def without_trace(words: list[str]) -> tuple[list[str], str | None]:
    """Return `words` without `--trace [FILE]` at their end, and the file: empty to print, none if not asked for."""
    match words:
        case [*rest, "--trace"]:
            return rest, ""
        case [*rest, "--trace", file]:
            return rest, file
        case _:
            return words, None


def _since(started: float) -> float:
    return (time.monotonic() - started) * 1000


def _action(address: DeviceAddress, words: Sequence[str]) -> Callable[[Device], Awaitable[tuple[Outcome, Shown]]]:
    """Return what `words` ask for, checked before anything is opened.

    Raises:
        UsageError: no such verb, or wrong arguments.
    """
    driver = driver_for(address)
    name, rest = (words[0], words[1:]) if words else ("", ())
    asked = {**ASKS.get(driver.port, {}), "health": _health}.get(name)
    if asked is not None:
        if rest and asked in WORDLESS:
            raise UsageError(f"too many words: {name}")
        if driver.port is Camera:
            camera.check_words(name, rest)
        if asked in CHECKS:
            CHECKS[asked](rest)
        question = asked

        async def put(device: Device) -> tuple[Outcome, Shown]:
            return Outcome.COMPLETED, await question(device, rest)

        return put
    verb = driver.verbs.get(name)
    if verb is None:
        raise UsageError(f"no verb {name!r} for {driver.scheme}; there are:\n  " + "\n  ".join(verbs_of(address)))
    return _told(verb, rest)


def _told(verb: Verb, words: Sequence[str]) -> Callable[[Device], Awaitable[tuple[Outcome, Shown]]]:
    """Return the carrying out of `verb` with typed arguments.

    Raises:
        UsageError: too many, too few or wrong arguments.
    """
    names = [field.alias or name for name, field in verb.arguments.model_fields.items()]
    if len(words) > len(names):
        raise UsageError(f"too many words: {_usage(verb)}")
    try:
        arguments = verb.arguments.model_validate(dict(zip(names, words, strict=False)))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UsageError(f"{_usage(verb)}: {wrong}") from error

    async def tell(device: Device) -> tuple[Outcome, Shown]:
        result = await verb.run(device, arguments)
        read = await verb.read_back(device, arguments) if verb.read_back else None
        return result.outcome, {**result.read_back, **(read.values if read else {})}

    return tell
