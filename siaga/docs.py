"""Documents made from the code: `python -m siaga.docs` writes them, a test holds them equal.

The JSON Schemas let an editor complete and check the files people write; the diagram is
drawn from the very table that the engine follows, and the VISCA reference is the driver's
own tables.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel

from agent.roomfile import RoomFile
from agent.session import TRANSITIONS
from central.settings import CentralFile, Policy
from drivers.visca.reference import reference

DOCS = Path(__file__).resolve().parent.parent / "docs"

SCHEMAS: dict[str, type[BaseModel]] = {"room": RoomFile, "central": CentralFile, "policy": Policy}


_TIMES = """
What moves it, and when (`agent/plan.py`, which is asked at least once a second):

| When | What |
|---|---|
| `prepare_at` | `prepare`: the preset of the phase runs, and runs again ever more seldom, until it is good |
| 30, 15 and `certify` minutes before the start | readiness is certified; again after a device changed or a preset ran |
| the start | `start`, whatever is ready; a preparation that still runs is waited for 60 s |
| the end | `end`; with `over_run` it goes on until the next session's preparation, or until somebody ends it |
| a phase two minutes late | each step is run, left out or asked about, as its `late` says |
| the end preset is over, or a person cancelled it | `put_away`, then the report |

What a person cancelled does not begin again by itself. The next session waits until the room is free; what it needs
stays on ([room file](room-file.md#the-timeline)).
"""


def schema(model: type[BaseModel]) -> str:
    """Return the JSON Schema of a file people write."""
    return json.dumps(model.model_json_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def session_diagram() -> str:
    """Return the life of a session as a page with a Mermaid diagram."""
    arrows = "\n".join(f"    {before} --> {after}: {event}" for (before, event), after in TRANSITIONS.items())
    return (
        "# The life of a session in its room\n\n"
        "Drawn from the table in `agent/session.py`, which says in prose why it is so.\n\n"
        f"```mermaid\nstateDiagram-v2\n    [*] --> planned\n{arrows}\n"
        "    reported --> [*]\n    cancelled --> [*]\n```\n" + _TIMES
    )


def documents() -> dict[Path, str]:
    """Return every document by its path."""
    schemas = {DOCS / "schema" / f"{name}.json": schema(model) for name, model in SCHEMAS.items()}
    return {**schemas, DOCS / "session.md": session_diagram(), DOCS / "visca.md": reference()}


def main() -> None:
    """Write them."""
    for path, text in documents().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
