"""Presets that somebody presses: begun, cancelled, rehearsed, and what a person says of their late steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agent.board import HealthBoard
from agent.certificates import Certificates
from agent.course import DECIDED
from agent.declined import Declined
from agent.dispatch import Dispatch
from agent.gains import Gains, gains_at_start, measured_gains
from agent.orders import Run
from agent.presets import Preset
from agent.rehearsal import Rehearsal, rehearse
from agent.roomfile import PhaseSettings
from agent.runner import Runner
from agent.scribe import Scribe
from agent.sessions import Sessions


class Presses:
    """The buttons of one room, wherever they are pressed."""

    def __init__(
        self,
        presets: Mapping[str, Preset],
        phases: PhaseSettings,
        *,
        board: HealthBoard,
        runner: Runner,
        sessions: Sessions,
        scribe: Scribe,
        dispatch: Dispatch,
        certificates: Certificates,
    ) -> None:
        self._presets = presets
        self._phases = phases
        self._board = board
        self._runner = runner
        self._sessions = sessions
        self._scribe = scribe
        self._dispatch = dispatch
        self._certificates = certificates

    def press(self, preset: str, *, cause: str, who: str, values: Mapping[str, object] | None = None) -> Run:
        """Start a preset, with `values` for its parameters; the room's safe preset cancels whatever else runs.

        Raises:
            Declined: no such preset or value, it runs already, or it does not wait for a device that is in use.
        """
        wanted, runs = self._given(preset, values or {}), self._dispatch.runs
        if (last := runs.latest.get(preset)) is not None and not last.is_over:
            raise Declined("preset.running", f"{preset} is running")
        if preset == self._phases.safe:
            runs.cancel(None, who)
        elif wanted.refuses_when_busy and (device := self._runner.busy_device(wanted)):
            detail = f"{preset} does not wait, and another preset is using {device}"
            raise Declined("preset.device_busy", detail, {"device": device})
        plan = self._sessions.session_now()
        return self._dispatch.run_press(self._dispatch.ordering.for_press(wanted, plan, cause, who))

    def by_hand(self, preset: Preset, *, who: str, silences: bool = False) -> Run:
        """Carry out what somebody asked for by hand; it does not wait for a preset that holds the devices.

        Raises:
            Declined: the engine does not run.
        """
        plan = self._sessions.session_now()
        order = self._dispatch.ordering.for_press(preset, plan, "tablet", who, alone=False)
        if silences:
            self._certificates.stop_tone()
        return self._dispatch.run_press(replace(order, silences=silences))

    def _given(self, preset: str, values: Mapping[str, object]) -> Preset:
        """Return a preset with `values`.

        Raises:
            Declined: no such preset, or not such values.
        """
        if preset not in self._presets:
            raise Declined("preset.unknown", f"the room has no preset {preset!r}")
        try:
            return self._presets[preset].given(values)
        except ValueError as error:
            raise Declined("preset.bad_value", f"{preset}: {error}", {"found": str(error)}) from error

    def cancel(self, preset: str, *, who: str) -> None:
        """Cancel the run of a preset: what says how is taken back, then the room rests where the preset says.

        Raises:
            Declined: no such preset, or it does not run.
        """
        run = self._dispatch.runs.latest.get(preset)
        if run is None or run.is_over:
            raise Declined("run.unknown", f"{preset} does not run")
        self._dispatch.runs.cancel(run.order.id, who)

    def rehearse(self, preset: str, values: Mapping[str, object] | None = None) -> Rehearsal:
        """Return what a press would do now, without telling any device.

        Raises:
            Declined: no such preset, or not such values.
        """
        wanted, plan = self._given(preset, values or {}), self._sessions.session_now()
        facts = self._dispatch.ordering.facts(plan, is_pressed=True)
        may_record = plan is None or plan.recording
        return rehearse(wanted, self._board.devices, facts, may_record=may_record, heard_from=self._heard_from(preset))

    def _heard_from(self, preset: str) -> Gains | None:
        """Return where the gains stand when a preset runs; none: nobody hears the room by then."""
        if self._sessions.live() is not None:
            return measured_gains(self._board.devices)
        if preset != self._phases.live:
            return None
        return gains_at_start(self._presets, self._phases, self._board.devices)

    def decide(self, run: str, step: str, do: bool, *, who: str) -> None:
        """Say whether a late step is done.

        Raises:
            Declined: nobody is asked about it any more.
        """
        found = self._dispatch.runs.find(run)
        question = next((q for q in found.open_questions if q.step.id == step), None) if found else None
        if found is None or question is None:
            raise Declined("step.not_asked", f"nobody is asked about step {step} of run {run}")
        plan = self._sessions.planned(found.order.session)
        body = question.step.told() | {"do": do, "phase": found.order.phase, "run": run}
        self._scribe.note(plan, DECIDED, cause="tablet", who=who, device=question.step.device, body=body)
        question.answer.set_result(do)
