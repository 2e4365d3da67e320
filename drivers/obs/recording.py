"""Names recordings after their session, and looks into the file once it is closed.

OBS says a path and nothing of what is in it. So the file itself is asked: by ffprobe for its
streams and its length, by ffmpeg for a few seconds of sound and a few pictures, and by its
SHA-256. All of that runs niced, in processes of its own, each within a limit. What is on
another machine, or cannot be examined here, is unproven and says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from drivers.obs.studio import OutputState, Studio
from drivers.outcomes import Measure, Reason, Scalar, Verdict

NAME_AT_MOST = 80
MARK = "Siaga - "
"""How our file names begin: a name that was left behind by a crash is known by it."""
OBS_FORMAT = "%CCYY-%MM-%DD %hh-%mm-%ss"
"""What OBS names files without being told."""

PROBE_WITHIN_S, SAMPLE_WITHIN_S, HASH_WITHIN_S = 20.0, 20.0, 900.0
SAMPLES = (0.05, 0.5, 0.9)
"""Where in the recording it is listened and looked."""
LISTEN_S = 10.0
SILENT_BELOW_DB = -60.0
BLACK_BELOW = 8.0
"""Mean brightness of 255; video's own black is 16 in many files, so ffmpeg turns it into full range."""
SHORTER_BY = 0.02
SHORTER_BY_S = 3.0
_LOUDEST = re.compile(rb"max_volume: (-?[0-9.]+|-inf) dB")
_FORBIDDEN = re.compile(r'[\\/:*?"<>|%\x00-\x1f]+')


def name_of(title: str) -> str:
    """Return what OBS should name the file of a session; the moment stays in it, so that two never meet."""
    plain = " ".join(_FORBIDDEN.sub(" ", title).split())[:NAME_AT_MOST].strip(" .")
    return f"{MARK}{plain or 'rekaman'} - {OBS_FORMAT}"


def restored(found: str) -> str:
    """Return the format to put back; one of ours was left behind."""
    return OBS_FORMAT if not found or found.startswith(MARK) else found


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording that came to rest."""

    path: str
    lasted_s: float | None = None
    """From STARTED to STOPPED, as it was observed, pauses taken out; none when the start was not seen."""
    part: int = 1
    parts: int = 1
    """How many files it was written to; `path` is one of them."""
    before_s: float = 0.0
    """How long the parts before this one are."""


class RecordWatch:
    """Sees recordings begin, rest and end, whoever has them do so."""

    def __init__(self) -> None:
        self._before = OutputState.STOPPED
        self._runs_since_s: float | None = None
        self._ran_s = 0.0
        self._is_known = False
        """Whether its start was seen."""

    def see(self, studio: Studio | None, at_s: float) -> Recording | None:
        """Take what OBS is now; return a recording that was closed just now."""
        now = OutputState.STOPPED if studio is None else studio.record.state
        before, self._before = self._before, now
        if studio is None or now is before:
            return None
        if before in {OutputState.STOPPED, OutputState.STARTING} and now is OutputState.STARTED:
            self._ran_s, self._is_known = 0.0, before is OutputState.STARTING
        if self._runs_since_s is not None and now is not OutputState.STARTED:
            self._ran_s += at_s - self._runs_since_s
        self._runs_since_s = at_s if now is OutputState.STARTED else None
        if now is not OutputState.STOPPED or before is OutputState.STARTING:
            return None
        return Recording(studio.record.path, self._ran_s if self._is_known else None)


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found of one recording."""

    path: str
    measures: tuple[Measure, ...] = ()
    sha256: str = ""
    size_bytes: int | None = None
    length_s: float | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        rank = (Verdict.PASS, Verdict.UNPROVEN, Verdict.WARN, Verdict.FAIL)
        return max((one.verdict for one in self.measures), key=rank.index, default=Verdict.UNPROVEN)


@dataclass(frozen=True, slots=True)
class Probe:
    """What ffprobe says."""

    length_s: float = 0.0
    video: int = 0
    sound: int = 0


@dataclass(frozen=True, slots=True)
class Samples:
    """What was seen and heard in a few places; empty where nothing could be."""

    loudest_db: tuple[float, ...] = ()
    luma: tuple[float, ...] = field(default=())


# Judgements.


def measures_of(asked: Recording, probe: Probe | None, samples: Samples) -> tuple[Measure, ...]:
    """Return what a file is worth."""
    if probe is None:
        return (_fails(_file(asked), "obs.record_unreadable", path=asked.path),)
    return (_streams(probe), _length(asked, probe), _sound(probe, samples), _picture(probe, samples))


def _fails(found: Measure, code: str, **values: Scalar) -> Measure:
    """Return a measure as failed."""
    detail = f"{found.name}: wanted {found.limit or 'a good one'}, found {found.value}"
    return replace(found, verdict=Verdict.FAIL, reason=Reason(code, detail, values))


def _streams(probe: Probe) -> Measure:
    found = Measure("record_streams", f"{probe.video} + {probe.sound}", Verdict.PASS)
    whole = probe.video and probe.sound
    return found if whole else _fails(found, "obs.record_streams", video=probe.video, sound=probe.sound)


def _length(asked: Recording, probe: Probe) -> Measure:
    found = round(probe.length_s, 1)
    if asked.part < asked.parts and found > 0:
        return Measure("record_length", found, Verdict.PASS, "s", f"part {asked.part} of {asked.parts}")
    if asked.lasted_s is None:
        reason = Reason("obs.record_length_unknown", "nobody saw this recording start, so its length proves nothing")
        return Measure("record_length", found, Verdict.UNPROVEN, "s", reason=reason)
    lasted = asked.lasted_s - asked.before_s
    least = lasted - max(SHORTER_BY_S, SHORTER_BY * asked.lasted_s)
    limit = f">= {max(least, 0.0):.1f} s"
    whole = probe.length_s >= least and probe.length_s > 0
    told = Measure("record_length", found, Verdict.PASS, "s", limit)
    return told if whole else _fails(told, "obs.record_short", found_s=found, wanted_s=round(lasted))


def _sound(probe: Probe, samples: Samples) -> Measure:
    limit = f"> {SILENT_BELOW_DB:g} dB"
    if not samples.loudest_db or not probe.sound:
        return _unproven("record_sound", limit)
    loudest = max(samples.loudest_db)
    told = Measure("record_sound", round(max(loudest, -120.0), 1), Verdict.PASS, "dB", limit)
    return told if loudest > SILENT_BELOW_DB else _fails(told, "obs.record_silent", db=told.value)


def _picture(probe: Probe, samples: Samples) -> Measure:
    limit = f">= {BLACK_BELOW:g}"
    if not samples.luma or not probe.video:
        return _unproven("record_picture", limit)
    told = Measure("record_picture", round(max(samples.luma), 1), Verdict.PASS, "", limit)
    return told if max(samples.luma) >= BLACK_BELOW else _fails(told, "obs.record_black", luma=told.value)


def _file(asked: Recording) -> Measure:
    return Measure("record_file", asked.path, Verdict.PASS)


def _unproven(name: str, limit: str) -> Measure:
    reason = Reason("obs.record_not_sampled", f"{name}: no sample of the file could be taken")
    return Measure(name, None, Verdict.UNPROVEN, "", limit, reason)


def probe_of(told: bytes) -> Probe | None:
    """Return what ffprobe's JSON says; none where it is none."""
    try:
        said = json.loads(told)
        kinds = [stream.get("codec_type") for stream in said["streams"]]
        length = float(said["format"].get("duration", 0.0))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return Probe(length, kinds.count("video"), kinds.count("audio"))


def loudest_of(told: bytes) -> float | None:
    """Return the loudest sample that ffmpeg's volumedetect found."""
    found = _LOUDEST.search(told)
    if found is None:
        return None
    return float("-inf") if found[1] == b"-inf" else float(found[1])


# The file.


async def examine(asked: Recording, *, local: bool) -> Examined:
    """Look into a recording; takes seconds, and for the checksum of a long one minutes."""
    path = Path(asked.path)
    if not local:
        return _not_looked(asked, "obs.record_elsewhere", "the file is on another machine")
    if not asked.path:
        return _not_looked(asked, "obs.record_path_unknown", "OBS did not say where the recording is")
    if not await asyncio.to_thread(path.is_file):
        return Examined(asked.path, (_fails(_file(asked), "obs.record_gone", path=asked.path),))
    size = (await asyncio.to_thread(path.stat)).st_size
    if shutil.which("ffprobe") is None or shutil.which("ffmpeg") is None:
        found = _not_looked(asked, "obs.no_ffmpeg", "ffmpeg is not installed")
        return Examined(asked.path, found.measures, await _sha256(path), size)
    probe = probe_of((await _run((*_PROBE, str(path)), PROBE_WITHIN_S))[0])
    samples = await _samples(path, probe) if probe is not None and probe.length_s > 0 else Samples()
    length = None if probe is None else probe.length_s
    return Examined(asked.path, measures_of(asked, probe, samples), await _sha256(path), size, length)


_PROBE = ("ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json")
_FFMPEG = ("ffmpeg", "-nostdin", "-hide_banner", "-threads", "1")


def _not_looked(asked: Recording, code: str, detail: str) -> Examined:
    return Examined(asked.path, (Measure("record_file", asked.path, Verdict.UNPROVEN, reason=Reason(code, detail)),))


async def _samples(path: Path, probe: Probe) -> Samples:
    loudest, luma = [], []
    for share in SAMPLES:
        at = f"{share * probe.length_s:.2f}"
        start = (*_FFMPEG, "-ss", at, "-i", str(path))
        if probe.sound:
            _, told = await _run(
                (*start, "-t", f"{LISTEN_S:g}", "-vn", "-af", "volumedetect", "-f", "null", "-"), SAMPLE_WITHIN_S
            )
            loudest.append(loudest_of(told))
        if probe.video:
            small = ("-frames:v", "1", "-vf", "scale=32:18:out_range=full,format=gray", "-f", "rawvideo", "-")
            grey, _ = await _run((*start, *small), SAMPLE_WITHIN_S)
            luma.append(sum(grey) / len(grey) if grey else None)
    return Samples(tuple(one for one in loudest if one is not None), tuple(one for one in luma if one is not None))


async def _sha256(path: Path) -> str:
    """Return the checksum; empty where it could not be made in time."""
    if shutil.which("sha256sum") is None:
        return ""
    told, _ = await _run(("sha256sum", "--binary", "--", str(path)), HASH_WITHIN_S)
    word = told.removeprefix(b"\\").split(b" ", 1)[0].decode(errors="replace")
    return word if re.fullmatch("[0-9a-f]{64}", word) else ""


async def _run(command: Sequence[str], within_s: float) -> tuple[bytes, bytes]:
    """Return output and messages of a niced process; nothing of one that takes too long, which is killed."""
    niced = ("nice", "-n", "15", *command) if shutil.which("nice") else command
    process = await asyncio.create_subprocess_exec(
        *niced, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(within_s):
            return await process.communicate()
    except TimeoutError:
        return b"", b""
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
