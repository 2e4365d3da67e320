"""The JSON API below `/api/v1`: thin, the desk and the board do the work.

Routes that ask the database are plain functions, so FastAPI runs them in its threads.
"""

from __future__ import annotations

from fastapi import APIRouter

from central.api.routes import (
    commands,
    door,
    drafts,
    office,
    people,
    register,
    requests,
    rescheduling,
    sessions,
    watch,
)

router = APIRouter()
for _part in (door, requests, rescheduling, drafts, office, sessions, commands, register, people, watch):
    router.include_router(_part.router)
