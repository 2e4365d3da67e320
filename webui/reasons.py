"""Machine reasons as sentences for people.

Drivers and rooms say why something is not well as a stable code with named values. Here a
code becomes a sentence in the reader's language. A code without a sentence, or one whose
values are not as expected, is shown by its English detail: less comfortable, never empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from webui.i18n import N_

Translate = Callable[[str], str]


class Reason(Protocol):
    """Why something is not well; `drivers.outcomes.Reason` and the contract's are such."""

    @property
    def code(self) -> str:
        """Dotted and stable."""

    @property
    def detail(self) -> str:
        """Plain English, for logs."""

    @property
    def values(self) -> Mapping[str, object]:
        """What the sentence needs, by name."""


SENTENCES: dict[str, str] = {
    "link.unreachable": N_("No link to %(where)s: check address, power and cable"),
    "link.broken": N_("The link to %(where)s broke"),
    "link.bad_answer": N_("What answers is not understood"),
    "link.password_wanted": N_("The device wants a password"),
    "link.password_wrong": N_("The device refuses the password"),
    "camera.no_answer": N_("The camera does not answer: check address, power and cable"),
    "camera.no_acknowledgement": N_("The camera did not confirm the command"),
    "camera.no_completion": N_("The camera took the command and never said that it was done"),
    "camera.not_open": N_("There is no link to the camera"),
    "camera.in_standby": N_("The camera is in standby"),
    "camera.power_not_reached": N_("The camera did not switch in time"),
    "camera.not_executable": N_("The camera cannot do that now"),
    "camera.busy": N_("The camera is busy"),
    "camera.syntax": N_("The camera does not know the command"),
    "camera.refused": N_("The camera refused the command"),
    "camera.cancelled": N_("The command was taken back"),
    "camera.superseded": N_("A newer command took its place"),
    "camera.malformed_answer": N_("The camera answers in a way that is not understood"),
    "camera.unknown": N_("There is no such camera"),
    "camera.bad_speed": N_("The camera cannot move at that speed"),
    "camera.slow": N_("The camera took %(rtt_ms)s ms to answer"),
    "camera.held_by": N_("Somebody else is moving the camera (%(owner)s)"),
    "camera.not_stopping": N_("The camera goes on moving after it was stopped: stop it by hand"),
    "camera.cut_off": N_("The link to the camera was lost while it moved: see whether it stands"),
    "camera.cut_off_stopped": N_("The link to the camera was lost while it moved, and it was stopped"),
    "camera.stopped_by_watchdog": N_("This machine stood still, and the camera was stopped by its safety thread"),
    "camera.not_where_stored": N_("The camera is not where the position was stored"),
    "camera.outside_limits": N_("That place is outside the limits set for this room"),
    "camera.blind": N_("The camera cannot answer, so nothing is known of it"),
    "camera.no_limits": N_("The camera cannot keep the limits set for this room"),
    "camera.still_moving": N_("The camera did not come to rest"),
    "camera.no_profile_speed": N_("The speeds of this camera are not known, so a bounded drive is not possible"),
    "serial.missing": N_("%(where)s is not there: plug in the adapter, or look for its name"),
    "serial.forbidden": N_("This user may not open %(where)s"),
    "serial.taken": N_("Another program has opened %(where)s"),
    "serial.no_port": N_("%(where)s is no serial port"),
    "serial.stuck": N_("%(where)s takes no bytes: check adapter and cable"),
    "serial.unplugged": N_("%(where)s was unplugged"),
    "serial.no_server": N_("No serial server answers at %(where)s"),
    "chain.no_answer": N_("No camera answers on %(where)s at %(baud)s baud: check speed and cable"),
    "chain.no_camera": N_("No camera has taken a number on %(where)s"),
    "chain.too_short": N_("%(where)s has %(cameras)s cameras, number %(address)s is wanted"),
    "chain.twice": N_("Number %(address)s on %(where)s is in use already"),
    "chain.other_baud": N_("%(where)s is open at another speed"),
    "chain.changed": N_("The cameras on %(where)s changed: there were %(before)s, now %(cameras)s"),
    "display.no_such_input": N_("The display has no such input"),
    "display.not_taken": N_("The display did not change its input"),
    "display.not_there": N_("The display did not switch in time"),
    "display.refused": N_("The display refused the command"),
    "power.fault": N_("The power switch reports a fault: %(error)s"),
    "power.not_taken": N_("The outlet did not switch"),
    "power.refused": N_("The power switch refused the command"),
    "obs.bad_answer": N_("OBS answers in a way that is not understood"),
    "obs.closed": N_("The link to OBS is closed"),
    "obs.not_open": N_("The link to OBS is closed"),
    "obs.lost": N_("The link to OBS broke"),
    "obs.no_answer": N_("OBS does not answer"),
    "obs.not_obs": N_("What answers at that address is not OBS"),
    "obs.wrong_password": N_("OBS refuses the password"),
    "obs.refused": N_("OBS refused the command"),
    "obs.scene_missing": N_("OBS has no such scene"),
    "obs.busy": N_("OBS is busy"),
    "obs.frozen": N_("OBS accepts the link and then says nothing: it hangs"),
    "obs.input_missing": N_("OBS has no such input"),
    "obs.input_without_sound": N_("That input of OBS has no sound"),
    "obs.not_taken": N_("OBS accepted the command and did not do it"),
    "obs.record_not_started": N_("OBS did not start recording"),
    "obs.stuck": N_("OBS takes no more commands"),
    "obs.too_old": N_("OBS %(version)s is too old"),
    "obs.slow": N_("OBS shows only %(fps)s pictures a second"),
    "obs.slow_answer": N_("OBS took %(rtt_ms)s ms to answer"),
    "obs.just_started": N_("OBS has just started, its speed cannot be judged yet"),
    "obs.render_lag": N_("OBS drops %(pct)s %% of its pictures"),
    "obs.record_folder_missing": N_("The recording folder is missing"),
    "obs.disk_low": N_("Only %(free_mb)s MB left for recording"),
    "obs.quit": N_("OBS was closed: start it on the room's computer"),
    "obs.kicked": N_("Somebody at OBS ended the link in its WebSocket window"),
    "obs.rpc_version": N_("OBS speaks another version of its protocol"),
    "obs.starting": N_("OBS is still starting"),
    "obs.closing": N_("OBS is being closed"),
    "obs.source_missing": N_("OBS has no source “%(source)s” there"),
    "obs.no_picture": N_("“%(source)s” gives no picture: check the camera or the file behind it"),
    "obs.not_in_studio_mode": N_("OBS has a preview only in studio mode"),
    "obs.transition_missing": N_("OBS has no such transition"),
    "obs.transition_fixed": N_("The duration of “%(transition)s” cannot be set"),
    "obs.record_empty": N_("OBS says that it records, but nothing is written: check disk and encoder"),
    "obs.disk_full": N_("The recording disk is full: %(free_mb)s MB left"),
    "obs.not_recording": N_("OBS is not recording"),
    "obs.pause_impossible": N_(
        "This recording cannot be paused: it shares the stream's encoder (Settings > Output > Recording Quality)"
    ),
    "obs.no_stream_service": N_("No stream service or key is set in OBS (Settings > Stream)"),
    "obs.stream_not_started": N_("The stream did not start: check service, key and network, and OBS's screen"),
    "obs.stream_empty": N_("OBS says that it streams, but nothing is sent"),
    "obs.no_virtual_camera": N_("OBS has no virtual camera: install its driver on the room's computer"),
    "obs.virtual_camera_not_started": N_("OBS accepted the command, but its virtual camera did not start"),
    "obs.no_replay_buffer": N_("The replay buffer is not set up (Settings > Output)"),
    "obs.replay_not_started": N_("The replay buffer did not start: check the recording folder and the encoder"),
    "obs.replay_off": N_("The replay buffer is off"),
    "obs.replay_paused": N_("No replay can be saved while the recording is paused"),
    "obs.replay_not_saved": N_("OBS accepted the command, but saved no replay"),
    "obs.not_text": N_("“%(input)s” is no text source"),
    "obs.text_from_file": N_("“%(input)s” takes its text from a file: turn that off in its properties"),
    "obs.not_media": N_("“%(input)s” is no media source"),
    "obs.media_not_playing": N_("“%(input)s” does not play: check its file"),
    "obs.hotkey_missing": N_("OBS has no such hotkey"),
    "obs.hotkey_ambiguous": N_("Several sources have a hotkey “%(hotkey)s”"),
    "obs.superseded": N_("It was stopped before it had started"),
    "obs.still_starting": N_("OBS is still starting it and cannot stop it yet"),
    "obs.hotkey_has_verb": N_("Use the verb “%(verb)s” instead of this hotkey"),
    "obs.collection_missing": N_("OBS has no such scene collection"),
    "obs.profile_missing": N_("OBS has no such profile"),
    "obs.outputs_running": N_("Not while OBS is still busy with: %(running)s"),
    "obs.dialog_open": N_("OBS probably shows a question on the room's screen: answer it there"),
    "obs.other_setup": N_("OBS has loaded “%(found)s”; choose “%(wanted)s” in its menus"),
    "obs.other_canvas": N_("OBS draws %(found)s; set %(wanted)s under Settings > Video"),
    "obs.scenes_missing": N_("OBS lacks scenes that presets ask for: %(scenes)s"),
    "obs.scene_twins": N_("Scenes in OBS differ from a preset's only in case or spaces: %(scenes)s. Rename them"),
    "obs.sources_dead": N_("Nothing is behind these sources in OBS: %(sources)s. Check cable, device and file"),
    "obs.sources_missing": N_("OBS lacks sources that presets show or hide: %(sources)s"),
    "obs.clip_unproven": N_("These clips were never played, so nobody knows whether they will: %(sources)s"),
    "obs.picture_black": N_("“%(source)s” is black: check its cover, power and light"),
    "obs.picture_frozen": N_("“%(source)s” stands still: pull its cable and plug it in again"),
    "obs.picture_unproven": N_("“%(source)s” was not looked at long enough"),
    "obs.camera_rests": N_("“%(source)s” is off while it is not on air, so it could not be checked"),
    "obs.virtual_camera_off": N_("The virtual camera does not run"),
    "obs.encode_lag": N_("The encoder loses %(pct)s %% of the pictures: choose a faster encoder setting"),
    "obs.frame_slow": N_("OBS needs %(ms)s ms for a picture: close other programs or lower the canvas"),
    "obs.cpu_busy": N_("OBS takes %(pct)s %% of the computer: close other programs"),
    "obs.memory_grows": N_("OBS has grown by %(grown_mb)s MB: restart it before the session"),
    "obs.disk_short": N_("%(free_mb)s MB left, %(minutes)s minutes of recording need %(need_mb)s MB: make room"),
    "obs.inputs_missing": N_("OBS lacks sound inputs that presets ask for: %(inputs)s"),
    "obs.mute_differs": N_("Muted in OBS otherwise than it should be: %(inputs)s"),
    "obs.fader_low": N_("The fader in OBS is nearly closed: %(inputs)s"),
    "obs.no_levels": N_("OBS tells no level of %(inputs)s"),
    "obs.microphone_dead": N_(
        "Nothing at all arrives from “%(input)s” in OBS: switched off, unplugged, or the wrong device"
    ),
    "obs.microphone_quiet": N_("Only %(dbfs)s dBFS arrive from “%(input)s” in OBS: speak, or turn its gain up"),
    "obs.microphone_clips": N_("“%(input)s” is too loud in OBS: turn its gain down"),
    "obs.recording_off": N_("OBS is not recording, and it should"),
    "obs.recording_on": N_("OBS is recording, and it should not"),
    "obs.stream_off": N_("OBS is not streaming, and it should"),
    "obs.stream_on": N_("OBS is streaming, and it should not"),
    "obs.stream_congested": N_("The stream hardly gets through the network: congestion %(pct)s %%"),
    "obs.studio_mode_on": N_("Studio mode is on: a click in OBS does not go on air at once. Switch it off"),
    "obs.other_hands": N_("Somebody else switched the scene %(count)s times within a minute"),
    "obs.not_told": N_("OBS did not tell this"),
    "obs.inspected_long_ago": N_("The last thorough look at OBS is too long ago"),
    "obs.ended_silent": N_("OBS ran and answered nobody, so it was ended to be started anew"),
    "obs.runs_silent": N_(
        "OBS runs, but has not opened its port for %(seconds)s s: answer the question on the room's screen"
    ),
    "obs.record_disk_low": N_("Only %(free_mb)s MB left while recording: make room, or the recording breaks off"),
    "obs.record_path_unknown": N_("Not proven: OBS did not say where the recording is"),
    "obs.record_unreadable": N_("The recording cannot be read: %(path)s"),
    "obs.record_gone": N_("The recording is not where OBS wrote it: %(path)s"),
    "obs.record_streams": N_("The recording has %(video)s pictures and %(sound)s sounds; one of each is wanted"),
    "obs.split_impossible": N_("OBS cannot split recordings: choose the output mode Advanced, and Standard recordings"),
    "obs.record_short": N_("The recording has %(found_s)s s, %(wanted_s)s s were recorded"),
    "obs.record_silent": N_("The recording is silent: the loudest is %(db)s dB"),
    "obs.record_black": N_("The recording is black"),
    "obs.record_not_sampled": N_("The recording could not be listened to or looked at"),
    "obs.record_length_unknown": N_("Nobody saw this recording begin, so its length proves nothing"),
    "obs.record_elsewhere": N_("Not proven: the recording is on another machine"),
    "obs.no_ffmpeg": N_("Not proven: ffmpeg is not installed on the room's computer"),
    "mixer.slow": N_("The mixer answers slowly: check the network"),
    "mixer.no_answer": N_("The mixer at %(where)s does not answer: check address, power and cable"),
    "mixer.no_channels": N_("The room names no channels of its mixer"),
    "mixer.still_open": N_("Not proved to be muted: %(channels)s. Mute them at the mixer"),
    "mixer.too_big_a_step": N_("At most %(most_db)s dB louder at once"),
    "mixer.not_read_back": N_("The mixer was told, but nobody knows whether it did it"),
    "mixer.not_taken": N_("The mixer did not take the setting"),
    "mixer.all_muted": N_("Everything was muted meanwhile"),
    "mixer.refused": N_("The mixer refused the command: %(answer)s"),
    "mixer.not_running": N_("The sound processor runs no design: %(state)s"),
    "mixer.fault": N_("The sound processor reports a fault: %(answer)s"),
    "sound.bad_answer": N_("The sound system answers in a way that is not understood"),
    "sound.bad_order": N_("The sound system did not understand the command"),
    "sound.clipping": N_("The microphone is too loud: turn its gain down"),
    "sound.device_missing": N_("“%(device)s” is not there: check plug and name"),
    "sound.faint": N_("The loudspeaker is hardly heard in the room"),
    "sound.default_other": N_("“%(device)s” is not this computer's default: meetings may use another device"),
    "sound.default_unknown": N_("The sound system does not tell which device is the default"),
    "sound.muted_all": N_("Everything was muted meanwhile"),
    "sound.suspended": N_("The microphone is suspended by the sound system: resume it, or plug it in again"),
    "sound.microphone_dead": N_("The microphone gives nothing at all: muted at the device, or dead"),
    "sound.no_answer": N_("The sound system does not answer"),
    "sound.no_levels": N_("No sound level was measured yet"),
    "sound.no_server": N_("No sound system runs on this machine"),
    "sound.no_such_port": N_("There is no such sound port"),
    "sound.no_port": N_("There is no such sound port"),
    "sound.no_portaudio": N_("The sound system's tools are not installed"),
    "sound.disturbed": N_("Somebody muted or set the sound during the test: test again"),
    "sound.hum": N_("The microphone hums: check its cable and power supply"),
    "sound.howl": N_("Feedback (howling) at %(howl_hz)s Hz: turn the microphone down by 6 dB"),
    "sound.noisy": N_("Noise of %(floor_dbfs)s dBFS: a fan, a hum, or too much gain"),
    "sound.not_heard": N_("The loudspeaker is not heard by the microphone"),
    "sound.not_opened": N_("The sound device could not be opened"),
    "sound.not_taken": N_("The sound system did not take the setting"),
    "sound.port_muted": N_("Not checked while muted"),
    "sound.baseline_other": N_("Calibrated with other devices: calibrate the sound again"),
    "sound.calibration_differs": N_(
        "The test tones differ by %(off_db)s dB and %(off_ms)s ms: keep still and calibrate again"
    ),
    "sound.echo_cancelled": N_("The microphone's echo canceller hides the test tone: play something and listen"),
    "sound.loop_delay": N_("Sound takes %(latency_ms)s ms; it was %(was_ms)s ms when calibrated"),
    "sound.loop_louder": N_("The loudspeaker is %(by_db)s dB louder than when calibrated: feedback is near"),
    "sound.loop_softer": N_("The loudspeaker is %(by_db)s dB softer than when calibrated: check its volume"),
    "sound.narrow_band": N_("The microphone sounds like a telephone (Bluetooth?): use a cable"),
    "sound.polarity_turned": N_("The sound's polarity has turned: a cable or plug is wired the other way round"),
    "sound.polarity_unclear": N_("Polarity could not be told this time"),
    "sound.room_busy": N_("People are speaking: the test tone was not played"),
    "sound.speech_drowned": N_("Speech is only %(over_db)s dB over the noise: nearer to the microphone, or less noise"),
    "sound.speech_hot": N_("Speech is too loud (%(lufs)s LUFS): turn the microphone's gain down"),
    "sound.speech_soft": N_("Speech is too soft (%(lufs)s LUFS): nearer to the microphone, or more gain"),
    "sound.treble_unclear": N_("Treble could not be measured in this noise"),
    "sound.room_too_loud": N_("The room is too loud to check the sound"),
    "sound.samples_lost": N_("Sound was lost while measuring"),
    "sound.worker_lost": N_("The sound worker has stopped and is being started again"),
    "sound.worker_unstable": N_("The sound worker keeps stopping"),
    "sound.wrong_source": N_("The wrong microphone is used: %(found)s"),
    "preset.unknown": N_("There is no such preset"),
    "preset.busy": N_("Another preset is still running"),
    "preset.running": N_("That preset is still running"),
    "run.cancelled": N_("It was cancelled"),
    "run.stopped": N_("An earlier step failed"),
    "step.bad_argument": N_("The room file asks for something the device cannot do"),
    "step.not_verified": N_("The device answered, but its state is another one"),
    "step.timed_out": N_("Not done within %(within_s)s s"),
    "session.none": N_("There is no session"),
    "session.none_live": N_("No session is running"),
    "session.none_to_start": N_("There is no session to start"),
    "session.not_to_prepare": N_("No session is waiting for its preparation"),
    "session.end_not_later": N_("The new end must be later"),
    "session.next_is_near": N_("The room is taken by the next session"),
    "session.not_carried_out": N_("The session did not take place"),
    "session.started_early": N_("The session began early"),
    "session.started_late": N_("The session began late"),
    "session.ended_early": N_("The session ended early"),
    "session.ended_late": N_("The session ended late"),
    "session.extended": N_("The session was extended"),
    "session.never_ready": N_("The room was never ready"),
    "room.stopping": N_("The room's controller is stopping"),
    "checklist.unknown": N_("The checklist has no such item"),
    "recording.not_permitted": N_("This session may not be recorded"),
    "clock.off": N_("The clock of the room's controller is wrong"),
    "command.expired": N_("The command came too late"),
    "command.other_schedule": N_("The command was made for another schedule"),
    "run.unknown": N_("That run is over already"),
    "device.unknown": N_("There is no such device"),
    "device.no_answer": N_("The device did not answer in time"),
    "device.not_looked_at": N_("Not looked at yet"),
    "device.unproven": N_("Not proven yet"),
}
"""By code; what is in %(name)s comes from the reason's values."""

MEASURES: dict[str, str] = {
    "active_fps": N_("Pictures a second"),
    "render_skipped": N_("Dropped pictures"),
    "disk_free": N_("Room for recording"),
    "rtt": N_("Answering time"),
    "rtt_ms": N_("Answering time"),
    "display.power": N_("Power"),
    "display.fan": N_("Fan"),
    "display.lamp": N_("Lamp"),
    "display.temperature": N_("Temperature"),
    "display.cover": N_("Cover"),
    "display.filter": N_("Filter"),
    "display.other": N_("Other faults"),
    "power.output": N_("Outlet"),
    "power.load": N_("Load"),
    "power.fault": N_("Fault"),
    "pan_deg": N_("Pan"),
    "tilt_deg": N_("Tilt"),
    "zoom": N_("Zoom"),
    "stop": N_("Stands after a stop"),
    "watchdog": N_("Stopped by the safety thread"),
    "recording": N_("Recording"),
    "scene": N_("Scene"),
    "scenes": N_("Scenes"),
    "setup": N_("Scene collection and profile"),
    "link": N_("Link"),
    "canvas": N_("Canvas"),
    "scenes_wanted": N_("Scenes for the presets"),
    "sources": N_("Sources alive"),
    "pictures": N_("Camera pictures"),
    "virtual_camera": N_("Virtual camera"),
    "encode_skipped": N_("Pictures lost in encoding"),
    "frame_time": N_("Time per picture"),
    "cpu": N_("Processor"),
    "memory": N_("Memory"),
    "record_space": N_("Room for this recording"),
    "inputs": N_("Sound inputs"),
    "input_level": N_("Microphone level in OBS"),
    "outputs": N_("Outputs running"),
    "studio_mode": N_("Studio mode"),
    "other_hands": N_("Switched by others"),
    "recording_disk": N_("Disk of the running recording"),
    "record_file": N_("Recorded file"),
    "record_streams": N_("Picture and sound in the file"),
    "record_split": N_("Recordings in parts"),
    "record_length": N_("Length of the recording"),
    "record_sound": N_("Loudest sound of the recording"),
    "record_picture": N_("Brightness of the recording"),
    "version": N_("Version"),
    "power": N_("Power"),
    "microphone.present": N_("Microphone connected"),
    "speaker.present": N_("Loudspeaker connected"),
    "microphone.muted": N_("Microphone muted"),
    "speaker.muted": N_("Loudspeaker muted"),
    "microphone.routed": N_("Microphone in use"),
    "microphone.signal": N_("Microphone level"),
    "microphone.noise_floor": N_("Noise"),
    "microphone.hum": N_("Hum"),
    "microphone.howl": N_("Feedback"),
    "microphone.clipping": N_("Too loud"),
    "microphone.speech": N_("Loudness of speech"),
    "microphone.speech_over_noise": N_("Speech over the noise"),
    "loop.baseline": N_("Calibration"),
    "loop.polarity": N_("Polarity"),
    "loop.treble": N_("Treble"),
    "loop.heard": N_("Loudspeaker heard"),
    "loop.gain": N_("Loudness in the room"),
    "loop.latency": N_("Sound delay"),
    "worker.restarts": N_("Sound worker restarts"),
}
"""Names of measured values; an unknown one is shown as it is."""


def sentence(reason: Reason, translate: Translate) -> str:
    """Return `reason` in the language of `translate`."""
    pattern = SENTENCES.get(reason.code)
    if pattern is None:
        return reason.detail
    try:
        return translate(pattern) % dict(reason.values)
    except (KeyError, TypeError, ValueError):
        return reason.detail


DEVICES: Mapping[str, str] = {
    "camera": N_("Camera"),
    "obs": N_("OBS"),
    "sound": N_("Sound"),
    "projector": N_("Projector"),
    "display": N_("Display"),
    "power": N_("Power outlet"),
}
"""Everyday words for the names that room files give their devices; another name is shown as it is."""


def device_name(name: str, translate: Translate) -> str:
    """Return what people call the device `name`: `camera-2` is "Camera 2"."""
    word, _, number = name.partition("-")
    known = DEVICES.get(word)
    if known is None or (number and not number.isdigit()):
        return name
    return f"{translate(known)} {number}".rstrip()


def measure_name(name: str, translate: Translate) -> str:
    """Return the name of a measured value in the language of `translate`."""
    known = MEASURES.get(name)
    return translate(known) if known else name.replace("_", " ").replace(".", " · ")
