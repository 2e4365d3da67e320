"""Makes the readiness certificate of a session: looks at everything anew and freezes what was found.

Sound is proven with a tone, so proving ends the moment a session goes live: the tone is cut
off, ports that were opened for it are muted again, and the certificate says what was known
by then. What was not proven stays unproven.

A certificate that is made again because something changed plays no tone: the sound's proof of
before is kept, unless the sound itself changed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from agent.board import HealthBoard, Sighting
from agent.clock import Clock
from agent.readiness import assess
from agent.standing import Standing, look
from agent.translate import fault_of, measured_of
from contract.messages import PlannedSession
from contract.report import Certificate, CertifiedDevice
from contract.words import Condition
from drivers.errors import DriverError
from drivers.outcomes import Measure, Reason, Verdict, judge
from drivers.ports import Device, Sound

log = logging.getLogger(__name__)

CERTIFY_WITHIN_S = 25.0
OPEN_BEFORE_PROOF_S = 1.5
"""A proof looks back one second; what was heard while muted must not count."""
ANNOUNCED_FOR_S = 5.0
"""A twentieth of the time that is left, at most so long: the tone must still fit in before the start."""
MUTE_AGAIN_WITHIN_S = 2.0

Proofs = dict[str, tuple[Measure, ...]]
Forbids = Callable[[], Awaitable[Reason | None]]
Probe = Callable[[], Awaitable[Sighting]]
"""Looks at what is no device of the room, such as the way to central."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a certificate is to look at."""

    loop: bool = False
    """Whether a tone may be played."""
    standing: tuple[Standing, ...] = ()
    """What the preparation set."""
    keep_proofs: bool = False
    """Whether the sound's proof of before is good enough."""


class Certifier:
    """Certifies one session at a time."""

    def __init__(
        self,
        devices: Mapping[str, Device],
        board: HealthBoard,
        *,
        look: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._devices = devices
        self._board = board
        self._look = look
        self._clock = clock
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._proven: dict[str, Proofs] = {}
        """By session, how the sound was proven last."""
        self.probes: list[Probe] = []
        self.forbids_tone: Forbids = _nothing_forbids
        """Asked before a tone is played; what it says makes the loop unproven."""
        self.on_sounding: Callable[[bool], None] = lambda _: None
        """Told before a tone is played, so that people know what it is, and after it."""

    def is_certifying(self, session: str) -> bool:
        """Whether a certificate is being made, or what was done for it is being put back."""
        return session in self._at_work

    def certify(
        self,
        plan: PlannedSession,
        group: asyncio.TaskGroup,
        *,
        wanted: Wanted,
        done: Callable[[Certificate], None],
    ) -> None:
        """Make a certificate of `plan` in `group`, unless one is being made."""
        if plan.id in self._at_work:
            return
        task = group.create_task(self._make(plan, wanted, done), name=f"certify {plan.id}")
        self._at_work[plan.id] = task
        task.add_done_callback(lambda _: self._at_work.pop(plan.id, None))

    def cut_short(self, session: str) -> None:
        """Stop proving for `session`: what was found by now is its certificate.

        One that was begun in this very moment begins first, or nobody would write it down.
        """
        if (task := self._at_work.get(session)) is not None:
            asyncio.get_running_loop().call_soon(task.cancel, "cut short")

    def cut_all_short(self) -> None:
        """Stop proving: ports that were opened for it are muted again."""
        for session in list(self._at_work):
            self.cut_short(session)

    async def _make(self, plan: PlannedSession, wanted: Wanted, done: Callable[[Certificate], None]) -> None:
        proofs: Proofs = dict(self._proven.get(plan.id, {})) if wanted.keep_proofs else {}
        beside: list[Sighting] = []
        try:
            async with asyncio.timeout(CERTIFY_WITHIN_S):
                announced_s = min(ANNOUNCED_FOR_S, max(minutes_to_start(plan, self._clock), 0.0) * 60 / 20)
                await self._find_out(announced_s if wanted.loop else None, proofs, beside)
                self._proven = {plan.id: dict(proofs)}
                await self._ask_back(wanted.standing, proofs)
        except TimeoutError:
            log.warning("certificate took too long", extra={"action": "certify", "session": plan.id})
        except asyncio.CancelledError as cancelled:
            if "cut short" not in cancelled.args:
                raise
            log.info("certificate cut short", extra={"action": "certify", "session": plan.id})
        self._at_work.pop(plan.id, None)
        certificate = self._certificate(proofs, beside)
        done(certificate.model_copy(update={"minutes_to_start": minutes_to(plan, certificate)}))

    async def _find_out(self, announced_s: float | None, proofs: Proofs, beside: list[Sighting]) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._call_look(), name="look thoroughly")
            for probe in self.probes:
                group.create_task(_take(probe, beside), name="probe")
            for name, device in self._devices.items():
                if isinstance(device, Sound) and self._board.devices[name].is_there and name not in proofs:
                    group.create_task(self._keep_proof(device, announced_s, proofs), name=f"prove {name}")

    async def _keep_proof(self, sound: Sound, announced_s: float | None, proofs: Proofs) -> None:
        """Prove a sound, with a tone when it may be announced for so long and nothing forbids it."""
        if announced_s is None:
            proofs[sound.name] = await _prove(sound, loop=False)
        elif (reason := await self.forbids_tone()) is not None:
            unproven = Measure("loop.heard", None, Verdict.UNPROVEN, reason=reason)
            proofs[sound.name] = (*await _prove(sound, loop=False), unproven)
        else:
            self.on_sounding(True)
            try:
                await asyncio.sleep(announced_s)
                proofs[sound.name] = await _prove(sound, loop=True)
            finally:
                self.on_sounding(False)

    async def _ask_back(self, standing: Iterable[Standing], proofs: Proofs) -> None:
        """Ask each device, one thing after another, whether what was prepared still stands."""
        by_device: dict[str, list[Standing]] = {}
        for one in standing:
            if self._board.devices[one.step.device].is_there:
                by_device.setdefault(one.step.device, []).append(one)
        async with asyncio.TaskGroup() as group:
            for name, asked in by_device.items():
                group.create_task(self._ask_one_back(name, asked, proofs), name=f"ask {name} back")

    async def _ask_one_back(self, name: str, asked: list[Standing], proofs: Proofs) -> None:
        for one in asked:
            proofs[name] = (*proofs.get(name, ()), await look(one, self._devices[name]))

    async def _call_look(self) -> None:
        await self._look()

    def _certificate(self, proofs: Proofs, beside: list[Sighting]) -> Certificate:
        seen = [_with_proof(device, proofs.get(device.name)) for device in self._board.devices.values()]
        verdict = assess([*seen, *beside])
        return Certificate(
            at=self._clock.now(),
            readiness=verdict.readiness,
            reasons=tuple(fault_of(reason) for reason in verdict.reasons),
            blocking=tuple(fault_of(reason) for reason in verdict.blocking),
            devices=tuple(_certified(device) for device in (*seen, *beside)),
        )


def minutes_to(plan: PlannedSession, certificate: Certificate) -> float:
    """Return how many minutes were left to the start when the certificate was made."""
    return round((plan.start - certificate.at) / timedelta(minutes=1), 1)


def minutes_to_start(plan: PlannedSession, clock: Clock) -> float:
    """Return how many minutes are left to the start; none are left once it has come."""
    return (plan.start - clock.now()) / timedelta(minutes=1)


async def _take(probe: Probe, beside: list[Sighting]) -> None:
    beside.append(await probe())


async def _nothing_forbids() -> Reason | None:
    return None


async def _prove(sound: Sound, *, loop: bool) -> tuple[Measure, ...]:
    """Prove the sound; ports that were muted are open only while the tone is looked for."""
    opened: list[str] = []
    try:
        for port in (await sound.inventory()) if loop else ():
            if port.present and port.muted:
                opened.append(port.name)
                await sound.mute(port.name, False)
        if opened:
            await asyncio.sleep(OPEN_BEFORE_PROOF_S)
        return await sound.prove(loop=loop)
    except DriverError as error:
        log.warning("sound not proven", extra={"action": "prove", "reason": error.reason.code})
        return ()
    finally:
        await _mute_again(sound, opened)


async def _mute_again(sound: Sound, ports: list[str]) -> None:
    for port in ports:
        try:
            async with asyncio.timeout(MUTE_AGAIN_WITHIN_S):
                await sound.mute(port, True)
        except DriverError as error:
            log.warning("sound not muted again", extra={"action": "prove", "reason": error.reason.code})
        except TimeoutError:
            log.warning("sound not muted again in time", extra={"action": "prove", "port": port})


def _with_proof(device: Sighting, proof: tuple[Measure, ...] | None) -> Sighting:
    if proof is None or device.health is None:
        return device
    names = {measure.name for measure in proof}
    kept = tuple(measure for measure in device.health.measures if measure.name not in names)
    return replace(device, health=judge((*kept, *proof)))


def _certified(device: Sighting) -> CertifiedDevice:
    health = device.health
    return CertifiedDevice(
        name=device.name,
        kind=device.kind,
        required=device.required,
        condition=Condition(device.condition or Condition.ABSENT),
        measures=() if health is None else measured_of(health.measures),
        reason=None if health is None or health.reason is None else fault_of(health.reason),
    )
