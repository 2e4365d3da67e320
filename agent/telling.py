"""Tells devices what steps want, within their time, and finds out how that ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from agent.gentle import gently
from agent.orders import StepEnd
from agent.presets import RETRY_AFTER_S, Step
from agent.translate import fault_of
from contract.messages import Fault
from contract.words import StepOutcome
from drivers.errors import DeviceRefused, DriverError, OutcomeUnknown
from drivers.outcomes import Scalar
from drivers.ports import Device
from drivers.verbs import ReadBack

log = logging.getLogger(__name__)

ASK_WITHIN_S = 5.0


class Teller:
    """Speaks to the devices of one room for its runs."""

    def __init__(self, devices: Mapping[str, Device], *, is_heard: Callable[[], bool]) -> None:
        """Tell `devices`; `is_heard` says whether people hear the room now, so that no gain may jump."""
        self._devices = devices
        self._is_heard = is_heard

    async def tell_or_retry(self, step: Step) -> StepEnd:
        """Try a step as often as it says, each time within its limit, until it reached its state."""
        end = await self.tell(step)
        for _ in range(step.retry if step.verb.repeatable else 0):
            if end.outcome.good:
                break
            await asyncio.sleep(RETRY_AFTER_S)
            end = await self.tell(step)
        return end

    async def tell(self, step: Step) -> StepEnd:
        """Tell the device and, when asked to, look whether it is so; within the step's time.

        Everything that a device is ever told in a session comes through here, so that no
        gain jumps while people listen, whoever asked for it.
        """
        device = self._devices[step.device]
        try:
            async with asyncio.timeout(step.within.total_seconds()):
                if self._is_heard():
                    step = await gently(device, step)
                return await _tell(device, step)
        except TimeoutError:
            limit = step.within.total_seconds()
            detail = f"{step.device}: wanted {step.verb.name} within {limit:g} s, found it still under way"
            return StepEnd(
                StepOutcome.TIMED_OUT, Fault(code="step.timed_out", detail=detail, values={"within_s": limit})
            )
        except DeviceRefused as error:
            return StepEnd(StepOutcome.REFUSED, fault_of(error.reason))
        except ValueError as error:
            return StepEnd(StepOutcome.REFUSED, Fault(code="step.bad_argument", detail=str(error)))
        except DriverError as error:
            outcome = StepOutcome.UNKNOWN if isinstance(error, OutcomeUnknown) else StepOutcome.FAILED
            return StepEnd(outcome, fault_of(error.reason))

    async def ask(self, step: Step) -> ReadBack | None:
        """Return what the device says of the step's state; none when it does not say."""
        read_back = step.verb.read_back
        if read_back is None:
            return None
        try:
            async with asyncio.timeout(min(step.within.total_seconds(), ASK_WITHIN_S)):
                return await read_back(self._devices[step.device], step.arguments)
        except (DriverError, ValueError, TimeoutError) as error:
            log.info("not read back: %s", error, extra={"action": "ask", "device": step.device})
            return None


async def _tell(device: Device, step: Step) -> StepEnd:
    """Run the verb; `verify` decides when the device did not say.

    Raises:
        OutcomeUnknown: the device did not say and nobody wants it verified.
    """
    read_back: Mapping[str, Scalar] = {}
    try:
        read_back = (await step.verb.run(device, step.arguments)).read_back
    except OutcomeUnknown:
        if not step.verify:
            raise
    if not step.verify or step.verb.read_back is None:
        return StepEnd(StepOutcome.DONE, None, read_back)
    found = await step.verb.read_back(device, step.arguments)
    if found.matches:
        return StepEnd(StepOutcome.VERIFIED, None, found.values)
    detail = f"{step.device}: {step.verb.name} was answered, but read back {dict(found.values)}"
    return StepEnd(StepOutcome.FAILED, Fault(code="step.not_verified", detail=detail), found.values)
