"""All pages as one router, and how an application takes them in.

add_pages(app, services)                # app.state.services is set
tasks.create_task(follow(app.state.parts), name="live pages")
"""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from central.services import Services
from central.web import (
    account,
    calendars,
    commands,
    delegations,
    displacements,
    front,
    inbox,
    messages,
    people,
    punctuality,
    register,
    requests,
    rescheduling,
    rooms,
    servable,
    sessions,
    signon,
)
from central.web.access import Parts
from central.web.rooms import follow
from central.web.site import Site

__all__ = ["add_pages", "follow", "router"]

router = APIRouter(include_in_schema=False)
for _part in (
    front,
    signon,
    account,
    people,
    requests,
    rescheduling,
    inbox,
    displacements,
    delegations,
    messages,
    register,
    calendars,
    servable,
    punctuality,
    rooms,
    commands,
    sessions,
):
    router.include_router(_part.router)


def add_pages(app: FastAPI, services: Services) -> None:
    """Give `app` the pages, and their static files; `central.web.errors.answer` makes its error pages."""
    parts = Parts(services, Site(services.settings.zone, services.desk.now))
    app.state.parts = parts
    app.include_router(router)
    app.router.routes.append(parts.site.assets.route())
