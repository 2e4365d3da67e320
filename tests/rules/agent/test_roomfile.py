"""The room file: what is right loads, what is wrong is named with its place, all at once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from agent.presets import presets_of
from agent.roomfile import load, read_secrets
from contract.yamlfile import FileMistakes

EXAMPLES = sorted(Path("configs/rooms").glob("*.yaml"))

GOOD = """\
room: praja-1
name: Ruang Rapat Praja I
time_zone: Asia/Pontianak
central: {broker: "mqtt://127.0.0.1:1883", credentials: secrets.yaml}
data: data
devices:
  camera-1: {at: "visca+udp://127.0.0.1:52381", required: true}
  obs: {at: "obs+ws://127.0.0.1:4455", password_env: OBS_PASSWORD}
prepare: {lead: 30m, certify: 5m}
presets:
  siap:
    label: {id: Siap, en: Ready}
    steps:
      - {device: camera-1, do: recall, args: {memory: 1}, within: 8s, verify: true}
      - together:
          - {device: camera-1, do: power, args: {on: true}}
          - {device: obs, do: scene, args: {name: Jeda}, undo: {do: scene, args: {name: Hitam}}}
phases: {prepare: siap}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "room.yaml"
    path.write_text(text)
    return path


def mistakes(folder: Path, text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(FileMistakes) as caught:
        load(write(folder, text))
    return [(m.line, m.column, f"{m.where}: {m.text}") for m in caught.value.mistakes]


def test_every_example_loads() -> None:
    assert EXAMPLES
    for path in EXAMPLES:
        room = load(path)
        assert path.stem == room.room
        assert set(presets_of(room)) == set(room.presets)


def test_steps_keep_their_place_limit_and_undo(tmp_path: Path) -> None:
    siap = presets_of(load(write(tmp_path, GOOD)))["siap"]
    assert [step.id for step in siap.steps] == ["1", "2.1", "2.2"]
    assert siap.steps[0].within == timedelta(seconds=8)
    assert siap.steps[2].undo is not None
    assert siap.devices == {"camera-1", "obs"}


def test_a_preset_says_what_it_does_while_others_run_and_where_it_rests(tmp_path: Path) -> None:
    text = GOOD.replace("en: Ready}", "en: Ready}\n    busy: refuse\n    rest: aman")
    aman = "  aman: {label: {id: Aman}, steps: [{device: obs, do: scene, args: {name: Hitam}}]}\n"
    siap = presets_of(load(write(tmp_path, text.replace("phases:", aman + "phases:"))))["siap"]
    assert siap.refuses_when_busy
    assert [(step.id, step.device) for step in siap.rest] == [("rest-1", "obs")]
    assert siap.typical == timedelta(seconds=4) + timedelta(seconds=15)


def test_three_mistakes_are_named_together_with_line_and_column(tmp_path: Path) -> None:
    text = GOOD.replace("lead: 30m", "lead: 30").replace("do: recall", "do: recal").replace("phases:", "fases:")
    found = mistakes(tmp_path, text)
    assert [(line, column) for line, column, _ in found] == [(9, 11), (14, 28), (18, 1)]
    assert "30m" in found[0][2]
    assert "recal" in found[1][2]
    assert "known: power, recall" in found[1][2]
    assert "unknown key" in found[2][2]


@pytest.mark.parametrize(
    ("was", "becomes", "line", "says"),
    [
        ("prepare: siap", "prepare: sipa", 18, "unknown preset 'sipa'"),
        ("{memory: 1}", "{memory: 1000}", 14, "less than or equal to 254"),
        ("{name: Hitam}", '{name: "{titel}"}', 17, "unknown word {titel}; known: title"),
        ("{memory: 1}", "{memori: 1}", 14, "memori: recall: unknown argument"),
        ("device: camera-1, do: power", "device: camera-9, do: power", 16, "unknown device 'camera-9'"),
        ("do: scene, args: {name: Hitam}", "do: scen, args: {name: Hitam}", 17, "unknown verb for a switcher"),
        ("{device: camera-1, do: power, args: {on: true}}", "{device: camera-1, do: stop, verify: true}", 16, "back"),
        ("do: power, args: {on: true}}", "do: store, args: {memory: 1}, retry: 1}", 16, "store is not tried again"),
        ("label: {id: Siap, en: Ready}", "label: {id: Siap}\n    rest: amann", 13, "unknown preset 'amann'"),
        ("visca+udp://127.0.0.1:52381", "visca+udp://127.0.0.1:52381?profil=x", 7, "unknown option 'profil'"),
        ("visca+udp://127.0.0.1:52381", "vizca://127.0.0.1", 7, "no driver for vizca"),
        ("mqtt://127.0.0.1:1883", "mqtt://10.0.0.1:1883", 4, "mqtts://"),
        ("Asia/Pontianak", "Asia/Pontianac", 3, "time zone"),
        ("certify: 5m", "certify: 45m", 9, "certify"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_stands(tmp_path: Path, was: str, becomes: str, line: int, says: str) -> None:
    found = mistakes(tmp_path, GOOD.replace(was, becomes))
    assert {place for place, _, _ in found} == {line}, found
    assert any(says in text for _, _, text in found)


def test_secrets_come_from_the_environment_and_a_file_that_only_we_can_read(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    room, secrets = load(path), tmp_path / "secrets.yaml"
    with pytest.raises(FileMistakes, match=r"room.yaml:8:.*OBS_PASSWORD is not set"):
        read_secrets(path, room, {})
    with pytest.raises(FileMistakes, match=r"room.yaml:4:"):
        read_secrets(path, room, {"OBS_PASSWORD": "rahasia"})
    secrets.write_text("username: praja-1\npassword: sandi-panjang\n")
    secrets.chmod(0o644)
    with pytest.raises(FileMistakes, match="chmod 600"):
        read_secrets(path, room, {"OBS_PASSWORD": "rahasia"})
    secrets.chmod(0o600)
    known = read_secrets(path, room, {"OBS_PASSWORD": "rahasia"})
    assert (known.broker.username, known.broker.password) == ("praja-1", "sandi-panjang")
    assert known.passwords == {"obs": "rahasia"}
    assert "rahasia" not in repr(known)
    assert "sandi" not in repr(known)
