"""The collector of a central that serves passes over what lives as long as it."""

from __future__ import annotations

import gc
import weakref

from central.memory import settled
from tests.service.central.test_doors import served


class Ring:
    """Is never let go of but by the collector."""

    def __init__(self) -> None:
        self.itself = self


async def test_what_is_there_before_it_serves_is_passed_over_until_it_ends() -> None:
    before = gc.get_freeze_count()
    async with served():
        assert gc.get_freeze_count() > before + 10_000
    assert gc.get_freeze_count() <= before


def test_what_an_answer_leaves_behind_is_collected_all_the_same() -> None:
    with settled():
        left = weakref.ref(Ring())
        assert left() is not None
        gc.collect()
        assert left() is None
