"""Who stands before a route, and whether its action is allowed.

Every route of the JSON API and of the pages names its action:

    @router.post("/requests/{ident}/decision")
    def decide(by: Annotated[Person, Depends(requires(Action.DECIDE))], ...)

`check_guarded` keeps the application from starting with a route that names none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import BaseRoute

from central.errors import Forbidden, NotLoggedIn
from central.model import Person
from central.pace import Kind, Paces
from central.people import ABSOLUTE, Caller
from central.permissions import Action, may
from central.services import Services

SECURE_COOKIE = "__Host-sid"
PLAIN_COOKIE = "sid"
"""Only where central is reached without TLS: on one machine, for demonstrations and tests."""


def services_of(connection: HTTPConnection) -> Services:
    """Return the application's services.

    Raises:
        TypeError: it was not made by `central.app`.
    """
    found = connection.app.state.services
    if not isinstance(found, Services):
        raise TypeError("the application has no services")
    return found


def _services(request: Request) -> Services:
    return services_of(request)


CurrentServices = Annotated[Services, Depends(_services)]
"""The services, as a parameter of a route."""


def person_of(connection: HTTPConnection) -> Person | None:
    """Return who is logged in; it asks the database, so not on the event loop."""
    services = services_of(connection)
    return services.people.who(token_of(connection))


def cookie_name(services: Services) -> str:
    """Return the name of the cookie that holds the token."""
    return SECURE_COOKIE if services.settings.secure else PLAIN_COOKIE


def token_of(connection: HTTPConnection) -> str | None:
    """Return the token that the browser sent."""
    return connection.cookies.get(cookie_name(services_of(connection)))


def caller_of(connection: HTTPConnection) -> Caller:
    """Return where a request comes from; a proxy that is trusted was asked by the web server already."""
    host = connection.client.host if connection.client else ""
    return Caller(host, connection.headers.get("user-agent", ""), token_of(connection))


def set_cookie(response: Response, services: Services, token: str) -> None:
    """Give the browser its token."""
    response.set_cookie(
        cookie_name(services),
        token,
        max_age=int(ABSOLUTE.total_seconds()),
        path="/",
        secure=services.settings.secure,
        httponly=True,
        samesite="lax",
    )


def attempt_cookie(services: Services) -> str:
    """Return the name of the cookie that an attempt at single sign-on is known by."""
    return "__Host-sso" if services.settings.secure else "sso"


def clear_cookie(response: Response, services: Services) -> None:
    """Take the token from the browser."""
    response.delete_cookie(
        cookie_name(services), path="/", secure=services.settings.secure, httponly=True, samesite="lax"
    )


class Guard:
    """The dependency that lets a person through, or nobody."""

    def __init__(self, action: Action) -> None:
        self.action = action

    def __call__(self, request: Request) -> Person:
        """Return the person who may do the action.

        Raises:
            NotLoggedIn: nobody is logged in.
            Forbidden: none of the person's roles allows it.
        """
        person = person_of(request)
        if person is None:
            raise NotLoggedIn
        if not may(person, self.action):
            raise Forbidden("role.missing", f"{person.login} may not {self.action}", action=self.action.value)
        return person


def requires(action: Action) -> Guard:
    """Return the dependency for a route whose action is `action`."""
    return Guard(action)


class Paced:
    """The dependency that lets an address ask so often and no oftener."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def __call__(self, request: Request) -> None:
        """Return when it may ask now.

        Raises:
            TooMany: not yet.
        """
        paces: Paces = services_of(request).paces
        paces[self._kind].take(caller_of(request).address)


def paced(kind: Kind) -> Any:
    """Return the dependency of a route with a rate: `dependencies=[paced(Kind.TRACKING)]`."""
    return Depends(Paced(kind))


def public() -> None:
    """Mark a route that anybody may call: `dependencies=[Depends(public)]`."""


def actions_of(route: APIRoute) -> frozenset[Action]:
    """Return the actions that `route` names."""
    return frozenset(_named(route.dependant))


def _named(dependant: Dependant) -> Iterator[Action]:
    if isinstance(dependant.call, Guard):
        yield dependant.call.action
    if dependant.call is public:
        yield Action.PUBLIC
    for inner in dependant.dependencies:
        yield from _named(inner)


def all_routes(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """Yield every operation, also of routers that were included: FastAPI keeps those as branches."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (branch := getattr(route, "original_router", None)) is not None:
            yield from all_routes(branch.routes)


def check_guarded(routes: Iterable[BaseRoute]) -> None:
    """Make sure that every route names its action.

    Raises:
        RuntimeError: these do not, or there are none to look at.
    """
    found = list(all_routes(routes))
    open_doors = [route.path for route in found if not actions_of(route)]
    if open_doors or not found:
        raise RuntimeError(f"routes without an action of central.permissions: {', '.join(sorted(open_doors))}")
