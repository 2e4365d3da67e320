"""Reading the files people write: room, central and policy files, YAML 1.2.

Every mistake of a file is found in one go and named with file, line and column, because
the person who corrects it stands in a room with somebody waiting.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

Key = str | int
Location = tuple[Key, ...]

MAX_FILE_BYTES = 1_048_576
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_KEY = re.compile(r"[\w-]+(?:[ ./][\w-]+)*")
KEY_SHOWN = 64
PROBLEM_SHOWN = 160
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


class Settings(BaseModel):
    """Base of what a configuration file holds: frozen, and a key that nobody knows is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def duration(text: object) -> timedelta:
    """Return the duration that `text` writes: `500ms`, `40s`, `30m`, `1h30m`, `3d`.

    Raises:
        ValueError: no number with a unit.
    """
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str) or not text or _PIECE.sub("", text):
        raise ValueError(f"a duration with its unit is wanted, like 40s, 30m or 1h30m; got {text!r}")
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in _PIECE.findall(text)))


Duration = Annotated[
    timedelta, BeforeValidator(duration), PlainSerializer(lambda d: f"{d.total_seconds():g}s", when_used="json")
]
"""A duration as people write it: a number and a unit."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in a file; lines and columns count from 1."""

    line: int
    column: int
    where: str
    text: str


class FileMistakes(Exception):
    """Everything wrong in one file, one line each."""

    def __init__(self, path: Path, mistakes: tuple[Mistake, ...]) -> None:
        self.path = path
        self.mistakes = tuple(sorted(mistakes, key=lambda m: (m.line, m.column)))
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """Return the mistakes as `FILE:LINE:COLUMN: where: what`."""
        return [f"{self.path}:{m.line}:{m.column}: {m.where + ': ' if m.where else ''}{m.text}" for m in self.mistakes]


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read, with the places of its keys."""

    path: Path
    value: Any
    """Plain dicts, lists and scalars."""
    _marked: Any

    def place(self, location: Location) -> tuple[int, int]:
        """Return line and column of what stands at `location`, or of the nearest thing around it."""
        node, line, column = self._marked, 1, 1
        for key in location:
            if isinstance(node, CommentedMap) and key in node:
                line, column = (n + 1 for n in node.lc.key(key))
            elif isinstance(node, CommentedSeq) and isinstance(key, int) and key < len(node):
                line, column = (n + 1 for n in node.lc.item(key))
            else:
                break
            node = node[key]
        return line, column

    def mistake(self, location: Location, text: str) -> Mistake:
        """Return the mistake `text` at `location`."""
        line, column = self.place(location)
        return Mistake(line, column, ".".join(map(_shown, location)), text)


def _shown(key: Key) -> str:
    """Return a key as a mistake names it.

    A file that is no configuration may hold secrets, and a whole line of it can read as a key: what
    does not look like one is cut where it stops to, its place in the file is told beside it.
    """
    text = str(key)
    if len(text) <= KEY_SHOWN and _KEY.fullmatch(text):
        return text
    likely = _KEY.match(text)
    return f"{likely[0][:KEY_SHOWN] if likely else ''}\N{HORIZONTAL ELLIPSIS}"


def read(path: Path) -> Source:
    """Return what the file at `path` holds.

    Raises:
        FileMistakes: it cannot be read, is too large, is no YAML, or holds no mapping.
    """
    marked = _load(path)
    if not isinstance(marked, CommentedMap):
        raise FileMistakes(path, (Mistake(1, 1, "", "wanted keys with values, found something else"),))
    return Source(path, _plain(marked), marked)


def _load(path: Path) -> object:
    """Return the file as ruamel.yaml marks it.

    Raises:
        FileMistakes: it cannot be read or is no YAML.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise FileMistakes(path, (Mistake(1, 1, "", f"wanted at most {MAX_FILE_BYTES} bytes"),))
        return YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except OSError as error:
        found = (error.strerror or str(error)).lower()
        raise FileMistakes(path, (Mistake(1, 1, "", f"wanted a file that can be read, found: {found}"),)) from error
    except UnicodeDecodeError as error:
        raise FileMistakes(path, (Mistake(1, 1, "", f"wanted text in UTF-8, found: {error}"),)) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise FileMistakes(path, (Mistake(line, column, "", _problem(error)),)) from error
    except YAMLError as error:
        raise FileMistakes(path, (Mistake(1, 1, "", str(error)),)) from error


def _problem(error: MarkedYAMLError) -> str:
    """Return what is wrong without what stands there: of a key that is there twice ruamel tells both values."""
    return str(error.problem).partition(" with value ")[0][:PROBLEM_SHOWN]


def _plain(node: Any) -> Any:
    """Return `node` without ruamel's types."""
    if isinstance(node, dict):
        return {_plain(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(item) for item in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


M = TypeVar("M", bound=BaseModel)


def parse(source: Source, model: type[M]) -> M:
    """Return `source` as `model`.

    Raises:
        FileMistakes: every mistake that the model finds, at its line and column.
    """
    try:
        return model.model_validate(source.value)
    except ValidationError as error:
        found = tuple(source.mistake(_in_file(source, e["loc"]), _say(dict(e))) for e in error.errors())
        raise FileMistakes(source.path, found) from error


def _in_file(source: Source, location: Location) -> Location:
    """Drop what pydantic adds to a location (the names of union members), which no file holds.

    The last key stays also when it is absent: a missing key must be named.
    """
    kept: list[Key] = []
    node = source.value
    for depth, key in enumerate(location):
        held = (isinstance(node, dict) and key in node) or (
            isinstance(node, list) and isinstance(key, int) and key < len(node)
        )
        if held:
            node = node[key]
        if held or depth == len(location) - 1:
            kept.append(key)
    return tuple(kept)


def _say(error: dict[str, Any]) -> str:
    """Return one of pydantic's findings in our words."""
    kind, found = error["type"], error.get("input")
    if kind == "extra_forbidden":
        return "unknown key"
    if kind == "missing":
        return "missing: a value is wanted here"
    text = str(error["msg"]).removeprefix("Value error, ")
    shown = repr(found)
    return text if "got " in text or isinstance(found, dict | list) else f"{text}; got {shown[:80]}"
