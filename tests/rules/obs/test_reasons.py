"""Whatever may go wrong with OBS can be said to a technician."""

from __future__ import annotations

import re
from pathlib import Path

import drivers.obs
from drivers.obs.supervisor import _MENDED_BY_A_PERSON, _STATE_OF, State
from webui.reasons import SENTENCES

CODES = {
    code
    for path in Path(drivers.obs.__path__[0]).glob("*.py")
    for code in re.findall(r'"(obs\.[a-z_]+)"', path.read_text(encoding="utf-8"))
}


def test_every_reason_has_a_sentence() -> None:
    assert len(CODES) > 40
    assert sorted(CODES - SENTENCES.keys()) == []


def test_states_are_told_by_reasons_that_are_given() -> None:
    assert set(_STATE_OF) <= CODES
    assert _MENDED_BY_A_PERSON <= CODES
    assert set(_STATE_OF.values()) == {State.FROZEN, State.STARTING, State.AUTH, State.VERSION}
