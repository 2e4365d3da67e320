"""The whole session table: every phase with every event."""

from __future__ import annotations

from itertools import product

import pytest

from agent.session import BEFORE, OCCUPIED, OVER, TRANSITIONS, Event, IllegalTransition, advance, may
from contract.words import Phase

EXPECTED = {
    Phase.PLANNED: {"prepare": "preparing", "start": "live", "miss": "missed", "cancel": "cancelled"},
    Phase.PREPARING: {
        "prepare": "preparing", "prepared": "ready", "device_lost": "preparing", "start": "live", "miss": "missed",
        "cancel": "cancelled", "put_off": "planned",
    },
    Phase.READY: {
        "prepare": "preparing", "device_lost": "preparing", "start": "live", "miss": "missed", "cancel": "cancelled",
        "put_off": "planned",
    },
    Phase.LIVE: {"end": "ending", "cancel": "ending"},
    Phase.ENDING: {"put_away": "ended"},
    Phase.ENDED: {"report": "reported"},
    Phase.MISSED: {"report": "reported"},
    Phase.REPORTED: {},
    Phase.CANCELLED: {},
}  # fmt: skip


@pytest.mark.parametrize(("phase", "event"), list(product(Phase, Event)))
def test_every_pair_of_phase_and_event(phase: Phase, event: Event) -> None:
    wanted = EXPECTED[phase].get(event)
    assert may(phase, event) is (wanted is not None)
    if wanted is None:
        with pytest.raises(IllegalTransition, match=phase):
            advance(phase, event)
    else:
        assert advance(phase, event) == wanted


def test_every_phase_is_reached_and_stands_in_one_group() -> None:
    assert {Phase.PLANNED, *TRANSITIONS.values()} == set(Phase)
    assert set(Phase) == BEFORE | OCCUPIED | OVER
    assert len(BEFORE) + len(OCCUPIED) + len(OVER) == len(Phase)
