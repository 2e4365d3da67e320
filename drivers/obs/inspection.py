"""Asks OBS for what `readiness` judges, in few batches, and keeps the answer until the link breaks.

Pictures are compared in twos, a second apart, and are asked as bitmaps: those need no decoder,
and what is alike in them is alike to the last bit. One batch of pictures is in flight at a
time, for OBS works on every client's requests and all its events with as many threads as the
machine has cores.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from drivers.address import DeviceAddress
from drivers.errors import AddressError, DeviceRefused, OutcomeUnknown
from drivers.obs import readiness
from drivers.obs.conversation import Conversation
from drivers.obs.model import SUCCESS, Call, Event, Reply
from drivers.obs.readiness import CAMERAS, MEDIA, Fader, Found, Hands, Load, Picture, Seen
from drivers.obs.splitting import KIND, MODE, can_split
from drivers.obs.studio import Intent
from drivers.obs.supervisor import Standing, State
from drivers.outcomes import Measure, Reason, Verdict
from drivers.ports import ShowWanted

PICTURES_APART_S = 1.0
PICTURE_SIZE = 160, 90
LISTEN_S = 3.0
STALE_AFTER_S = 300.0
"""What was found longer ago proves nothing any more."""
CHANGING = (*CAMERAS, "xshm_input", "monitor_capture", "screen_capture", "pipewire-")
"""Kinds of inputs whose picture is looked at."""
HEARD = "input_level"
"""What only those find out who listen; it stands until somebody listens again."""
MICROPHONES = ("mic1", "mic2", "mic3", "mic4")
_MEDIA_PREFIX = "OBS_MEDIA_STATE_"

_FIRST = (
    "GetVersion", "GetStats", "GetVideoSettings", "GetRecordStatus", "GetStreamStatus", "GetVirtualCamStatus",
    "GetStudioModeEnabled", "GetProfileList", "GetSceneCollectionList", "GetSceneList", "GetInputList",
    "GetSpecialInputs",
)  # fmt: skip
_BITRATES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Simple": (("SimpleOutput", "VBitrate"), ("SimpleOutput", "ABitrate")),
    "Advanced": (("AdvOut", "FFVBitrate"), ("AdvOut", "Track1Bitrate")),
}
_QUALITY_FACTOR = {"Small": 1.5, "HQ": 3.0, "Lossless": 60.0}
"""Recordings of their own quality have no set rate: so many times the stream's is a careful guess."""
_RATE_OTHERWISE_KBPS = 6000.0


def asked_of(address: DeviceAddress) -> ShowWanted:
    """Return what an address says that OBS should be set to.

    Raises:
        AddressError: a canvas that is no WIDTHxHEIGHT, or a rate that is no number.
    """
    size, rate = address.options.get("canvas", ""), address.options.get("fps", "")
    wide, _, high = size.partition("x")
    if size and not (wide.isdecimal() and high.isdecimal()):
        raise AddressError(f"{address}: canvas must be WIDTHxHEIGHT, got {size!r}")
    try:
        fps = float(rate) if rate else None
    except ValueError as error:
        raise AddressError(f"{address}: fps must be a number, got {rate!r}") from error
    canvas = (int(wide), int(high)) if size else None
    options = address.options
    return ShowWanted(
        collection=options.get("collection", ""), profile=options.get("profile", ""), canvas=canvas, fps=fps
    )


@dataclass(frozen=True, slots=True)
class _Answers:
    """Replies of a batch, by request."""

    of: Mapping[str, Mapping[str, object]]

    def text(self, request: str, name: str) -> str:
        value = self.of.get(request, {}).get(name)
        return value if isinstance(value, str) else ""

    def number(self, request: str, name: str) -> float:
        return _number(self.of.get(request, {}).get(name))

    def yes(self, request: str, name: str) -> bool:
        return self.of.get(request, {}).get(name) is True

    def rows(self, request: str, name: str) -> list[Mapping[str, object]]:
        return _rows(self.of.get(request, {}), name)


class Inspection(Conversation):
    """An OBS that can be looked through."""

    asked: ShowWanted = ShowWanted()
    """What the address says."""

    def __init__(self, name: str, host: str, port: int, password: str | None) -> None:
        super().__init__(name, host, port, password)
        self._found: tuple[Measure, ...] = ()
        self._found_s = 0.0
        self._memory_mb: float | None = None
        self._hands = Hands()
        self._last_programme: str | None = None
        self._inspecting = asyncio.Lock()

    @property
    def inspected(self) -> tuple[Measure, ...]:
        """What the last inspection found; too long ago, it is unproven."""
        if time.monotonic() - self._found_s < STALE_AFTER_S:
            return self._found
        old = Reason("obs.inspected_long_ago", "the last thorough look at OBS is too long ago")
        return tuple(replace(one, verdict=Verdict.UNPROVEN, reason=old) for one in self._found)

    def forget(self) -> None:
        """Let go of what was found."""
        self._found, self._memory_mb, self._last_programme = (), None, None

    def _ask_for(self, scene: str) -> None:
        """Remember that a switch to `scene` is ours; the empty name is any scene."""
        self._hands.asked(scene, time.monotonic())

    def _see(self, standing: Standing) -> None:
        """Take note of a switch."""
        seen = standing.studio
        if seen is None or seen.busy or seen.programme == self._last_programme:
            return
        before, self._last_programme = self._last_programme, seen.programme
        if before is not None:
            self._hands.switched(seen.programme, time.monotonic())

    async def inspect(self, wanted: ShowWanted) -> tuple[Measure, ...]:
        """Look whether everything wanted is there; takes a second, or three when it listens.

        Raises:
            DeviceUnreachable: no link or no answer in time.
            DeviceRefused: OBS is being closed.
        """
        async with self._inspecting:
            wanted = replace(
                wanted,
                collection=wanted.collection or self.asked.collection, profile=wanted.profile or self.asked.profile,
                canvas=wanted.canvas or self.asked.canvas, fps=wanted.fps or self.asked.fps, split=self.asked.split,
            )  # fmt: skip
            await self.calm()
            found = await self._look_through(wanted)
            heard = [one for one in self._found if one.name == HEARD and HEARD not in {new.name for new in found}]
            self._found = (*found, *heard)
            self._found_s = time.monotonic()
            return self._found

    async def _look_through(self, wanted: ShowWanted) -> tuple[Measure, ...]:
        standing = self.standing
        if standing.state is not State.READY:
            return readiness.rows(wanted, Found(standing.state, standing.reason))
        first = await self._answers([Call(name) for name in _FIRST])
        if wanted.listens and not wanted.microphones:
            wanted = replace(wanted, microphones=_microphones(first))
        sources = await self._sources(first)
        faders = await self._faders(wanted, first)
        pictures, (peaks, later) = await asyncio.gather(
            self._pictures(sources), self._meanwhile(wanted.microphones if wanted.listens else ())
        )
        faders = {name: replace(one, peaks=peaks.get(name)) for name, one in faders.items()}
        rate = await self._bitrate() if wanted.recording_for is not None else None
        splits = can_split(await self._profile_value(*MODE), await self._profile_value(*KIND)) if wanted.split else None
        found = Found(
            State.READY, sources=tuple(sources), pictures=tuple(pictures), faders=faders, bitrate_kbps=rate,
            splits=splits, load=_load(later), load_before=_load(first),
        )  # fmt: skip
        return readiness.rows(wanted, self._sum_up(found, first))

    def _sum_up(self, found: Found, first: _Answers) -> Found:
        """Return `found` with what the first batch told."""
        if self._memory_mb is None and found.load is not None:
            self._memory_mb = found.load.memory_mb
        video = first.of.get("GetVideoSettings", {})
        camera = first.of.get("GetVirtualCamStatus")
        return replace(
            found,
            scenes=tuple(str(row.get("sceneName")) for row in reversed(first.rows("GetSceneList", "scenes"))),
            collection=first.text("GetSceneCollectionList", "currentSceneCollectionName"),
            profile=first.text("GetProfileList", "currentProfileName"),
            canvas=(int(_number(video.get("baseWidth"))), int(_number(video.get("baseHeight")))),
            fps=_number(video.get("fpsNumerator")) / (_number(video.get("fpsDenominator")) or 1.0),
            virtual_camera=None if camera is None else camera.get("outputActive") is True,
            memory_at_first_mb=self._memory_mb,
            disk_mb=first.number("GetStats", "availableDiskSpace"),
            recording=first.yes("GetRecordStatus", "outputActive"),
            streaming=first.yes("GetStreamStatus", "outputActive"),
            congestion=first.number("GetStreamStatus", "outputCongestion"),
            reconnecting=first.yes("GetStreamStatus", "outputReconnecting"),
            studio_mode=first.yes("GetStudioModeEnabled", "studioModeEnabled"),
            strange_switches=self._hands.strange(time.monotonic()),
        )

    async def _answers(self, calls: Sequence[Call]) -> _Answers:
        replies = await self.link.ask_all(calls)
        return _Answers({reply.request: reply.fields for reply in replies if reply.code == SUCCESS})

    # Sources.

    async def _sources(self, first: _Answers) -> list[Seen]:
        """Return every source of every scene, through groups and scenes within scenes."""
        scenes = [str(row.get("sceneName")) for row in first.rows("GetSceneList", "scenes")]
        lists = await self._item_lists("GetSceneItemList", scenes)
        groups = sorted({str(row.get("sourceName")) for rows in lists.values() for row in rows if row.get("isGroup")})
        lists |= await self._item_lists("GetGroupSceneItemList", groups)
        seen = [one for scene in scenes for one in _within(scene, scene, lists, frozenset())]
        return await self._with_state(seen)

    async def _item_lists(self, request: str, names: Sequence[str]) -> dict[str, list[Mapping[str, object]]]:
        if not names:
            return {}
        replies = await self.link.ask_all([Call(request, {"sceneName": name}) for name in names])
        return {name: _rows(reply.fields, "sceneItems") for name, reply in zip(names, replies, strict=True)}

    async def _with_state(self, seen: Sequence[Seen]) -> list[Seen]:
        """Return the sources with what clips and cameras say of themselves."""
        media = sorted({one.source for one in seen if one.kind.startswith(MEDIA)})
        devices = sorted({one.source for one in seen if one.kind.startswith(("v4l2_input", "dshow_input"))})
        listed = {"propertyName": "device_id"}
        calls = [Call("GetMediaInputStatus", {"inputName": name}) for name in media]
        calls += [Call("GetInputSettings", {"inputName": name}) for name in devices]
        kinds = {one.source: one.kind for one in seen}
        for name in devices:
            asked = listed if kinds[name].startswith("v4l2") else {"propertyName": "video_device_id"}
            calls.append(Call("GetInputPropertiesListPropertyItems", {"inputName": name, **asked}))
        replies = await self.link.ask_all(calls) if calls else ()
        states = dict(zip(media, replies, strict=False))
        settings = dict(zip(devices, replies[len(media) :], strict=False))
        lists = dict(zip(devices, replies[len(media) + len(devices) :], strict=False))
        return [
            replace(
                one,
                media=str(states[one.source].fields.get("mediaState", "")).removeprefix(_MEDIA_PREFIX)
                if one.source in states
                else "",
                device_there=_is_listed(settings[one.source], lists[one.source]) if one.source in lists else None,
            )
            for one in seen
        ]

    # Pictures.

    async def _pictures(self, sources: Sequence[Seen]) -> list[Picture]:
        """Return what the cameras show, in two looks."""
        kinds = {
            one.source: one.kind for one in sources if one.shown and one.kind.startswith(CHANGING) and not one.dead
        }
        if not kinds:
            return []
        then, at = await self._shots(kinds), time.monotonic()
        await asyncio.sleep(max(0.0, at + PICTURES_APART_S - time.monotonic()))
        now = await self._shots(kinds)
        settings = await self.link.ask_all([Call("GetInputSettings", {"inputName": name}) for name in kinds])
        resting = {name for name, reply in zip(kinds, settings, strict=True) if _rests(reply)}
        return [_compared(name, kind, then[name], now[name], name in resting) for name, kind in kinds.items()]

    async def _shots(self, names: Iterable[str]) -> dict[str, tuple[int, bytes]]:
        """Return code and bitmap of each, one after the other."""
        found = {}
        for name in names:
            width, height = PICTURE_SIZE
            fields = {"sourceName": name, "imageFormat": "bmp", "imageWidth": width, "imageHeight": height}
            (reply,) = await self.link.ask_all([Call("GetSourceScreenshot", fields)])
            found[name] = reply.code, _bytes_of(reply)
        return found

    # Sound.

    async def _faders(self, wanted: ShowWanted, first: _Answers) -> dict[str, Fader]:
        there = {str(row.get("inputName")) for row in first.rows("GetInputList", "inputs")}
        names = [*dict.fromkeys((*wanted.inputs, *wanted.microphones))]
        asked = [name for name in names if name in there]
        calls = [Call(ask, {"inputName": name}) for name in asked for ask in ("GetInputMute", "GetInputVolume")]
        replies = await self.link.ask_all(calls) if calls else ()
        found = {name: Fader(False) for name in names}
        for at, name in enumerate(asked):
            mute, volume = replies[2 * at].fields.get("inputMuted"), replies[2 * at + 1].fields.get("inputVolumeDb")
            found[name] = Fader(
                True,
                mute if isinstance(mute, bool) else None,
                float(volume) if isinstance(volume, int | float) else None,
            )
        return found

    async def _meanwhile(self, microphones: Sequence[str]) -> tuple[dict[str, tuple[float, ...]], _Answers]:
        """Listen, or only let a second pass, and ask for the counters anew."""
        peaks: dict[str, tuple[float, ...]] = {}
        if microphones:
            peaks = await self._listened(microphones)
        else:
            await asyncio.sleep(PICTURES_APART_S)
        return peaks, await self._answers([Call("GetStats"), Call("GetVersion")])

    async def _listened(self, names: Sequence[str]) -> dict[str, tuple[float, ...]]:
        peaks: dict[str, list[float]] = {name: [] for name in names}
        with contextlib.suppress(DeviceRefused, OutcomeUnknown):
            async with self.supervisor.listen(Intent.METERS, "InputVolumeMeters") as queue:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LISTEN_S):
                        while True:
                            _take(await queue.get(), peaks)
        return {name: tuple(heard) for name, heard in peaks.items() if heard}

    # Disk.

    async def _bitrate(self) -> float:
        """Return what a recording takes, in kbit/s, as far as the profile says it."""
        mode = await self._profile_value("Output", "Mode") or "Simple"
        rates = [await self._profile_value(*where) for where in _BITRATES.get(mode, _BITRATES["Simple"])]
        known = [float(rate) for rate in rates if rate and rate.isdecimal()]
        quality = await self._profile_value("SimpleOutput", "RecQuality") if mode == "Simple" else ""
        return (sum(known) or _RATE_OTHERWISE_KBPS) * _QUALITY_FACTOR.get(quality, 1.0)

    async def _profile_value(self, category: str, name: str) -> str:
        fields = {"parameterCategory": category, "parameterName": name}
        try:
            found = await self.link.question(Call("GetProfileParameter", fields))
        except DeviceRefused:
            return ""
        value = found.get("parameterValue") or found.get("defaultParameterValue")
        return value if isinstance(value, str) else ""


def _within(
    scene: str, place: str, lists: Mapping[str, list[Mapping[str, object]]], above: frozenset[str]
) -> Iterable[Seen]:
    """Return the sources of `place` as parts of `scene`; what is hidden hides all in it."""
    for row in lists.get(place, ()):
        name, shown = str(row.get("sourceName")), row.get("sceneItemEnabled") is True
        if name in lists and name not in above:
            if shown:
                yield from _within(scene, name, lists, above | {place})
            continue
        size = row.get("sceneItemTransform")
        transform = size if isinstance(size, dict) else {}
        yield Seen(
            scene, name, str(row.get("inputKind") or "scene"),
            _number(transform.get("sourceWidth")), _number(transform.get("sourceHeight")), shown,
        )  # fmt: skip


def _is_listed(settings: Reply, listed: Reply) -> bool | None:
    """Return whether the machine has the device; none when OBS did not say, or none was chosen."""
    held = settings.fields.get("inputSettings")
    chosen = held.get("device_id") or held.get("video_device_id") if isinstance(held, dict) else None
    if listed.code != SUCCESS or not chosen:
        return None
    there = [row for row in _rows(listed.fields, "propertyItems") if row.get("itemEnabled", True)]
    return any(row.get("itemValue") == chosen for row in there)


def _rests(reply: Reply) -> bool:
    held = reply.fields.get("inputSettings")
    return isinstance(held, dict) and held.get("deactivate_when_not_showing") is True


def _compared(name: str, kind: str, then: tuple[int, bytes], now: tuple[int, bytes], rests: bool) -> Picture:
    code, bitmap = now
    luma = readiness.luma_of_bmp(bitmap)
    same = then[1] == bitmap if then[1] and bitmap else None
    return Picture(name, kind, code, luma, same, rests)


def _bytes_of(reply: Reply) -> bytes:
    if reply.code != SUCCESS:
        return b""
    try:
        return b64decode(str(reply.fields.get("imageData", "")).partition(",")[2], validate=True)
    except ValueError:
        return b""


def _take(event: Event, peaks: Mapping[str, list[float]]) -> None:
    """Add what arrived at each input, before fader and mute: the third value of each channel."""
    for row in _rows(event.fields, "inputs"):
        heard = peaks.get(str(row.get("inputName")))
        channels = row.get("inputLevelsMul")
        if heard is None or not isinstance(channels, list):
            continue
        loudest = [_number(one[2]) for one in channels if isinstance(one, list) and len(one) > 2]
        heard.append(max(loudest, default=0.0))


def _microphones(first: _Answers) -> tuple[str, ...]:
    named = first.of.get("GetSpecialInputs", {})
    return tuple(str(named[role]) for role in MICROPHONES if named.get(role))


def _load(answers: _Answers) -> Load:
    def of(name: str) -> float:
        return answers.number("GetStats", name)

    skipped, total = int(of("outputSkippedFrames")), int(of("outputTotalFrames"))
    return Load(of("cpuUsage"), of("memoryUsage"), of("averageFrameRenderTime"), skipped, total)


def _rows(fields: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    rows = fields.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
