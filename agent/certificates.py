"""The certificates of one room's sessions: when one is made, what it is made of, and where it is kept.

How a certificate is made is `agent.certify`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from agent import plan as timeline
from agent.certify import Certifier, Probe, Wanted
from agent.clock import Clock
from agent.course import is_certified
from agent.crew import Crew
from agent.devicelog import DeviceLog
from agent.equipment import Equipment
from agent.etiquette import on_air
from agent.journal import Journal
from agent.ordering import Ordering
from agent.scribe import Scribe
from agent.session import BEFORE
from agent.sessions import Sessions
from agent.standing import standing_of
from contract.messages import PlannedSession
from contract.report import Certificate
from contract.words import EntryKind
from drivers.outcomes import Reason


class Certificates:
    """Has sessions certified, and freezes what was found in the journal."""

    def __init__(
        self,
        equipment: Equipment,
        *,
        look: Callable[[], Awaitable[None]],
        sessions: Sessions,
        ordering: Ordering,
        scribe: Scribe,
        journal: Journal,
        crew: Crew,
        device_log: DeviceLog,
        rhythm: timeline.Rhythm,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        """Certify with `equipment`, which `look` has looked at thoroughly; `changed` is told of each tone."""
        self.is_sounding = False
        """A certificate's tone is about to be heard, or is."""
        self._rhythm = rhythm
        self._equipment = equipment
        self._sessions = sessions
        self._ordering = ordering
        self._scribe = scribe
        self._journal = journal
        self._crew = crew
        self._device_log = device_log
        self._clock = clock
        self._changed = changed
        self._sound_changed = False
        """Since the newest certificate."""
        self._certifier = Certifier(equipment.devices, equipment.board, look=look, clock=clock)
        self._certifier.forbids_tone = self._forbids_tone
        self._certifier.on_sounding = self._sounds

    @property
    def probes(self) -> list[Probe]:
        """What is looked at that is no device."""
        return self._certifier.probes

    def certify(self, plan: PlannedSession) -> None:
        """Begin a certificate of a session; an engine that does not run makes none."""
        if self._crew.group is None:
            return
        course, stage = self._sessions.course(plan.id), timeline.stage_due(plan, self._clock.now(), self._rhythm)
        is_again = course.stale_since is not None and stage is not None and is_certified(course, plan.start, stage)
        prepared = standing_of(self._ordering.preset_for(plan, "prepare"), self._journal.of_session(plan.id))
        wanted = Wanted(course.phase in BEFORE, prepared, keep_proofs=is_again and not self._sound_changed)
        self._sound_changed = False
        self._certifier.certify(
            plan, self._crew.group, wanted=wanted, done=lambda found: self._freeze(plan, found, stage)
        )

    def _freeze(self, plan: PlannedSession, certificate: Certificate, stage: timedelta | None) -> None:
        """Write down what was found; it holds for the start that it was made for."""
        body = certificate.model_dump(mode="json") | {
            "for_start": plan.start.isoformat(),
            "stage_s": None if stage is None else stage.total_seconds(),
        }
        self._scribe.note(plan, EntryKind.READINESS, cause="agent", outcome=certificate.readiness, body=body)

    def is_certifying(self, plan: PlannedSession) -> bool:
        """Whether a certificate is being made, or what was done for it is being put back."""
        return self._certifier.is_certifying(plan.id)

    def cut_short(self, plan: PlannedSession) -> None:
        """Stop proving: what was found by now is the session's certificate."""
        self._certifier.cut_short(plan.id)

    def stop_tone(self) -> None:
        """Cut every certificate's tone off; what was found by now is the certificate."""
        self._certifier.cut_all_short()

    def sound_changed(self) -> None:
        """Take note that the sound is not what it was: its proof is no longer good enough."""
        self._sound_changed = True

    async def _forbids_tone(self) -> Reason | None:
        if self._device_log.is_silenced:
            return Reason("sound.silenced", "somebody muted everything: nothing is opened for a tone")
        return await on_air(self._equipment.devices)

    def _sounds(self, on: bool) -> None:
        self.is_sounding = on
        self._changed()
