"""Each simulated camera that says who it is gets the profile that was written for it."""

from __future__ import annotations

import pytest

from drivers.visca.profiles import profile_for
from drivers.visca.sim.models import MODELS
from drivers.visca.table import Version

SAYS_NOTHING = {
    "ptzoptics-g2",
    "ptzoptics-g3",
    "ptzoptics-move",
    "marshall",
    "avonic",
    "huddlecam",
    "cisco",
    "newtek",
    "generic",
}
"""Their makers print no codes, or the seven bytes mean something else; the address has to name the profile."""
SHARED = {"brc-h800": "brc-x1000"}


@pytest.mark.parametrize("name", sorted(set(MODELS) - SAYS_NOTHING))
def test_a_camera_that_says_who_it_is_gets_its_profile(name: str) -> None:
    assert profile_for(Version.parse(MODELS[name].version)).name == SHARED.get(name, name)


@pytest.mark.parametrize("name", sorted(SAYS_NOTHING))
def test_a_camera_that_does_not_say_who_it_is_gets_the_careful_one(name: str) -> None:
    assert profile_for(Version.parse(MODELS[name].version)).name == "generic"
