"""The same cases over the room model and a live sound server: they may not answer differently."""

from __future__ import annotations

import asyncio

import pytest

from drivers import Condition, DeviceAddress, Measure, Outcome, Verdict
from drivers.audio.device import RoomSound, connect
from drivers.errors import AddressError, DeviceRefused, DriverError
from drivers.ports import DefaultDevices, MutesAll, Sound
from drivers.verbs import VERBS, Nothing, PortName
from tests.until import until
from tests.wire.audio.houses import House


def option(address: str, text: str) -> DeviceAddress:
    return DeviceAddress.parse(f"{address}{'&' if '?' in address else '?'}{text}")


async def finding(sound: RoomSound, name: str) -> Measure | None:
    """Return one measure of a check; none while the worker starts afresh."""
    try:
        health = await sound.check()
    except DriverError:
        return None
    return next((measure for measure in health.measures if measure.name == name), None)


async def ends_in(sound: RoomSound, name: str, code: str) -> Measure:
    found: list[Measure] = []

    async def says_so() -> bool:
        measure = await finding(sound, name)
        if measure is None or measure.reason is None or measure.reason.code != code:
            return False
        found.append(measure)
        return True

    await until(says_so, within_s=15)
    return found[0]


async def test_ports_and_levels(heard: RoomSound) -> None:
    assert isinstance(heard, Sound)
    assert isinstance(heard, DefaultDevices)
    assert isinstance(heard, MutesAll)
    microphone, speaker = await heard.inventory()
    assert (microphone.name, speaker.name) == ("microphone", "speaker")
    assert microphone.present
    assert speaker.present
    await until(lambda: len(heard._link.readings()) >= 20)
    assert not heard._link.readings()[-1].level.digital_zero


async def test_settings_are_read_back(heard: RoomSound) -> None:
    for on in (True, False):
        assert (await heard.mute("microphone", on)).read_back == {"muted": on}
    gained = await heard.gain("speaker", -12.0)
    assert gained.read_back["gain_db"] == pytest.approx(-12, abs=0.1)
    assert (await heard.inventory())[1].gain_db == pytest.approx(-12, abs=0.1)


async def test_all_is_muted_in_one_action_and_a_verb_sees_it(heard: RoomSound) -> None:
    verb = VERBS[MutesAll]["mute-all"]
    result = await verb.run(heard, Nothing())
    assert (result.outcome, result.read_back) == (Outcome.COMPLETED, {"microphone": True, "speaker": True})
    assert [port.muted for port in await heard.inventory()] == [True, True]
    assert verb.read_back is not None
    assert (await verb.read_back(heard, Nothing())).matches
    await heard.mute("speaker", on=False)
    back = await verb.read_back(heard, Nothing())
    assert (back.matches, back.values) == (False, {"open": "speaker"})


async def test_muting_all_without_a_microphone_mutes_the_rest_and_says_what_is_missing(
    heard: RoomSound, house: House
) -> None:
    house.unplug()
    await ends_in(heard, "microphone.present", "sound.device_missing")
    with pytest.raises(DeviceRefused, match=r"microphone.*missing.*speaker"):
        await heard.mute_all()
    assert (await heard.inventory())[1].muted


async def test_a_default_that_somebody_changes_is_told_and_found(heard: RoomSound, house: House) -> None:
    verb = VERBS[DefaultDevices]["default"]
    assert await finding(heard, "microphone.default") is None  # nobody has said what it should be
    result = await verb.run(heard, PortName(port="microphone"))
    assert (result.outcome, result.read_back) == (Outcome.COMPLETED, {"default": True})
    measure = await finding(heard, "microphone.default")
    assert measure is not None
    assert measure.verdict is Verdict.PASS
    told = asyncio.Event()
    heard._link.on_changed = told.set
    house.take_default()
    async with asyncio.timeout(5):
        await told.wait()
    found = await ends_in(heard, "microphone.default", "sound.default_other")
    assert found.verdict is Verdict.WARN
    assert verb.read_back is not None
    assert not (await verb.read_back(heard, PortName(port="microphone"))).matches
    await heard.make_default("microphone")
    assert (await heard.inventory())[0].is_default


async def test_the_address_can_say_which_devices_are_the_defaults(house: House) -> None:
    sound = connect("sound", option(house.address, "default=microphone"), None)
    await sound.open()
    try:
        await sound.make_default("microphone")
        house.take_default()
        await ends_in(sound, "microphone.default", "sound.default_other")
        assert await finding(sound, "speaker.default") is None
    finally:
        await sound.close()


async def test_a_device_that_the_room_can_do_without_is_missed_without_a_fault(house: House) -> None:
    house.unplug()
    sound = connect("sound", option(house.address, "optional=microphone"), None)
    await sound.open()
    try:
        health = await sound.check()
        assert health.condition is Condition.DEGRADED
        assert health.reason is not None
        assert health.reason.code == "sound.device_missing"
        assert (await sound.mute_all()).read_back == {"speaker": True}
    finally:
        await sound.close()


@pytest.mark.parametrize("text", ["default=all", "optional=line", "optional="])
def test_other_words_in_the_address_are_refused(text: str) -> None:
    with pytest.raises(AddressError, match="microphone, speaker or both"):
        connect("sound", option("audio+model://127.0.0.1:5", text), None)


async def test_loudspeaker_is_heard_until_its_path_is_cut(heard: RoomSound, house: House) -> None:
    def heard_it(measures: tuple[Measure, ...]) -> Measure:
        return next(measure for measure in measures if measure.name == "loop.heard")

    assert heard_it(await heard.prove(loop=True)).verdict is Verdict.PASS
    house.cut_path()
    silent = heard_it(await heard.prove(loop=True))
    assert (silent.verdict, silent.reason and silent.reason.code) == (Verdict.FAIL, "sound.not_heard")


async def test_muted_by_hand_is_told_and_nothing_is_played(heard: RoomSound, house: House) -> None:
    told = asyncio.Event()
    heard._link.on_changed = told.set
    house.mute_by_hand(on=True)
    async with asyncio.timeout(5):
        await told.wait()
    loop = next(measure for measure in await heard.prove(loop=True) if measure.name == "loop.heard")
    assert (loop.verdict, loop.reason and loop.reason.code) == (Verdict.UNPROVEN, "sound.port_muted")


async def test_unplugged_microphone_is_told_missed_and_taken_up_again(heard: RoomSound, house: House) -> None:
    told = asyncio.Event()
    heard._link.on_changed = told.set
    house.unplug()
    async with asyncio.timeout(5):
        await told.wait()
    await ends_in(heard, "microphone.present", "sound.device_missing")
    house.plug()

    async def hears_again() -> bool:
        measure = await finding(heard, "microphone.signal")
        return measure is not None and measure.verdict is Verdict.PASS

    await until(hears_again, within_s=15)


async def test_suspended_microphone_is_named_and_goes_on_by_itself(heard: RoomSound, house: House) -> None:
    house.suspend(on=True)
    found = await ends_in(heard, "microphone.signal", "sound.suspended")
    assert found.verdict is Verdict.FAIL
    assert heard._link.unwanted_ends() == 0  # a new worker would hear no more
    house.suspend(on=False)
    await until(lambda: bool(heard._link.readings()), within_s=10)


async def test_a_careful_gain_goes_up_six_decibels_at_most(heard: RoomSound) -> None:
    await heard.gain("speaker", -20.0)
    with pytest.raises(DeviceRefused, match="6 dB") as refused:
        await heard.gain("speaker", -10.0, careful=True)
    assert (refused.value.reason.code, refused.value.reason.values["most_db"]) == ("sound.too_big_a_step", 6)
    assert (await heard.inventory())[1].gain_db == pytest.approx(-20, abs=0.1)
    for db in (-14.0, -8.0, -60.0):
        assert (await heard.gain("speaker", db, careful=True)).read_back["gain_db"] == pytest.approx(db, abs=0.1)
    await heard.gain("speaker", 0.0)
