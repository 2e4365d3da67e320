"""What Windows' mixer is asked and what is made of its answers, on a stand-in; no Windows machine was ever at hand."""

from __future__ import annotations

import logging
import sys
import threading
from types import SimpleNamespace

import pytest

from drivers import DeviceAddress, untried
from drivers.audio import windows
from drivers.audio.device import connect
from drivers.audio.system import SoundTrouble
from drivers.errors import AddressError, DeviceUnreachable
from drivers.ports import SoundPort
from tests.wire.audio.com import Endpoint, Machine, install

MIC, SPEAKER = "Mikrofon (USB Audio)", "Speakers (HDMI)"
NAMES = {"microphone": MIC, "speaker": SPEAKER}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    install(machine, monkeypatch)
    return machine


@pytest.fixture
def microphone(machine: Machine) -> Endpoint:
    return machine.plug(MIC, windows.CAPTURE)


@pytest.fixture
def speaker(machine: Machine) -> Endpoint:
    return machine.plug(SPEAKER, windows.RENDER)


def test_a_port_is_the_active_device_of_exactly_that_name(machine: Machine, microphone: Endpoint) -> None:
    mixer = windows.WindowsMixer()
    assert mixer.port("microphone", MIC) == SoundPort("microphone", MIC, True, False, 0.0, False)
    assert not mixer.port("speaker", MIC).present  # a microphone is no loudspeaker
    assert not mixer.port("microphone", "Mikrofon").present
    machine.pull(microphone)
    assert not mixer.port("microphone", MIC).present


def test_two_devices_of_one_name_are_none(machine: Machine, microphone: Endpoint) -> None:
    machine.plug(MIC, windows.CAPTURE)
    with pytest.raises(SoundTrouble, match="twice"):
        windows.WindowsMixer().mute("microphone", MIC, on=True)
    assert not microphone.EndpointVolume.muted


def test_mute_and_gain_are_read_back_in_decibels(speaker: Endpoint) -> None:
    mixer = windows.WindowsMixer()
    assert mixer.mute("speaker", SPEAKER, on=True) is True
    assert speaker.EndpointVolume.muted == 1
    assert mixer.gain("speaker", SPEAKER, -18.5) == -18.5
    assert mixer.port("speaker", SPEAKER) == SoundPort("speaker", SPEAKER, True, True, -18.5, False)


@pytest.mark.parametrize("db", [1.0, -70.0])
def test_a_gain_that_the_device_does_not_have_is_refused_with_its_range(speaker: Endpoint, db: float) -> None:
    with pytest.raises(SoundTrouble, match=r"-65\.2 to 0\.0 dB") as trouble:
        windows.WindowsMixer().gain("speaker", SPEAKER, db)
    assert (trouble.value.code, trouble.value.values["high_db"]) == ("sound.gain_range", 0.0)
    assert speaker.EndpointVolume.db == 0.0


def test_a_default_is_one_for_every_role(machine: Machine, microphone: Endpoint) -> None:
    mixer = windows.WindowsMixer()
    machine.make_default(microphone.id, roles=(0, 1))  # meeting programs ask for the third
    assert mixer.port("microphone", MIC).is_default is False
    assert mixer.make_default("microphone", MIC) == MIC
    assert mixer.port("microphone", MIC).is_default is True


@pytest.mark.usefixtures("speaker")
def test_every_change_is_told(machine: Machine, microphone: Endpoint) -> None:
    changes: list[bool] = []
    kept = windows.watch(NAMES, lambda: changes.append(True))
    for change in (
        lambda: machine.plug("Webcam", windows.CAPTURE),
        lambda: microphone.EndpointVolume.SetMute(1, None),
        lambda: microphone.EndpointVolume.SetMasterVolumeLevel(-3.0, None),
        lambda: machine.make_default(microphone.id),
        lambda: machine.pull(microphone),
    ):
        changes.clear()
        change()
        assert changes
    assert kept


def test_a_call_that_fails_and_a_library_that_is_missing_are_troubles(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.broken = True
    with pytest.raises(SoundTrouble, match="SERVICE_NOT_RUNNING"):
        windows.WindowsMixer().port("microphone", MIC)
    monkeypatch.setitem(sys.modules, "comtypes", None)
    with pytest.raises(SoundTrouble, match="pycaw is wanted"):
        windows.WindowsMixer().port("microphone", MIC)


@pytest.mark.usefixtures("microphone")
def test_each_thread_enters_com_once(machine: Machine) -> None:
    mixer = windows.WindowsMixer()

    def ask_twice() -> None:
        mixer.port("microphone", MIC)
        mixer.port("microphone", MIC)

    ask_twice()
    thread = threading.Thread(target=ask_twice)
    thread.start()
    thread.join()
    assert machine.entered == 2


def test_wasapis_device_is_taken_among_the_four_of_one_name_and_windows_converts_its_rate() -> None:
    settings: list[dict[str, bool]] = []

    def wasapi(**chosen: bool) -> str:
        settings.append(chosen)
        return "settings"

    both = {"max_input_channels": 1, "max_output_channels": 0}
    library = SimpleNamespace(
        query_hostapis=lambda: ({"name": "MME"}, {"name": windows.WASAPI}),
        query_devices=lambda: [{"name": MIC, "hostapi": 0, **both}, {"name": MIC, "hostapi": 1, **both}],
        WasapiSettings=wasapi,
    )
    assert windows.stream_options(library, "microphone", MIC) == {"device": 1, "extra_settings": "settings"}
    assert settings == [{"auto_convert": True}]
    with pytest.raises(SoundTrouble, match="lists no"):
        windows.stream_options(library, "speaker", MIC)


async def test_its_address_takes_windows_names_and_the_log_says_once_that_it_was_never_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    untried.tell_untried.cache_clear()
    address = DeviceAddress.parse("audio+wasapi:///?speaker=Speakers%20(HDMI)&microphone=Mikrofon%20(USB%20Audio)")
    with caplog.at_level(logging.WARNING):
        sound, _ = connect("sound", address, None), connect("sound", address, None)
    assert [record.getMessage() for record in caplog.records] == ["never tried on a real device: sound on Windows"]
    with pytest.raises(DeviceUnreachable) as unreachable:
        await sound.open()
    assert unreachable.value.reason.code == "sound.other_system"
    with pytest.raises(AddressError, match="sound settings"):
        connect("sound", DeviceAddress.parse("audio+wasapi:///?speaker=S"), None)
