"""What central is told of a preset: everything that somebody far away must know to fill in its values."""

from __future__ import annotations

from agent.roomfile import PresetSettings
from agent.translate import offered
from contract.messages import OfferedParameter


def test_a_presets_values_are_told_with_their_kind_limits_and_words() -> None:
    declared = {
        "posisi": {"type": "integer", "default": 2, "range": [1, 6], "label": {"id": "Posisi", "en": "Position"}},
        "layar": {"type": "text", "default": "Jeda", "choices": ["Jeda", "Utama"]},
    }
    settings = PresetSettings.model_validate({"label": {"id": "Sorot", "en": "Spotlight"}, "parameters": declared})
    told = offered("sorot", settings)
    position, screen = told.parameters
    assert (told.name, told.label["en"]) == ("sorot", "Spotlight")
    assert position == OfferedParameter(
        name="posisi", type="integer", default=2, lowest=1, highest=6, label={"id": "Posisi", "en": "Position"}
    )
    assert (screen.type, screen.default, screen.choices, screen.lowest) == ("text", "Jeda", ("Jeda", "Utama"), None)
