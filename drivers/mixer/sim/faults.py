"""What may be wrong with a simulated mixer; may be turned while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Faults:
    """Switches; all off at first."""

    slow: int = 0
    """Every answer comes so many milliseconds late."""
    half_line: bool = False
    """Of each answer only the first half comes."""
    drop: bool = False
    """The link is cut and nothing answers."""
    wrong_mute: bool = False
    """A mute is acknowledged and not done."""

    def fault(self, name: str, value: str) -> None:
        """Switch by name.

        Raises:
            ValueError: names what there is.
        """
        if name == "slow" and value.isdigit():
            self.slow = int(value)
        elif name in {"half_line", "drop", "wrong_mute"} and value in {"on", "off"}:
            setattr(self, name, value == "on")
        else:
            raise ValueError(f"fault must be slow=MILLISECONDS or half_line|drop|wrong_mute=on|off, got {name}={value}")
