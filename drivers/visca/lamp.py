"""A tally lamp that stays alight: cameras let it go dark unless they are told again."""

from __future__ import annotations

import asyncio

from drivers.visca.conversation import Conversation, Link
from drivers.visca.session import Order


class Lamp:
    """Tells a camera again and again what its lamp shows, as long as it is lit and the link is up."""

    def __init__(self, talk: Conversation) -> None:
        self._talk = talk
        self._again: asyncio.TimerHandle | None = None

    def keep_lit(self, order: Order, every_s: float) -> None:
        """Send `order` every `every_s` seconds from now on, in place of any order before."""
        self.dark()

        def again() -> None:
            if self._talk.link is Link.UP:
                self._talk.post(order)
                self.keep_lit(order, every_s)

        self._again = asyncio.get_running_loop().call_later(every_s, again)

    def dark(self) -> None:
        """Tell it nothing more."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
