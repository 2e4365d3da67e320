"""From the drivers' and the room file's words to the contract's: the packages do not know each other."""

from __future__ import annotations

from collections.abc import Iterable

from agent.parameters import ParameterSettings
from agent.roomfile import PresetSettings
from contract.messages import Fault, Measured, OfferedParameter, OfferedPreset
from contract.words import Verdict
from drivers.outcomes import Measure, Reason


def fault_of(reason: Reason) -> Fault:
    """Return a driver's reason as it crosses the wire."""
    return Fault(code=reason.code[:64], detail=reason.detail[:2000], values=dict(reason.values))


def measured_of(measures: Iterable[Measure]) -> tuple[Measured, ...]:
    """Return what a driver measured as it crosses the wire."""
    return tuple(
        Measured(
            name=m.name,
            value=m.value,
            unit=m.unit,
            limit=m.limit,
            verdict=Verdict(m.verdict),
            reason=None if m.reason is None else fault_of(m.reason),
        )
        for m in measures
    )


def offered(name: str, preset: PresetSettings) -> OfferedPreset:
    """Return a preset as central is told of it."""
    told = tuple(_parameter(name, one) for name, one in preset.parameters.items())
    return OfferedPreset(name=name, label=dict(preset.label), parameters=told)


def _parameter(name: str, declared: ParameterSettings) -> OfferedParameter:
    lowest, highest = declared.range or (None, None)
    return OfferedParameter(
        name=name,
        type=declared.type,
        default=declared.default,
        lowest=lowest,
        highest=highest,
        choices=declared.choices or (),
        label=dict(declared.label),
    )
