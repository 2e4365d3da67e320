"""What a preset may be told when it is run: named values with a kind and limits. Pure.

A value stands in the preset's arguments as `{name}`. Alone between quotation marks it keeps
its kind, so that `memory: "{position}"` is a number; inside a text it becomes text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Literal

from pydantic import Field

from contract.messages import Label
from contract.yamlfile import Settings

Value = bool | int | float | str

LONGEST_TEXT = 200
_PLACE = re.compile(r"\{([a-z_]+)\}")


class ParameterSettings(Settings):
    """One value that a preset may be told."""

    type: Literal["integer", "number", "text", "switch"]
    default: Value
    """What counts when nobody says: each preset can be run by a button and by a phase."""
    range: tuple[float, float] | None = None
    """Lowest and highest, of an `integer` or a `number`."""
    choices: Annotated[tuple[Value, ...], Field(min_length=1)] | None = None
    label: Label = Field(default_factory=dict)

    def taken(self, value: object) -> Value:
        """Return `value` as this parameter takes it.

        Raises:
            ValueError: another kind, or outside the limits.
        """
        found = _of_kind(self.type, value)
        if found is None or not self._within(found):
            raise ValueError(f"wanted {self.wanted()}, got {value!r}")
        return found

    def _within(self, value: Value) -> bool:
        if self.choices is not None and value not in self.choices:
            return False
        return self.range is None or isinstance(value, bool | str) or self.range[0] <= value <= self.range[1]

    def wanted(self) -> str:
        """Return in words what is taken."""
        kind = {"integer": "a whole number", "number": "a number", "text": "a text", "switch": "true or false"}
        if self.choices is not None:
            return f"one of {', '.join(map(str, self.choices))}"
        if self.range is not None:
            return f"{kind[self.type]} from {self.range[0]:g} to {self.range[1]:g}"
        return kind[self.type]

    def extremes(self) -> tuple[Value, ...]:
        """Return the values at which a verb is held to it before anybody presses."""
        if self.choices is not None:
            return (self.default, *self.choices)
        if self.type == "switch":
            return (True, False)
        ends = () if self.range is None else tuple(_of_kind(self.type, end) for end in self.range)
        return (self.default, *(end for end in ends if end is not None))


def _of_kind(kind: str, value: object) -> Value | None:
    """Return `value` where it is of that kind; none where it is not."""
    if kind == "switch":
        return value if isinstance(value, bool) else None
    if kind == "text":
        return value if isinstance(value, str) and _is_plain(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    if kind == "integer":
        return int(value) if value == int(value) else None
    return value


def _is_plain(text: str) -> bool:
    """Whether a text can be shown as it is: braces would be taken for a word of the session's."""
    return len(text) <= LONGEST_TEXT and text.isprintable() and not set(text) & {"{", "}"}


def mistakes_in(parameter: ParameterSettings) -> list[tuple[str, str]]:
    """Return what is wrong in a declaration, as key and sentence."""
    found: list[tuple[str, str]] = []
    if parameter.range is not None and parameter.type not in {"integer", "number"}:
        found.append(("range", f"a {parameter.type} has no range"))
    elif parameter.range is not None and parameter.range[0] > parameter.range[1]:
        found.append(("range", "the lowest comes first"))
    if parameter.choices is not None and parameter.type == "switch":
        found.append(("choices", "a switch has no choices"))
    elif any(_of_kind(parameter.type, choice) is None for choice in parameter.choices or ()):
        found.append(("choices", f"each choice is to be of type {parameter.type}"))
    elif not found:
        try:
            parameter.taken(parameter.default)
        except ValueError as error:
            found.append(("default", str(error)))
    return found


def taken_by(declared: Mapping[str, ParameterSettings], given: Mapping[str, object]) -> dict[str, Value]:
    """Return every declared parameter's value: the one that was given, else its default.

    Raises:
        ValueError: one that nobody declared, of another kind, or outside its limits.
    """
    if strange := sorted(set(given) - set(declared)):
        raise ValueError(f"unknown parameter {strange[0]!r}; known: {', '.join(declared) or 'none'}")
    values: dict[str, Value] = {}
    for name, parameter in declared.items():
        try:
            values[name] = parameter.taken(given.get(name, parameter.default))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return values


def put_in(arguments: Mapping[str, object], values: Mapping[str, Value]) -> dict[str, object]:
    """Return `arguments` with the parameters' values in their places; other words in braces stay."""
    return {name: _put_in(value, values) for name, value in arguments.items()}


def _put_in(value: object, values: Mapping[str, Value]) -> object:
    if not isinstance(value, str):
        return value
    if (alone := _PLACE.fullmatch(value)) and alone[1] in values:
        return values[alone[1]]
    return _PLACE.sub(lambda found: str(values.get(found[1], found[0])), value)
