from __future__ import annotations

import pytest

from webui import i18n
from webui.i18n import Locales, speaking
from webui.limits import DASH, Found, limit_text, value_text

LOCALES = Locales(i18n.KIT)


@pytest.mark.parametrize(
    ("told", "indonesian", "english"),
    [
        (">= 28.5 fps", "≥ 28,5 gambar/s", "≥ 28.5 pictures/s"),
        ("<= 10240 MB", "≤ 10.240 MB", "≤ 10,240 MB"),
        ("< 10 dB over its surroundings", "< 10 dB di atas sekitarnya", "< 10 dB over its surroundings"),
        ("-35 to -14 LUFS, best -23 ± 6", "-35 sampai -14 LUFS, terbaik -23 ± 6", "-35 to -14 LUFS, best -23 ± 6"),
        (">= 12 dB, good from 20", "≥ 12 dB, baik mulai 20", "≥ 12 dB, good from 20"),
        ("< 3 in 60 s", "< 3 dalam 60 s", "< 3 in 60 s"),
        ("1 s of levels", "1 s kadar suara", "1 s of levels"),
        ("rho >= 0.15", "kemiripan dengan yang diputar ≥ 0,15", "likeness to what was played ≥ 0.15"),
        ("+1", "+1", "+1"),
        ("on", "hidup", "on"),
        ("true", "ya", "yes"),
        ("", "", ""),
        ("1280x720@30", "1280x720@30", "1280x720@30"),
        (">= 29.0.2", ">= 29.0.2", ">= 29.0.2"),
        ("Ruang to go / Profil 2", "Ruang to go / Profil 2", "Ruang to go / Profil 2"),
    ],
)
def test_a_limit_is_told_in_the_language_of_the_page(told: str, indonesian: str, english: str) -> None:
    with speaking("id"):
        assert limit_text(told, LOCALES.gettext) == indonesian
    with speaking("en"):
        assert limit_text(told, LOCALES.gettext) == english


@pytest.mark.parametrize(
    ("found", "unit", "shown"),
    [
        (None, "dB", DASH),
        (True, "", "ya"),
        (False, "", "tidak"),
        (-30.256, "deg", "-30,26 °"),
        (1234, "MB", "1.234 MB"),
        ("standby", "", "siaga"),
        ("room_mic", "", "room_mic"),
    ],
)
def test_a_value_is_told_with_its_unit(found: Found, unit: str, shown: str) -> None:
    with speaking("id"):
        assert value_text(found, unit, LOCALES.gettext) == shown
