"""Reports of the kinds that offices file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from contract.messages import Fault, Measured
from contract.report import (
    Certificate,
    CertifiedDevice,
    Deviation,
    ExecutionReport,
    Incident,
    LevelPoint,
    Moved,
    RecordedFile,
    ReportedRun,
    ReportedStep,
    Tick,
)
from contract.words import Condition, Readiness, StepOutcome, Verdict

NINE = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)
"""09.00 in Pontianak."""


def after(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


NOISY = Fault(code="sound.noisy", detail="noise floor too high", values={"floor_dbfs": -41.5})
GONE = Fault(code="camera.no_answer", detail="camera-2: no answer")

CERTIFICATE = Certificate(
    at=after(-5),
    readiness=Readiness.DEGRADED,
    reasons=(NOISY,),
    devices=(
        CertifiedDevice(
            name="camera-1",
            kind="camera",
            required=True,
            condition=Condition.OK,
            measures=(Measured(name="rtt", value=12.25, unit="ms", limit="<= 200 ms", verdict=Verdict.PASS),),
        ),
        CertifiedDevice(
            name="sound",
            kind="sound",
            required=True,
            condition=Condition.DEGRADED,
            reason=NOISY,
            measures=(
                Measured(
                    name="microphone.noise_floor",
                    value=-41.5,
                    unit="dBFS",
                    limit="<= -50 dBFS",
                    verdict=Verdict.WARN,
                    reason=NOISY,
                ),
                Measured(name="loop.heard", value=None, limit="rho >= 0.15", verdict=Verdict.UNPROVEN),
            ),
        ),
        CertifiedDevice(name="camera-2", kind="camera", required=False, condition=Condition.ABSENT, reason=GONE),
    ),
)

RUN = ReportedRun(
    run="r1",
    preset="siap",
    label={"id": "Siap", "en": "Ready"},
    cause="schedule",
    started_at=after(-30),
    ended_at=after(-29.5),
    good=False,
    steps=(
        ReportedStep(
            device="camera-1",
            verb="recall",
            arguments={"memory": 1},
            outcome=StepOutcome.VERIFIED,
            duration=timedelta(seconds=3.24),
            read_back={"pan_deg": 10.5, "tilt_deg": -3.0, "zoom": 0.2},
        ),
        ReportedStep(
            device="camera-2", verb="power", arguments={"on": True}, outcome=StepOutcome.TIMED_OUT, reason=GONE
        ),
    ),
)


RECORDING = RecordedFile(
    at=after(91),
    device="obs",
    path="/home/siaga/rekaman/Siaga - Rapat Koordinasi Pengendalian Inflasi Daerah - 2026-03-02 09-04-00.mkv",
    verdict=Verdict.FAIL,
    lasted=timedelta(minutes=86),
    length=timedelta(minutes=85, seconds=59),
    size_bytes=1_720_400_000,
    sha256="9f" * 32,
    measures=(
        Measured(name="record_streams", value="1 + 1", verdict=Verdict.PASS),
        Measured(
            name="record_sound", value=-91.0, unit="dB", limit="> -60 dB", verdict=Verdict.FAIL,
            reason=Fault(code="obs.record_silent", detail="record_sound: wanted > -60 dB", values={"db": -91.0}),
        ),
    ),
)  # fmt: skip


def rich(**changes: object) -> ExecutionReport:
    """Return the report of a session that took place, not without trouble."""
    whole = ExecutionReport(
        id="0199-laporan",
        at=after(95),
        room="praja-1",
        room_name="Ruang Rapat Praja I",
        time_zone="Asia/Pontianak",
        session="s1",
        session_rev=2,
        title="Rapat Koordinasi Pengendalian Inflasi Daerah",
        agency="Biro Perekonomian",
        leader="governor",
        letter="555/467/Diskominfo-D",
        platform="Zoom",
        operators=("Rudi Hartono",),
        planned_start=NINE,
        planned_end=after(90),
        prepared_at=after(-30),
        started_at=after(4),
        ended_at=after(90),
        carried_out=True,
        moves=(
            Moved(phase="preparing", at=after(-30), cause="schedule"),
            Moved(phase="live", at=after(4), cause="tablet", who="Rudi Hartono"),
            Moved(phase="ended", at=after(90), cause="schedule"),
        ),
        certificate=CERTIFICATE,
        runs=(RUN,),
        incidents=(Incident(at=after(20), kind="device.lost", device="camera-2", fault=GONE, resolved_at=after(22)),),
        checklist=(
            Tick(id="papan-nama", label={"id": "Papan nama terpasang"}, ticked_at=after(-10), who="Rudi Hartono"),
            Tick(id="air", label={"id": "Air minum tersedia"}),
        ),
        levels=tuple(LevelPoint(at=after(4 + n), rms_dbfs=-30 + n % 7, peak_dbfs=-14 + n % 5) for n in range(86)),
        recordings=(RECORDING,),
        deviations=(Deviation(code="late_start", planned="09.00", actual="09.04"),),
        stream="praja-1-a",
        first_seq=12,
        last_seq=240,
    )
    return whole.model_copy(update=changes)


def missed(**changes: object) -> ExecutionReport:
    """Return the report of a session that nobody held and nothing was measured for."""
    nothing: dict[str, object] = {
        "carried_out": False, "leader": None, "letter": "", "platform": "", "operators": (), "prepared_at": None,
        "started_at": None, "ended_at": None, "certificate": None, "runs": (), "incidents": (), "checklist": (),
        "levels": (), "recordings": (), "deviations": (),
        "moves": (Moved(phase="missed", at=after(90), cause="schedule"),),
    }  # fmt: skip
    return rich(**(nothing | changes))
