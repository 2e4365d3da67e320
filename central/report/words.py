"""Indonesian words for the machine words of a report; an unknown word is shown as it is.

Reasons of devices are sentences of `webui.reasons`; here is only what the report adds.
"""

from __future__ import annotations

from collections.abc import Mapping

from babel.numbers import format_decimal

from contract.base import JsonScalar
from contract.messages import Fault
from webui import i18n
from webui.limits import DASH, limit_text, value_text
from webui.reasons import device_name, measure_name, sentence

LEADERS = {"governor": "Gubernur", "vice_governor": "Wakil Gubernur", "secretary": "Sekretaris Daerah"}
KINDS = {
    "camera": "Kamera",
    "switcher": "OBS Studio",
    "sound": "Tata suara",
    "mixer": "Mikser",
    "display": "Layar",
    "power": "Stopkontak",
    "storage": "Penyimpanan",
    "network": "Jaringan",
    "clock": "Jam",
}
READINESS = {
    "ready": "siap",
    "degraded": "siap dengan catatan",
    "not_ready": "belum siap",
    "busy": "sedang dipakai",
    "maintenance": "dalam pemeliharaan",
}
CONDITIONS = {"ok": "baik", "degraded": "terbatas", "fault": "gangguan", "absent": "tidak terhubung"}
VERDICTS = {"pass": "memenuhi", "warn": "perhatian", "fail": "tidak memenuhi", "unproven": "belum terbukti"}
OUTCOMES = {
    "done": "selesai",
    "verified": "selesai dan terbukti",
    "refused": "ditolak perangkat",
    "timed_out": "melewati batas waktu",
    "failed": "gagal",
    "skipped": "dilewati",
    "undone": "dikembalikan",
    "unknown": "tidak diketahui",
}
PHASES = {
    "planned": "Sesi diterima ruang",
    "preparing": "Persiapan dimulai",
    "ready": "Ruang siap",
    "live": "Video conference dimulai",
    "ending": "Penutupan dimulai",
    "ended": "Video conference selesai",
    "reported": "Laporan disusun",
    "cancelled": "Sesi dibatalkan",
    "missed": "Sesi terlewat",
}
CAUSES = {"schedule": "jadwal", "tablet": "tablet ruang", "command": "perintah pusat", "agent": "sistem ruang"}
INCIDENTS = {
    "device.changed": "Perubahan keadaan perangkat",
    "device.alarm": "Alarm perangkat",
    "device.lost": "Perangkat terputus",
    "step.ended": "Langkah tidak berhasil",
    "step.failed": "Langkah tidak berhasil",
    "note.added": "Catatan petugas",
    "checklist.ticked": "Daftar periksa",
    "evidence.dropped": "Gambar tayangan dilepas: penyimpanan ruang penuh",
    "recording.checked": "Rekaman diperiksa",
    "agent.started": "Sistem ruang dimulai ulang",
}
CHAIN_HARMS = {
    "edited": "isinya tidak sesuai dengan sidik jarinya",
    "unlinked": "tidak ditulis setelah entri sebelumnya",
    "forked": "ruang mengirim dua entri dengan nomor ini",
    "unchained": "tidak bersidik jari",
}
MOMENTS = {"start": "Tayangan saat acara dimulai", "end": "Tayangan menjelang acara selesai"}

DEVIATIONS = {
    "session.not_carried_out": "Sesi tidak dilaksanakan",
    "session.started_late": "Mulai terlambat",
    "session.started_early": "Mulai lebih awal",
    "session.ended_late": "Selesai terlambat",
    "session.ended_early": "Selesai lebih awal",
    "session.extended": "Waktu selesai diperpanjang",
    "session.never_ready": "Ruang tidak pernah dinyatakan siap",
    "report.runs_left_out": "Prasetel yang dimuat di laporan ini",
    "evidence.dropped": "Gambar tayangan dilepas: penyimpanan ruang penuh",
    "not_carried_out": "Pelaksanaan",
    "late_start": "Waktu mulai",
    "early_start": "Waktu mulai",
    "late_end": "Waktu selesai",
    "early_end": "Waktu selesai",
    "not_ready": "Kesiapan ruang",
    "checklist": "Daftar periksa",
}
VERBS = {
    "power": "Daya",
    "recall": "Arahkan ke posisi tersimpan",
    "store": "Simpan posisi",
    "move-to": "Arahkan kamera",
    "stop": "Hentikan gerak",
    "scene": "Tampilkan adegan",
    "preview": "Siapkan adegan",
    "take": "Tayangkan adegan yang disiapkan",
    "studio-mode": "Mode studio",
    "transition": "Peralihan adegan",
    "source": "Pilih masukan",
    "record": "Rekaman",
    "pause": "Jeda rekaman",
    "stream": "Siaran",
    "virtual-camera": "Kamera virtual",
    "replay": "Rekaman ulang",
    "save-replay": "Simpan rekaman ulang",
    "media-restart": "Putar klip dari awal",
    "text": "Tulis teks",
    "volume": "Atur suara masukan",
    "collection": "Koleksi adegan",
    "profile": "Profil OBS",
    "hotkey": "Tombol pintas OBS",
    "mute": "Bisukan",
    "mute-all": "Bisukan semuanya",
    "gain": "Atur penguatan",
    "default": "Jadikan perangkat utama",
    "switch": "Saklar",
}
VALUES = {
    "memory": "posisi",
    "acked_ms": "dijawab dalam (ms)",
    "proved": "terbukti",
    "name": "nama",
    "on": "keadaan",
    "port": "saluran",
    "channel": "saluran",
    "input": "masukan",
    "source": "sumber",
    "text": "teks",
    "duration_ms": "lama (ms)",
    "db": "dB",
    "pan": "geser (°)",
    "tilt": "tengadah (°)",
    "zoom": "zum",
    "scene": "adegan",
    "preview": "adegan disiapkan",
    "transition": "peralihan",
    "collection": "koleksi",
    "profile": "profil",
    "recording": "rekaman",
    "paused": "jeda",
    "streaming": "siaran",
    "virtual_camera": "kamera virtual",
    "replay": "rekaman ulang",
    "studio_mode": "mode studio",
    "path": "berkas",
    "muted": "bisu",
    "open": "masih terbuka",
    "default": "perangkat utama",
    "gain_db": "penguatan (dB)",
    "careful": "hati-hati",
    "outlet": "stopkontak",
}
MEASURES = {
    "recording": "Rekaman berjalan",
    "scene": "Adegan tayang",
    "scenes": "Jumlah adegan",
    "pan": "Arah geser",
    "tilt": "Arah tengadah",
    "pan_deg": "Arah geser",
    "tilt_deg": "Arah tengadah",
    "zoom": "Zum",
}
PORTS = {"microphone": "mikrofon", "speaker": "pengeras suara"}
STATES = {"on": "hidup", "standby": "siaga", "off": "mati", "ok": "baik"}

_LOCALES = i18n.Locales(i18n.KIT)


def value(found: JsonScalar) -> str:
    """Return a measured value as people here write it: decimal comma, `ya` and `tidak`."""
    if found is None:
        return DASH
    if isinstance(found, bool):
        return "ya" if found else "tidak"
    if isinstance(found, int | float):
        return format_decimal(round(found, 2), locale="id")
    return PORTS.get(found) or STATES.get(found, found)


def values(found: Mapping[str, JsonScalar]) -> str:
    """Return named values on one line."""
    return ", ".join(f"{VALUES.get(name, name)} {_state(name, one)}" for name, one in found.items())


def _state(name: str, found: JsonScalar) -> str:
    if name == "on" and isinstance(found, bool):
        return "hidup" if found else "mati"
    return value(found)


def read_back(found: Mapping[str, JsonScalar]) -> str:
    """Return what a device said afterwards; a camera's place in one phrase, with how far it is off."""
    if "pan_deg" not in found:
        return values(found)
    place = _place(found, "")
    if found.get("adopted"):
        return f"{place}; diambil sebagai acuan"
    if "off_deg" not in found:
        return place
    off = f"selisih {value(found['off_deg'])}°, zum {value(found.get('off_zoom'))}"
    return f"{place}; {off}" if found.get("proved") else f"{place}; seharusnya {_place(found, 'expected_')}; {off}"


def _place(found: Mapping[str, JsonScalar], prefix: str) -> str:
    pan, tilt, zoom = (value(found.get(f"{prefix}{axis}")) for axis in ("pan_deg", "tilt_deg", "zoom"))
    return f"geser {pan}°, tengadah {tilt}°, zum {zoom}"


def limit(text: str) -> str:
    """Return what was wanted of a measured value, readable: signs, decimal comma, unit."""
    with i18n.speaking("id"):
        return limit_text(text, _LOCALES.gettext)


def measured(found: JsonScalar, unit: str) -> str:
    """Return a measured value with its unit."""
    with i18n.speaking("id"):
        return value_text(found, unit, _LOCALES.gettext)


def device(name: str | None) -> str:
    """Return what people call a device of the room file; nothing for none."""
    with i18n.speaking("id"):
        return device_name(name, _LOCALES.gettext) if name else ""


def measure(name: str) -> str:
    """Return the name of a measured value."""
    if name in MEASURES:
        return MEASURES[name]
    with i18n.speaking("id"):
        return measure_name(name, _LOCALES.gettext)


def fault(found: Fault | None) -> str:
    """Return a reason as a sentence, in English where no sentence is known; nothing for none."""
    if found is None:
        return ""
    with i18n.speaking("id"):
        return sentence(found, _LOCALES.gettext)


def label(texts: dict[str, str], otherwise: str) -> str:
    """Return the Indonesian text of a label."""
    return texts.get("id") or texts.get("en") or otherwise
