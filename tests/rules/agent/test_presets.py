"""Presets inside presets, parameters and guards: what they become, and which mistakes are named where."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.guards import DeviceIs, Fact, Measured
from agent.nesting import DEEPEST, MOST_STEPS
from agent.parameters import ParameterSettings, put_in, taken_by
from agent.presets import Preset, presets_of
from agent.roomfile import load
from contract.yamlfile import FileMistakes

HEAD = """\
room: praja-1
name: Ruang Rapat Praja I
time_zone: Asia/Pontianak
central: {broker: "mqtt://127.0.0.1:1883"}
data: data
devices:
  camera-1: {at: "visca+udp://127.0.0.1:52381", required: true}
  obs: {at: "obs+ws://127.0.0.1:4455"}
  projector: {at: "pjlink://127.0.0.1:4352"}
presets:
"""
CAMERA = """\
  bidik:
    label: {id: Bidik}
    parameters:
      posisi: {type: integer, default: 1, range: [1, 9]}
      judul: {type: text, default: Selamat datang}
    steps:
      - {device: camera-1, do: recall, args: {memory: "{posisi}"}, within: 8s}
      - {device: obs, do: text, args: {input: Judul, text: "{judul}, {title}"}}
"""
OUTER = """\
  siap:
    label: {id: Siap}
    parameters:
      kursi: {type: integer, default: 4, range: [1, 9]}
    steps:
      - {device: obs, do: scene, args: {name: Jeda}}
      - {preset: bidik, values: {posisi: "{kursi}"}, optional: true, guard: {fact: session}}
"""


def presets(folder: Path, text: str) -> dict[str, Preset]:
    path = folder / "room.yaml"
    path.write_text(HEAD + text)
    return presets_of(load(path))


def mistakes(folder: Path, text: str) -> list[tuple[int, int, str]]:
    path = folder / "room.yaml"
    path.write_text(HEAD + text)
    with pytest.raises(FileMistakes) as caught:
        load(path)
    return [(m.line - HEAD.count("\n"), m.column, f"{m.where}: {m.text}") for m in caught.value.mistakes]


def told(preset: Preset) -> list[tuple[str, str, dict[str, object]]]:
    return [(step.id, step.verb.name, step.arguments.model_dump(exclude_none=True)) for step in preset.steps]


def test_a_preset_inside_another_is_put_in_with_its_values_guard_and_place(tmp_path: Path) -> None:
    siap = presets(tmp_path, CAMERA + OUTER)["siap"]
    assert told(siap) == [
        ("1", "scene", {"name": "Jeda"}),
        ("2.1", "recall", {"memory": 4}),
        ("2.2", "text", {"input": "Judul", "text": "Selamat datang, {title}"}),
    ]
    assert [step.optional for step in siap.steps] == [False, True, True]
    assert {guard.place for step in siap.steps[1:] for guard in step.guards} == {"2"}
    assert siap.typical == timedelta(seconds=2 + 4 + 2)


def test_a_press_brings_values_and_what_is_not_taken_is_refused(tmp_path: Path) -> None:
    siap = presets(tmp_path, CAMERA + OUTER)["siap"]
    assert told(siap.given({"kursi": 7}))[1] == ("2.1", "recall", {"memory": 7})
    assert siap.given({"kursi": 7}).values == {"kursi": 7}
    for values, says in (
        ({"kursi": 10}, "kursi: wanted a whole number from 1 to 9, got 10"),
        ({"kursi": 2.5}, "got 2.5"),
        ({"kursi": True}, "got True"),
        ({"meja": 1}, "unknown parameter 'meja'; known: kursi"),
    ):
        with pytest.raises(ValueError, match=says.replace("(", "\\(")):
            siap.given(values)


def test_a_guard_asks_a_device_a_measure_or_a_fact(tmp_path: Path) -> None:
    text = """\
  siap:
    label: {id: Siap}
    steps:
      - {device: obs, do: record, args: {on: true}, guard: {device: obs, do: scene, args: {name: Jeda}, is: false}}
      - device: projector
        do: power
        args: {on: true}
        guard: {device: projector, measure: display.power, equals: standby, unknown: run}
      - {device: obs, do: scene, args: {name: Jeda}, guard: {fact: recording}}
"""
    siap = presets(tmp_path, text)["siap"]
    asked = [step.guards[0] for step in siap.steps]
    assert [type(guard.question) for guard in asked] == [DeviceIs, Measured, Fact]
    assert [(guard.wanted, guard.unknown) for guard in asked] == [(False, "refuse"), (True, "run"), (True, "refuse")]
    assert siap.devices == {"obs", "projector"}


FACT = "{fact: session}"
GROUP = "together: [{preset: bidik}]\n      - {device: camera-1"


@pytest.mark.parametrize(
    ("was", "becomes", "at", "says"),
    [
        ("preset: bidik", "preset: bidikk", "preset: bidikk", "unknown preset 'bidikk'; known: bidik"),
        ("values: {posisi", "values: {posizi", "values", "unknown parameter 'posizi'; known: posisi, judul"),
        ("default: 4, range: [1, 9]", "default: 4, range: [1, 12]", "values", "from 1 to 9, got 12"),
        ("default: 1, range: [1, 9]", "default: 1, range: [1, 900]", "memory", "(with {posisi} as 900)"),
        ("default: 1", "default: 11", "default", "wanted a whole number from 1 to 9, got 11"),
        ("[1, 9]", "[9, 1]", "range", "the lowest comes first"),
        ("judul: {type: text, ", "title: {type: text, ", "title", "title is a word of the session's"),
        ("{judul}", "{judull}", "args", "unknown word {judull}; known: posisi, judul, title"),
        ("type: text", "type: teks", "type", "'integer', 'number', 'text' or 'switch'"),
        ("fact: session", "fact: sesion", "fact", "'recording', 'leader', 'session'"),
        (FACT, "{is: true}", "guard", "one of fact, do and measure, found none"),
        (FACT, "{device: obs, do: take}", "do", "take cannot be asked for"),
        (FACT, "{do: scene}", "guard", "device: missing"),
        (FACT, "{device: obs, measure: rtt}", "measure", "one of equals, above and below is missing"),
        (FACT, "{device: tv, measure: rtt, above: 1}", "device: tv", "unknown device 'tv'"),
        ("{device: camera-1", GROUP, "preset", "a preset is no part of a group"),
    ],
)
def test_a_mistake_is_named_where_it_stands(tmp_path: Path, was: str, becomes: str, at: str, says: str) -> None:
    text = (CAMERA + OUTER).replace(was, becomes)
    assert text != CAMERA + OUTER
    found = [
        (text.splitlines()[line - 1][column - 1 :], sentence) for line, column, sentence in mistakes(tmp_path, text)
    ]
    assert any(place.startswith(at) and says in sentence for place, sentence in found), found


def chain(*names: str) -> str:
    calls = zip(names, [*names[1:], None], strict=True)
    return "".join(
        f"  {name}: {{label: {{id: X}}, steps: [{f'{{preset: {called}}}' if called else ''}]}}\n"
        for name, called in calls
    )


def test_a_preset_that_runs_itself_is_named_with_the_way(tmp_path: Path) -> None:
    text = chain("a", "b", "c") + "  d: {label: {id: X}, steps: [{preset: a}]}\n"
    text = text.replace("c: {label: {id: X}, steps: []}", "c: {label: {id: X}, steps: [{preset: a}]}")
    found = mistakes(tmp_path, text)
    assert [(line, sentence.rsplit(": ", 1)[1]) for line, _, sentence in found] == [
        (1, "a > b > c > a"), (2, "b > c > a > b"), (3, "c > a > b > c"),
    ]  # fmt: skip


def test_presets_stand_in_one_another_only_so_deep_and_with_so_many_steps(tmp_path: Path) -> None:
    names = [f"p-{number}" for number in range(DEEPEST + 1)]
    assert presets(tmp_path, chain(*names[:-1]))
    assert [s for _, _, s in mistakes(tmp_path, chain(*names))] == [
        f"presets.p-0: at most {DEEPEST} presets stand in one another, found {DEEPEST + 1}"
    ]
    many = "  a: {label: {id: X}, steps: [" + "{device: camera-1, do: stop}, " * 60 + "]}\n"
    many += "  b: {label: {id: X}, steps: [" + "{preset: a}, " * 4 + "]}\n"
    assert [s for _, _, s in mistakes(tmp_path, many)] == [
        f"presets.b: at most {MOST_STEPS} steps with those inside, found 240"
    ]


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_a_parameter_takes_what_it_says_and_nothing_else(value: object) -> None:
    kinds: tuple[tuple[ParameterSettings, type], ...] = (
        (ParameterSettings(type="integer", default=1, range=(-5, 5)), int),
        (ParameterSettings(type="number", default=0.5, range=(-5, 5)), float),
        (ParameterSettings(type="switch", default=False), bool),
        (ParameterSettings(type="text", default=""), str),
    )
    for parameter, kind in kinds:
        try:
            taken = parameter.taken(value)
        except ValueError:
            continue
        assert isinstance(taken, kind) or (kind is float and isinstance(taken, int))
        assert taken == value
        assert isinstance(taken, str | bool) or -5 <= taken <= 5


@given(st.text(), st.text())
def test_a_text_that_is_put_in_is_never_read_again(first: str, second: str) -> None:
    declared = {name: ParameterSettings(type="text", default="") for name in ("a", "b")}
    try:
        values = taken_by(declared, {"a": first, "b": second})
    except ValueError:
        return
    assert put_in({"text": "{a}-{b}-{title}"}, values) == {"text": f"{first}-{second}-{{title}}"}
    assert put_in({"text": "{a}"}, values) == {"text": first}
