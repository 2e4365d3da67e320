"""The runner and the timeline against a small model: whatever people, devices and kills do, in whatever order."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.declined import Declined
from contract.messages import PlannedSession
from contract.words import EntryKind, Phase, SessionStatus
from tests.service.agent.virtual import DAWN, MINUTE, VirtualRoom, planned

START = DAWN + timedelta(hours=1)
BEFORE = {Phase.PLANNED, Phase.PREPARING, Phase.READY}


class Life(RuleBasedStateMachine):
    """One session, and what the model thinks of it."""

    @initialize()
    def begin(self) -> None:
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr("agent.pulse.ASK_EVERY_S", 5.0)
        self._folder = tempfile.TemporaryDirectory()
        self.room = VirtualRoom(Path(self._folder.name))
        self.plan = planned(0, START)
        self.end = self.plan.end
        self.started: datetime | None = None
        self.ended = self.cancelled = False
        self.room.start()
        self.room.publish([self.plan])
        self._pass(timedelta(seconds=1))

    def teardown(self) -> None:
        if hasattr(self, "room"):
            self.room.close()
            self._folder.cleanup()
            self._patch.undo()

    def _held(self) -> PlannedSession:
        """Return the session as central has it now."""
        status = SessionStatus.CANCELLED if self.cancelled else SessionStatus.CONFIRMED
        return self.plan.model_copy(update={"status": status})

    def _pass(self, time: timedelta) -> None:
        """Let time pass, and the model with it."""
        self.room.wait(time + timedelta(seconds=70))  # a run that waits, a camera that moves, a patient start
        now = self.room.clock.now()
        if self.cancelled:
            return
        if self.started is None and now >= self.plan.start:
            self.started = self.plan.start
        if self.started is not None and now >= self.end:
            self.ended = True

    @rule(minutes=st.integers(0, 20))
    def time_passes(self, minutes: int) -> None:
        self._pass(minutes * MINUTE)

    @rule()
    def somebody_starts(self) -> None:
        try:
            self.room.engine.steering.start(who="t")
        except Declined:
            assert self.started is not None or self.cancelled
        else:
            assert self.started is None
            self.started = self.room.clock.now()
        self._pass(timedelta(0))

    @precondition(lambda self: self.started is not None and not self.ended and not self.cancelled)
    @rule()
    def somebody_ends(self) -> None:
        self.room.engine.steering.end(who="t")
        self.ended = True
        self._pass(timedelta(0))

    @precondition(lambda self: self.started is not None and not self.ended and not self.cancelled)
    @rule(minutes=st.integers(1, 30))
    def somebody_extends(self, minutes: int) -> None:
        self.room.engine.steering.extend(minutes * MINUTE, who="t")
        self.end += minutes * MINUTE
        self._pass(timedelta(0))

    @precondition(lambda self: not self.ended and not self.cancelled)
    @rule()
    def central_cancels(self) -> None:
        self.cancelled = True
        self.room.publish([self._held()])
        self._pass(timedelta(0))

    @rule(camera=st.integers(0, 1), there=st.booleans())
    def a_camera_goes_or_comes(self, camera: int, there: bool) -> None:
        self.room.cameras[camera].is_there = there
        self._pass(timedelta(0))

    @rule(preset=st.sampled_from(["siap", "mulai"]), cancels=st.booleans())
    def somebody_presses(self, preset: str, cancels: bool) -> None:
        try:
            self.room.engine.presses.press(preset, cause="tablet", who="t")
            if cancels:
                self.room.wait(timedelta(seconds=1))
                self.room.engine.presses.cancel(preset, who="t")
        except Declined:
            pass
        self._pass(timedelta(0))

    @rule()
    def the_process_is_killed(self) -> None:
        self.room.kill()
        self.room.start()
        self.room.publish([self._held()])
        self._pass(timedelta(0))

    @invariant()
    def the_phase_is_what_the_model_says(self) -> None:
        if not hasattr(self, "room"):
            return
        phase = self.room.phase()
        if self.cancelled:
            assert phase in ({Phase.CANCELLED} if self.started is None else {Phase.REPORTED}), phase
        elif self.ended:
            assert phase is Phase.REPORTED, phase
        elif self.started is not None:
            assert phase is Phase.LIVE, phase
        elif self.room.clock.now() >= self.plan.prepare_at + MINUTE:
            assert phase in {Phase.PREPARING, Phase.READY}, phase
        else:
            assert phase in BEFORE, phase

    @invariant()
    def the_journal_is_whole_and_every_end_has_its_beginning(self) -> None:
        if not hasattr(self, "room"):
            return
        entries = self.room.entries()
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
        kinds = Counter(entry.kind for entry in entries)
        assert kinds[EntryKind.REPORT] <= 1
        runs = [entry.run for entry in entries if entry.kind == EntryKind.PRESET_ENDED]
        assert len(runs) == len(set(runs))
        told = Counter((e.run, e.body["step"]) for e in entries if e.kind == EntryKind.STEP_INTENT)
        ended = Counter((e.run, e.body["step"]) for e in entries if e.kind == EntryKind.STEP_ENDED)
        assert not told - ended  # nothing is under way: time has passed


Life.TestCase.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)
TestLife = pytest.mark.timeout(240)(Life.TestCase)
