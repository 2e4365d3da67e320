"""From the drivers' words to the contract's: the two packages do not know each other."""

from __future__ import annotations

from collections.abc import Iterable

from contract.messages import Fault, Measured
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
