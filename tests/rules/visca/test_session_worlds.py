"""The session in worlds that go wrong, and three mutants of it that these worlds must catch.

300 worlds that hypothesis seeks and 300 by chance run each time, and 300 for each mutant.
`SIAGA_LONG=1 pytest tests/rules/visca/test_session_worlds.py` runs
ten times as many of each. What may go wrong on which carrier stands in `world.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from drivers.outcomes import Outcome
from drivers.visca.codec import Kind
from drivers.visca.matching import ByOrder, Matcher
from drivers.visca.session import Request, Session, State
from tests.rules.visca.world import CARRIERS, HARSH, LETTERS, SONY, Carrier, Faults, Play, act, chance_world

TIMES = 10 if os.environ.get("SIAGA_LONG") == "1" else 1
MACHINES = 300 * TIMES
WORLDS = 60 * TIMES
"""Of each of the five carriers, besides the machines."""
MUTANT_WORLDS = 300
CAUGHT_AT_LEAST = 20
"""Of the mutants' worlds: one world that notices may be luck."""

CHANCE = st.sampled_from([0.0, 0.1, 0.3])


class Worlds(RuleBasedStateMachine):
    """People and automation at a camera over any carrier; hypothesis seeks the order that breaks a promise."""

    play: Play

    @initialize(
        seed=st.integers(0, 2**32),
        carrier=st.sampled_from(CARRIERS),
        faults=st.builds(
            Faults,
            loss=CHANCE,
            duplicate=CHANCE,
            late=CHANCE,
            refuses=st.sampled_from([0.0, 0.2]),
            no_completion=st.sampled_from([0.0, 0.2]),
            one_socket=st.booleans(),
            no_ack=st.booleans(),
            slow=st.booleans(),
        ),
    )
    def begins(self, seed: int, carrier: Carrier, faults: Faults) -> None:
        self.play = Play(seed, carrier, faults)

    @rule(letter=st.sampled_from(LETTERS))
    def somebody_acts(self, letter: str) -> None:
        act(self.play, letter)

    @rule(seconds=st.sampled_from([0.0, 0.005, 0.02, 0.06, 0.3]))
    def time_passes(self, seconds: float) -> None:
        self.play.run(seconds)

    def teardown(self) -> None:
        if hasattr(self, "play"):
            self.play.finish()


TestWorlds = Worlds.TestCase
TestWorlds.settings = settings(
    max_examples=MACHINES,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: str(carrier.name))
def test_chance_worlds_break_no_promise(carrier: Carrier) -> None:
    ended: dict[Outcome | None, int] = {}
    for seed in range(WORLDS):
        for request in chance_world(seed, carrier=carrier).requests:
            ended[request.outcome] = ended.get(request.outcome, 0) + 1
    assert ended[Outcome.COMPLETED] > sum(ended.values()) / 3  # a session that does nothing keeps every promise


class NewNumberOnResend(Session):
    """Mutant: a copy goes out as if it were another message."""

    def _send(self, request: Request, now: float) -> bytes:
        if request.state is State.SENT and request.order.kind is Kind.COMMAND:
            self._number(request)
        return super()._send(request, now)


class SilenceIsSuccess(Session):
    """Mutant: what was not answered is called done."""

    def _end(self, request: Request, outcome: Outcome) -> None:
        super()._end(request, Outcome.COMPLETED if outcome is Outcome.UNKNOWN else outcome)


class MatchesByOrderOnUdp(Session):
    """Mutant: the numbers that tell late and doubled datagrams apart are not read."""

    def _new_matcher(self) -> Matcher:
        super()._new_matcher()
        return ByOrder(self.timing.stray_s)


MUTANTS: tuple[Callable[..., Session], ...] = (NewNumberOnResend, SilenceIsSuccess, MatchesByOrderOnUdp)


def broken(make: Callable[..., Session], worlds: range) -> int:
    """Return in how many of the worlds over Sony's header `make` breaks a promise."""
    count = 0
    for seed in worlds:
        try:
            chance_world(seed, make, SONY, HARSH)
        except AssertionError:
            count += 1
    return count


@pytest.mark.parametrize("mutant", MUTANTS)
def test_worlds_catch_the_mutant(mutant: Callable[..., Session]) -> None:
    assert broken(mutant, range(MUTANT_WORLDS)) >= CAUGHT_AT_LEAST


def test_the_session_itself_breaks_none_of_the_mutants_worlds() -> None:
    assert broken(Session, range(MUTANT_WORLDS)) == 0


def test_a_world_follows_from_its_seed() -> None:
    first, second = (chance_world(7) for _ in range(2))
    assert first.sends == second.sends
    assert [r.outcome for r in first.requests] == [r.outcome for r in second.requests]
