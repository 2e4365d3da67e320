"""Indonesian words for the machine words of a report; an unknown word is shown as it is.

Reasons of devices are sentences of `webui.reasons`; here is only what the report adds.
"""

from __future__ import annotations

import re

from babel.numbers import format_decimal

from contract.base import JsonScalar
from contract.messages import Fault
from webui import i18n
from webui.reasons import device_name, measure_name, sentence

DASH = "\N{EN DASH}"
"""Stands where there is nothing to say."""

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
    "agent.started": "Sistem ruang dimulai ulang",
}
MOMENTS = {"start": "Tayangan saat acara dimulai", "end": "Tayangan menjelang acara selesai"}

DEVIATIONS = {
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
    "record": "Rekaman",
    "mute": "Bisukan",
    "gain": "Atur penguatan",
    "source": "Pilih masukan",
    "switch": "Saklar",
}
VALUES = {
    "memory": "posisi",
    "name": "nama",
    "on": "keadaan",
    "port": "saluran",
    "input": "masukan",
    "db": "dB",
    "pan": "geser (°)",
    "tilt": "tengadah (°)",
    "pan_deg": "geser (°)",
    "tilt_deg": "tengadah (°)",
    "zoom": "zum",
    "scene": "adegan",
    "recording": "rekaman",
    "muted": "bisu",
    "gain_db": "penguatan (dB)",
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
LIMITS = {
    "not digital zero": "bukan senyap digital",
    "1 s of levels": "kadar selama 1 s",
    "true": "ya",
    "on": "hidup",
    "ok": "baik",
    "< 3 in 60 s": "< 3 dalam 60 s",
    "rho >= 0.15": "≥ 0,15",
}
UNITS = {"deg": "°", "fps": "gambar/s"}
STATES = {"on": "hidup", "standby": "siaga", "off": "mati", "ok": "baik"}

_LIMIT = re.compile(r"(>=|<=|<|>) (-?\d+(?:\.\d+)?) ?(\S*)")
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


def values(found: dict[str, JsonScalar]) -> str:
    """Return named values on one line."""
    return ", ".join(f"{VALUES.get(name, name)} {_state(name, one)}" for name, one in found.items())


def _state(name: str, found: JsonScalar) -> str:
    if name == "on" and isinstance(found, bool):
        return "hidup" if found else "mati"
    return value(found)


def limit(text: str) -> str:
    """Return what was wanted of a measured value, readable: signs, decimal comma, unit."""
    if text in LIMITS:
        return LIMITS[text]
    found = _LIMIT.fullmatch(text)
    if found is None:
        return text
    sign = {">=": "≥", "<=": "≤"}.get(found[1], found[1])
    return f"{sign} {value(float(found[2]))} {UNITS.get(found[3], found[3])}".rstrip()


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
