"""What a request is here, and finding what it names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from drivers.obs.sim.given import Fields, Given, Refused
from drivers.obs.sim.sources import Input
from drivers.obs.sim.studio import Studio

Request = Callable[[Studio, Given], Fields | Awaitable[Fields | None] | None]
Requests = Mapping[str, Request]


def _known(studio: Studio, name: str) -> None:
    if studio.changing or (name not in studio.scenes and name not in studio.inputs):
        raise Refused(600, f"No source was found by the name of `{name}`.")


def source(studio: Studio, given: Given, field: str = "sourceName") -> str:
    """Return the scene or input that a request names.

    Raises:
        Refused: there is none.
    """
    name = given.text(field)
    _known(studio, name)
    return name


def scene(studio: Studio, given: Given) -> str:
    """Return the scene that a request names.

    Raises:
        Refused: there is none.
    """
    name = source(studio, given, "sceneName")
    if name not in studio.scenes:
        raise Refused(602, "The specified source is not a scene.")
    return name


def input_(studio: Studio, given: Given) -> tuple[str, Input]:
    """Return the input that a request names.

    Raises:
        Refused: there is none.
    """
    name = source(studio, given, "inputName")
    if name in studio.scenes:
        raise Refused(602, "The specified source is not an input.")
    return name, studio.inputs[name]


def sound_input(studio: Studio, given: Given) -> tuple[str, Input]:
    """Return the input with sound that a request names.

    Raises:
        Refused: there is none.
    """
    name, one = input_(studio, given)
    if not one.has_sound:
        raise Refused(604, "The specified input does not support audio.")
    return name, one


def free_name(studio: Studio, given: Given, field: str, what: str) -> str:
    """Return a name that nothing has yet.

    Raises:
        Refused: something has it.
    """
    name = given.text(field)
    if name in studio.scenes or name in studio.inputs:
        raise Refused(601, f"A source already exists by that {what} name.")
    return name
