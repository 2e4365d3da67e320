"""Screenshots."""

from __future__ import annotations

import base64

from drivers.obs.sim import drawing
from drivers.obs.sim.given import Fields, Given, Refused
from drivers.obs.sim.requests.kinds import Requests, source
from drivers.obs.sim.studio import Studio


def _screenshot(studio: Studio, given: Given) -> Fields:
    name, form = source(studio, given), given.text("imageFormat")
    if form not in drawing.FORMATS:
        raise Refused(400, "Your specified image format is invalid or not supported by this system.")
    width, height = (
        int(given.number(side, 8, 4096)) if given.has(side) else 0 for side in ("imageWidth", "imageHeight")
    )
    if given.has("imageCompressionQuality"):
        given.number("imageCompressionQuality", -1, 100)
    full = studio.size(name)
    if 0 in full:
        raise Refused(702, "Failed to render screenshot.")
    width, height = width or height * full[0] // full[1] or full[0], height or width * full[1] // full[0] or full[1]
    content = drawing.FORMATS[form](drawing.picture(studio, name, width, height), width, height)
    if studio.faults.big:
        content = content.ljust(studio.faults.big, b"\0")
    return {"imageData": f"data:image/{form};base64,{base64.b64encode(content).decode()}"}


REQUESTS: Requests = {"GetSourceScreenshot": _screenshot}
