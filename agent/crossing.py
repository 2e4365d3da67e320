"""What one key of a room file says about another: devices and their verbs, presets and their callers.

Works on the plain values, not on the models, so that it finds its mistakes also when the
models found others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec

from pydantic import ValidationError

from agent.nesting import DEEPEST, MOST_PRESETS, MOST_STEPS, Nesting
from agent.parameters import ParameterSettings, Value, mistakes_in, put_in, taken_by
from agent.placeholders import WORDS, unknown
from contract.yamlfile import Location, Mistake, Source
from drivers.address import DeviceAddress
from drivers.errors import AddressError
from drivers.registry import Driver, connect, driver_for
from drivers.verbs import Verb

_WORDS = {"missing": "missing: a value is wanted here", "extra_forbidden": "unknown argument"}

Values = Mapping[str, Value]


class Crossing:
    """Looks through one file."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._devices = _mapping(source.value.get("devices"))
        self._presets = _mapping(source.value.get("presets"))
        self._drivers: dict[object, Driver] = {}
        self._parameters = {name: _declared(_mapping(preset)) for name, preset in self._presets.items()}
        self._found: list[Mistake] = []

    def mistakes(self) -> list[Mistake]:
        """Return what does not fit together."""
        for name, device in self._devices.items():
            self._look_at_device(name, _mapping(device))
        for name, preset in self._presets.items():
            self._look_at_preset(name, _mapping(preset))
        self._look_at_nesting()
        self._look_at_phases()
        self._look_at_checklist()
        return self._found

    def _say(self, location: Location, text: str) -> None:
        self._found.append(self._source.mistake(location, text))

    def _look_at_device(self, name: str, device: Mapping[str, object]) -> None:
        text, location = device.get("at"), ("devices", name, "at")
        if not isinstance(text, str):
            return
        try:
            address = DeviceAddress.parse(text)
            self._drivers[name] = driver_for(address)
            if not _is_installed(self._drivers[name].module):
                self._say(location, f"the driver for {address.scheme}:// is not in this version of Siaga")
                return
            connect(name, address, "set" if device.get("password_env") else None)
        except AddressError as error:
            self._say(location, str(error))

    # Presets.

    def _look_at_preset(self, name: str, preset: Mapping[str, object]) -> None:
        for parameter, declared in self._parameters[name].items():
            where = ("presets", name, "parameters", parameter)
            for key, text in mistakes_in(declared):
                self._say((*where, key), text)
            if parameter in WORDS:
                self._say(where, f"{parameter} is a word of the session's already: {', '.join(WORDS)}")
        rest = preset.get("rest")
        if isinstance(rest, str) and rest not in self._presets:
            self._say(("presets", name, "rest"), _unknown("preset", rest, self._presets))
        for values in _cases(self._parameters[name]):
            self._look_at_steps(("presets", name, "steps"), preset.get("steps"), values)

    def _look_at_steps(self, location: Location, steps: object, values: Values, *, in_group: bool = False) -> None:
        for number, item in enumerate(_list(steps)):
            step, here = _mapping(item), (*location, number)
            if "together" in step:
                self._look_at_steps((*here, "together"), step["together"], values, in_group=True)
            elif "preset" in step:
                self._look_at_nested(here, step, values, in_group=in_group)
            else:
                self._look_at_step(here, step, values)

    def _look_at_nested(
        self, location: Location, step: Mapping[str, object], values: Values, *, in_group: bool
    ) -> None:
        name = step.get("preset")
        if in_group:
            self._say((*location, "preset"), "a preset is no part of a group: put it before or after")
        if not isinstance(name, str):
            return
        if name not in self._presets:
            self._say((*location, "preset"), _unknown("preset", name, self._presets))
            return
        try:
            taken_by(self._parameters[name], put_in(_mapping(step.get("values")), values))
        except ValueError as error:
            self._say((*location, "values"), f"{name}: {error}")
        self._look_at_guard((*location, "guard"), step.get("guard"), values)

    def _look_at_step(self, location: Location, step: Mapping[str, object], values: Values) -> None:
        driver = self._driver_of(location, step.get("device"))
        self._look_at_guard((*location, "guard"), step.get("guard"), values)
        if driver is None:
            return
        verb = self._look_at_verb(location, step, driver, values)
        if verb is not None and step.get("verify") is True and verb.read_back is None:
            self._say((*location, "verify"), f"{verb.name} cannot be verified: it has nothing to read back")
        if verb is not None and step.get("retry") and not verb.repeatable:
            self._say((*location, "retry"), f"{verb.name} is not tried again: telling it twice does something twice")
        if "undo" in step:
            self._look_at_verb((*location, "undo"), _mapping(step["undo"]), driver, values)

    def _driver_of(self, location: Location, device: object) -> Driver | None:
        if isinstance(device, str) and device not in self._devices:
            self._say((*location, "device"), _unknown("device", device, self._devices))
        return self._drivers.get(device)

    def _look_at_verb(
        self, location: Location, step: Mapping[str, object], driver: Driver, values: Values
    ) -> Verb | None:
        name = step.get("do")
        if not isinstance(name, str):
            return None
        if name not in driver.verbs:
            self._say((*location, "do"), _unknown(f"verb for a {driver.port.__name__.lower()}", name, driver.verbs))
            return None
        verb = driver.verbs[name]
        told = put_in(_mapping(step.get("args")), values)
        try:
            for word in unknown(verb.arguments.model_validate(told)):
                known = ", ".join((*values, *WORDS))
                self._say((*location, "args"), f"{name}: unknown word {{{word}}}; known: {known}")
        except ValidationError as error:
            for found in error.errors():
                words = _WORDS.get(found["type"], found["msg"].lower())
                self._say((*location, "args", *found["loc"]), f"{name}: {words}{_with(told, found['loc'], step)}")
        return verb

    # Guards.

    def _look_at_guard(self, location: Location, plain: object, values: Values) -> None:
        guard = _mapping(plain)
        if not guard:
            return
        asked = [key for key in ("fact", "do", "measure") if key in guard]
        if len(asked) != 1:
            self._say(location, f"a guard asks one of fact, do and measure, found {' and '.join(asked) or 'none'}")
            return
        if asked == ["fact"]:
            if "device" in guard:
                self._say((*location, "device"), "a fact is asked of no device")
            return
        if "device" not in guard:
            self._say(location, f"device: missing: whom to ask for {asked[0]}")
            return
        driver = self._driver_of(location, guard["device"])
        if asked == ["do"] and driver is not None:
            verb = self._look_at_verb(location, guard, driver, values)
            if verb is not None and verb.read_back is None:
                self._say((*location, "do"), f"{verb.name} cannot be asked for: it has nothing to read back")
        if asked == ["measure"] and not {"equals", "above", "below"} & set(guard):
            self._say((*location, "measure"), "what is wanted of it? one of equals, above and below is missing")

    # What stands around.

    def _look_at_nesting(self) -> None:
        if len(self._presets) > MOST_PRESETS:
            self._say(("presets",), f"at most {MOST_PRESETS} presets, found {len(self._presets)}")
            return
        steps = {name: list(_items(_mapping(preset).get("steps"))) for name, preset in self._presets.items()}
        calls = {name: tuple(c for _, c in found if c is not None) for name, found in steps.items()}
        nesting = Nesting(calls, {name: sum(1 for _, c in found if c is None) for name, found in steps.items()})
        for name, found in steps.items():
            for place, called in found:
                if called is not None and (way := nesting.circle(name, called)):
                    self._say(("presets", name, "steps", *place, "preset"), f"runs itself: {' > '.join(way)}")
            if not nesting.is_endless(name):
                self._look_at_size(name, nesting)

    def _look_at_size(self, name: str, nesting: Nesting) -> None:
        depth, steps = nesting.measured(name)
        if depth > DEEPEST:
            self._say(("presets", name), f"at most {DEEPEST} presets stand in one another, found {depth}")
        elif steps > MOST_STEPS:
            self._say(("presets", name), f"at most {MOST_STEPS} steps with those inside, found {steps}")

    def _look_at_phases(self) -> None:
        for phase, preset in _mapping(self._source.value.get("phases")).items():
            if isinstance(preset, str) and preset not in self._presets:
                self._say(("phases", phase), _unknown("preset", preset, self._presets))

    def _look_at_checklist(self) -> None:
        seen: set[object] = set()
        for number, item in enumerate(_list(self._source.value.get("checklist"))):
            name = _mapping(item).get("id")
            if name in seen:
                self._say(("checklist", number, "id"), f"{name} stands twice")
            seen.add(name)


def _items(steps: object) -> Iterator[tuple[Location, str | None]]:
    """Yield the place of each step, and whom it calls; none: it is a device's."""
    for number, item in enumerate(_list(steps)):
        step = _mapping(item)
        if "together" in step:
            yield from (((number, "together", n), None) for n, _ in enumerate(_list(step["together"])))
        else:
            called = step.get("preset")
            yield (number,), called if isinstance(called, str) else None


def _declared(preset: Mapping[str, object]) -> dict[str, ParameterSettings]:
    """Return the parameters that can be read; of the others the models tell."""
    found: dict[str, ParameterSettings] = {}
    for name, plain in _mapping(preset.get("parameters")).items():
        try:
            found[str(name)] = ParameterSettings.model_validate(plain)
        except ValidationError:
            continue
    return found


def _cases(declared: Mapping[str, ParameterSettings]) -> Iterator[Values]:
    """Yield values to try the steps with: the defaults, then each parameter at its limits."""
    usual = {name: parameter.default for name, parameter in declared.items()}
    yield usual
    for name, parameter in declared.items():
        yield from (usual | {name: value} for value in parameter.extremes() if value != parameter.default)


def _with(told: Mapping[str, object], location: tuple[int | str, ...], step: Mapping[str, object]) -> str:
    """Return which value was put in where a parameter stands, for the message."""
    name = location[0] if location else None
    written = _mapping(step.get("args")).get(str(name))
    found = told.get(str(name))
    return f" (with {written} as {found})" if isinstance(written, str) and written != found else ""


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _unknown(what: str, name: str, known: Mapping[str, object]) -> str:
    return f"unknown {what} {name!r}; known: {', '.join(map(str, known)) or 'none'}"


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
