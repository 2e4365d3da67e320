"""The JSON API below `/api/v1`: thin, the desk and the board do the work.

Routes that ask the database are plain functions, so FastAPI runs them in its threads.
"""

from __future__ import annotations

from central.api.routes import door, office, people, register, requests, sessions, watch
from central.api.routes.base import api_router

router = api_router(prefix="/api/v1")
for _part in (door, requests, office, sessions, register, people, watch):
    router.include_router(_part.router)
