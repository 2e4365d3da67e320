"""Profiles, scene collections, the canvas and the streaming service."""

from __future__ import annotations

from drivers.obs.sim.given import Fields, Given, Refused
from drivers.obs.sim.requests.kinds import Requests
from drivers.obs.sim.studio import Studio


def _collections(studio: Studio, _: Given) -> Fields:
    return {"currentSceneCollectionName": studio.collection, "sceneCollections": sorted(studio.collections)}


async def _open_collection(studio: Studio, given: Given) -> None:
    name = given.text("sceneCollectionName")
    if name not in studio.collections:
        raise Refused(600)
    await studio.open_collection(name)


def _profiles(studio: Studio, _: Given) -> Fields:
    return {"currentProfileName": studio.profile, "profiles": sorted(studio.profiles)}


async def _open_profile(studio: Studio, given: Given) -> None:
    name = given.text("profileName")
    if name not in studio.profiles:
        raise Refused(600)
    await studio.open_profile(name)


def _parameter_name(given: Given) -> tuple[str, str]:
    return given.text("parameterCategory"), given.text("parameterName")


def _parameter(studio: Studio, given: Given) -> Fields:
    name = _parameter_name(given)
    kept = studio.settings.parameters | {("General", "Name"): studio.profile}
    return {"parameterValue": kept.get(name), "defaultParameterValue": None}


def _set_parameter(studio: Studio, given: Given) -> None:
    name = _parameter_name(given)
    if given.has("parameterValue"):
        studio.settings.parameters[name] = given.text("parameterValue", may_be_empty=True)
    else:
        studio.settings.parameters.pop(name, None)


def _video(studio: Studio, _: Given) -> Fields:
    video = studio.video
    return {
        "fpsNumerator": video.fps, "fpsDenominator": 1, "baseWidth": video.width, "baseHeight": video.height,
        "outputWidth": video.width, "outputHeight": video.height,
    }  # fmt: skip


def _service(studio: Studio, _: Given) -> Fields:
    here = studio.settings
    return {"streamServiceType": here.service, "streamServiceSettings": here.service_settings}


def _set_service(studio: Studio, given: Given) -> None:
    kind = given.text("streamServiceType")
    studio.settings.service_settings = given.object("streamServiceSettings")
    studio.settings.service = kind


REQUESTS: Requests = {
    "GetSceneCollectionList": _collections,
    "SetCurrentSceneCollection": _open_collection,
    "GetProfileList": _profiles,
    "SetCurrentProfile": _open_profile,
    "GetProfileParameter": _parameter,
    "SetProfileParameter": _set_parameter,
    "GetVideoSettings": _video,
    "GetRecordDirectory": lambda studio, _: {"recordDirectory": studio.settings.record_folder},
    "GetStreamServiceSettings": _service,
    "SetStreamServiceSettings": _set_service,
}
