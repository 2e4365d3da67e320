"""How PortAudio's ALSA side is shown two devices of a PulseAudio server and nothing else."""

from __future__ import annotations

import os
from typing import Any

from drivers.audio.model import MICROPHONE

_SPEAKER_NODE = "siaga_speaker"
_MICROPHONE_NODE = "siaga_microphone"


def prepare(speaker: str, microphone: str) -> None:
    """Point ALSA at a configuration in memory that holds our two devices by their exact names.

    PortAudio then probes nothing else, which is fast and cannot open somebody's sound
    card. The default entries are there because ALSA's absence of them ends in an abort.
    """
    nodes = (
        f'pcm.{_SPEAKER_NODE} {{ type asym playback.pcm {{ type pulse device "{speaker}" }} }}\n'
        f'pcm.{_MICROPHONE_NODE} {{ type asym capture.pcm {{ type pulse device "{microphone}" }} }}\n'
        "pcm.!default { type pulse }\nctl.!default { type pulse }\n"
    )
    file = os.memfd_create("asound.conf")
    os.write(file, nodes.encode())
    os.environ["ALSA_CONFIG_PATH"] = f"/proc/self/fd/{file}"


def stream_options(_library: Any, port: str, _device: str) -> dict[str, object]:
    """Return the node of a port."""
    return {"device": _MICROPHONE_NODE if port == MICROPHONE else _SPEAKER_NODE}
