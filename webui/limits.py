"""Measured values and their limits as people read them, in the language of the page.

A room tells limits as text, in the machine's English (`>= 28.5 fps`, `on`), because a limit
may be a number, a word or both. Here numbers get the language's decimal sign, signs of
comparison their typographic form, and the words around them a translation. What is not
known is shown as it came: a limit is evidence, so nothing is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from babel.numbers import format_decimal

from webui.i18n import N_, current_language
from webui.reasons import Translate

Found = str | int | float | bool | None
"""What a measured value can be."""

DASH = "\N{EN DASH}"
"""Stands where there is nothing to say."""
SIGNS = {">=": "\N{GREATER-THAN OR EQUAL TO}", "<=": "\N{LESS-THAN OR EQUAL TO}"}
UNITS: Mapping[str, str] = {"deg": "°", "fps": N_("pictures/s"), "/min": N_("/min")}

WORDS: Mapping[str, str] = {
    "true": N_("yes"),
    "false": N_("no"),
    "on": N_("on"),
    "off": N_("off"),
    "standby": N_("on standby"),
    "ok": N_("good"),
    "OK": N_("good"),
    "ready": N_("ready"),
    "none": N_("none"),
    "still": N_("standing still"),
    "moving": N_("moving"),
    "kept": N_("kept"),
    "not kept": N_("not kept"),
    "answers": N_("an answer"),
    "microphone": N_("microphone"),
    "speaker": N_("loudspeaker"),
    "not digital zero": N_("no digital silence"),
    "the devices it was calibrated with": N_("the devices it was calibrated with"),
    "rho": N_("likeness to what was played"),
    "of levels": N_("of levels"),
    "over its surroundings": N_("over its surroundings"),
    "over the rest for a second": N_("over the rest for a second"),
    "of its own": N_("of its own"),
    "up at most at once": N_("up at most at once"),
    "good from": N_("good from"),
    "best": N_("best"),
    "to": N_("to"),
    "in": N_("in"),
}
"""Words that stand alone or between the numbers of a limit; an unknown one is shown as it is."""

_PIECE = re.compile(r"(?P<sign>>=|<=)|(?P<number>[-+]?\d+(?:\.\d+)?)|(?P<words>[^\d<>+-]+)|.")
_VERBATIM = re.compile(r"\d+(?:\.\d+){2,}|\d+x\d+")
"""A version or a canvas: no number in the sense of a quantity."""
_QUANTITY = re.compile(r"[-+<>\d]|\w+ [<>]=? ?[-+\d]")
"""A sign, a number, or what the number is of (`rho >= 0.15`)."""
_KNOWN = re.compile(
    "|".join(rf"(?<!\w){re.escape(known)}(?!\w)" for known in sorted([*WORDS, *UNITS], key=len, reverse=True))
)


def value_text(found: Found, unit: str, translate: Translate) -> str:
    """Return a measured value with its unit; a dash for none."""
    if found is None:
        return DASH
    if isinstance(found, bool):
        return translate("yes") if found else translate("no")
    if isinstance(found, str):
        return translate(WORDS[found]) if found in WORDS else found
    return f"{number_text(found)} {unit_text(unit, translate)}".rstrip()


def number_text(found: float) -> str:
    """Return a number with the decimal sign of the page's language, two decimals at most."""
    return format_decimal(round(found, 2), locale=current_language())


def unit_text(unit: str, translate: Translate) -> str:
    """Return a unit as people write it."""
    return translate(UNITS[unit]) if unit in UNITS else unit


def limit_text(limit: str, translate: Translate) -> str:
    """Return what was wanted of a measured value; empty for an empty limit."""
    if limit in WORDS:
        return translate(WORDS[limit])
    if _VERBATIM.search(limit) or not _QUANTITY.match(limit):
        return limit  # a name, or a word that nobody knows here
    return _PIECE.sub(lambda piece: _piece_text(piece, translate), limit)


def _piece_text(piece: re.Match[str], translate: Translate) -> str:
    if piece["sign"]:
        return SIGNS[piece["sign"]]
    if number := piece["number"]:
        return ("+" if number.startswith("+") else "") + number_text(float(number))
    return _KNOWN.sub(lambda known: translate({**WORDS, **UNITS}[known[0]]), piece[0])
