"""The letter that the demo's agency sends: a real PDF."""

from __future__ import annotations

import typst

TEMPLATE = b"""
#set document(title: "Surat permohonan")
#set page(paper: "a4", margin: 2.5cm)
#set text(lang: "id", size: 11pt)
Nomor: #sys.inputs.number

Hal: Permohonan fasilitasi _video conference_

Yth. Kepala Dinas Komunikasi dan Informatika

Sehubungan dengan kegiatan *#sys.inputs.title*, kami mohon fasilitasi ruang, peralatan dan petugas.
"""


def letter_pdf(number: str, title: str) -> bytes:
    """Return a request letter as PDF."""
    return bytes(typst.compile(TEMPLATE, sys_inputs={"number": number, "title": title}))
