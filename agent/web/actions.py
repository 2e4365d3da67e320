"""What a press on the tablet asks of the room.

A command names a target state, never a toggle, so that two tablets or a double tap cannot
undo each other. What is malformed or refused comes back as a code with a sentence.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.tone import Answer, Task
from agent.web.face import Refused, RoomFace
from agent.web.holds import Hold
from drivers.outcomes import Reason
from webui.i18n import Locales, speaking
from webui.live import Ack, Json
from webui.reasons import sentence

LONGEST_EXTENSION = timedelta(hours=2)


class _Arguments(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Malformed(Exception):
    """The arguments of a command are not what it wants."""


class _Nothing(_Arguments):
    pass


class _Preset(_Arguments):
    name: str
    values: dict[str, bool | int | float | str] = Field(default_factory=dict)


class _Cancel(_Arguments):
    name: str


class _Decision(_Arguments):
    run: str
    step: str
    do: bool


class _Extension(_Arguments):
    confirmed: bool = False
    minutes: Annotated[int, Field(gt=0, le=int(LONGEST_EXTENSION.total_seconds() // 60))]


class _Tick(_Arguments):
    item: str
    on: bool
    session: Annotated[str, Field(max_length=64)] = ""


class _Note(_Arguments):
    text: Annotated[str, Field(min_length=1, max_length=2000)]
    name: Annotated[str, Field(max_length=80)] = ""
    session: Annotated[str, Field(max_length=64)] = ""


class _Mute(_Arguments):
    port: str
    on: bool


class _Gain(_Arguments):
    port: str
    db: Annotated[float, Field(ge=-80, le=20)]


class _Task(_Arguments):
    task: Task


class _Heard(_Arguments):
    heard: Answer


Begin = Callable[[Hold], Awaitable[None]]
"""Begins to move a camera; may raise `Refused`."""


class Actions:
    """The commands of one page; `who` goes into the journal, refusals come in `language`, `hold` begins to move."""

    def __init__(self, room: RoomFace, locales: Locales, *, who: str, language: str, hold: Begin) -> None:
        self._room = room
        self._locales = locales
        self._who = who
        self._language = language
        self._begin = hold
        self._known: dict[str, Callable[[Mapping[str, Json]], Awaitable[None]]] = {
            "run": self._run,
            "cancel": self._cancel,
            "decide": self._decide,
            "prepare": self._prepare,
            "start": self._start,
            "end": self._end,
            "extend": self._extend,
            "tick": self._tick,
            "note": self._note,
            "recheck": self._recheck,
            "automatic": self._go_automatic,
            "mute": self._mute,
            "mute-all": self._mute_all,
            "gain": self._gain,
            "tone": self._tone,
            "tone-heard": self._heard,
            "tone-cancel": self._cancel_tone,
            "hold": self._hold,
        }

    async def do(self, what: str, args: Mapping[str, Json]) -> Ack:
        """Carry out one command and return once the room has accepted or refused it."""
        known = self._known.get(what)
        if known is None:
            return Ack(ok=False, code="command.unknown")
        try:
            await known(args)
        except Refused as refused:
            return self._refusal(refused.reason)
        except (ValidationError, _Malformed):
            return Ack(ok=False, code="command.malformed")
        return Ack()

    async def _hold(self, args: Mapping[str, Json]) -> None:
        """Begin to move a camera; what follows comes as messages of its own.

        Raises:
            _Malformed: no hold.
        """
        hold = Hold.parse(args)
        if hold is None:
            raise _Malformed
        await self._begin(hold)

    def _refusal(self, reason: Reason) -> Ack:
        with speaking(self._language):
            text = sentence(reason, self._locales.gettext)
        return Ack(ok=False, code=reason.code, values={"text": text})

    async def _run(self, args: Mapping[str, Json]) -> None:
        preset = _Preset.model_validate(args)
        await self._room.run_preset(preset.name, who=self._who, values=preset.values)

    async def _cancel(self, args: Mapping[str, Json]) -> None:
        await self._room.cancel(_Cancel.model_validate(args).name, who=self._who)

    async def _decide(self, args: Mapping[str, Json]) -> None:
        decision = _Decision.model_validate(args)
        await self._room.decide(decision.run, decision.step, decision.do, who=self._who)

    async def _prepare(self, args: Mapping[str, Json]) -> None:
        _Nothing.model_validate(args)
        await self._room.prepare(who=self._who)

    async def _start(self, args: Mapping[str, Json]) -> None:
        _Nothing.model_validate(args)
        await self._room.start_session(who=self._who)

    async def _end(self, args: Mapping[str, Json]) -> None:
        _Nothing.model_validate(args)
        await self._room.end_session(who=self._who)

    async def _extend(self, args: Mapping[str, Json]) -> None:
        wanted = _Extension.model_validate(args)
        await self._room.extend(timedelta(minutes=wanted.minutes), who=self._who, confirmed=wanted.confirmed)

    async def _tick(self, args: Mapping[str, Json]) -> None:
        tick = _Tick.model_validate(args)
        await self._room.tick(tick.item, tick.on, who=self._who, session=tick.session or None)

    async def _note(self, args: Mapping[str, Json]) -> None:
        note = _Note.model_validate(args)
        who = f"{note.name.strip()} ({self._who})" if note.name.strip() else self._who
        await self._room.note(note.text, who=who, session=note.session or None)

    async def _go_automatic(self, args: Mapping[str, Json]) -> None:
        _Nothing.model_validate(args)
        await self._room.go_automatic(who=self._who)

    async def _recheck(self, args: Mapping[str, Json]) -> None:
        _Nothing.model_validate(args)
        await self._room.recheck(who=self._who)

    async def _mute(self, args: Mapping[str, Json]) -> None:
        mute = _Mute.model_validate(args)
        await self._room.mute(mute.port, mute.on, who=self._who)

    async def _mute_all(self, args: Mapping[str, Json]) -> None:
        _Nothing.model_validate(args)
        await self._room.mute_all(who=self._who)

    async def _gain(self, args: Mapping[str, Json]) -> None:
        gain = _Gain.model_validate(args)
        await self._room.gain(gain.port, gain.db, who=self._who)

    async def _tone(self, args: Mapping[str, Json]) -> None:
        await self._room.begin_tone(_Task.model_validate(args).task, who=self._who)

    async def _heard(self, args: Mapping[str, Json]) -> None:
        await self._room.answer_tone(_Heard.model_validate(args).heard, who=self._who)

    async def _cancel_tone(self, args: Mapping[str, Json]) -> None:
        _Nothing.model_validate(args)
        await self._room.cancel_tone(who=self._who)
