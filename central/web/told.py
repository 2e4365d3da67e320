"""What a preset may be told, as fields of a form, and the form's texts as values again.

The room holds every value to its limits itself; this only spares people a refusal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from central.commands import Scalar
from contract.messages import OfferedParameter, OfferedPreset
from webui.i18n import DEFAULT, N_, current_language
from webui.reasons import Translate

PREFIX: Final = "nilai-"
YES, NO = "ya", "tidak"
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class ToldField:
    """One field; with `options` one of them is chosen."""

    name: str
    label: str
    value: str
    hint: str
    error: str
    options: tuple[tuple[str, str], ...] = ()
    kind: str = "text"


def label_of(words: Mapping[str, str], otherwise: str) -> str:
    """Return the words in the current language."""
    return words.get(current_language()) or words.get(DEFAULT) or otherwise


def fields(preset: OfferedPreset | None, typed: Mapping[str, str], translate: Translate) -> Iterator[ToldField]:
    """Yield a field for each value, with what was typed or else what counts when nobody says."""
    for one in preset.parameters if preset is not None else ():
        name = PREFIX + one.name
        text = typed.get(name)
        wrong = text is not None and value_of(one, text) is None
        yield ToldField(
            name=name,
            label=label_of(one.label, one.name),
            value=_text(one.default) if text is None else text,
            hint=_hint(one, translate),
            error=translate(N_("This value does not fit.")) if wrong else "",
            options=_options(one, translate),
            kind="number" if one.type in {"integer", "number"} else "text",
        )


def values(preset: OfferedPreset | None, typed: Mapping[str, str]) -> dict[str, Scalar] | None:
    """Return the values that were typed, none where one does not fit; what is not in the form keeps its default."""
    found: dict[str, Scalar] = {}
    for one in preset.parameters if preset is not None else ():
        text = typed.get(PREFIX + one.name)
        if text is not None:
            value = value_of(one, text)
            if value is None:
                return None
            found[one.name] = value
    return found


def value_of(parameter: OfferedParameter, text: str) -> Scalar | None:
    """Return what `text` says as a value of this parameter, none where it says none."""
    if parameter.choices:
        return next((choice for choice in parameter.choices if _text(choice) == text), None)
    if parameter.type == "switch":
        return {YES: True, NO: False}.get(text)
    if parameter.type == "text":
        return text if len(text) <= _LONGEST else None
    number = _number(text, whole=parameter.type == "integer")
    return number if number is not None and _within(parameter, number) else None


def _number(text: str, *, whole: bool) -> int | float | None:
    try:
        return int(text) if whole else float(text.replace(",", "."))
    except ValueError:
        return None


def _within(parameter: OfferedParameter, number: float) -> bool:
    """Return whether a number is within the limits; neither `nan` nor infinity is."""
    lowest = float("-inf") if parameter.lowest is None else parameter.lowest
    highest = float("inf") if parameter.highest is None else parameter.highest
    return lowest <= number <= highest and abs(number) < float("inf")


def _options(parameter: OfferedParameter, translate: Translate) -> tuple[tuple[str, str], ...]:
    if parameter.choices:
        return tuple((_text(choice), _text(choice)) for choice in parameter.choices)
    return ((YES, translate(N_("Yes"))), (NO, translate(N_("No")))) if parameter.type == "switch" else ()


def _hint(parameter: OfferedParameter, translate: Translate) -> str:
    if parameter.lowest is None or parameter.highest is None:
        return ""
    said = {"lowest": f"{parameter.lowest:g}", "highest": f"{parameter.highest:g}"}
    return translate(N_("From %(lowest)s to %(highest)s.")) % said


def _text(value: Scalar | None) -> str:
    if value is None:
        return ""
    return {True: YES, False: NO}[value] if isinstance(value, bool) else str(value)
