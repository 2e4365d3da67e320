"""What every route of the API shares."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path

from central.api.guard import requires
from central.api.once import Once
from central.model import Person
from central.permissions import Action

ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"description": "it cannot be read"},
    401: {"description": "nobody is logged in"},
    403: {"description": "the role does not allow it, or it is not one's own"},
    404: {"description": "there is no such thing, or one may not know of it"},
    409: {"description": "against a rule: the state, a taken room, a stale version, a key that is still at work"},
    412: {"description": "it is not any more what If-Match names"},
    413: {"description": "too large"},
    422: {"description": "fields that are missing or wrong, `wrongs` names all of them; a key of another order"},
    428: {"description": "a change without If-Match"},
    429: {"description": "too many tries; `retry-after` says when"},
    503: {"description": "the database does not answer; `retry-after` says when to try again"},
}
"""What every operation may answer besides its result: problem+json with a stable `code`."""

Ident = Annotated[str, Path(max_length=200)]


def api_router() -> APIRouter:
    """Return a router whose answers are documented and whose orders are carried out once."""
    return APIRouter(prefix="/api/v1", responses=ANSWERS, route_class=Once)


Somebody = Annotated[Person, Depends(requires(Action.BE_LOGGED_IN))]
RequestReader = Annotated[Person, Depends(requires(Action.SEE_REQUESTS))]
SessionReader = Annotated[Person, Depends(requires(Action.SEE_SESSIONS))]
RoomReader = Annotated[Person, Depends(requires(Action.SEE_ROOMS))]
ReportReader = Annotated[Person, Depends(requires(Action.SEE_REPORTS))]
Verifier = Annotated[Person, Depends(requires(Action.VERIFY))]
Director = Annotated[Person, Depends(requires(Action.DISPOSE))]
Delegator = Annotated[Person, Depends(requires(Action.DELEGATE))]
Keeper = Annotated[Person, Depends(requires(Action.MANAGE_STOCK))]
Administrator = Annotated[Person, Depends(requires(Action.MANAGE_PEOPLE))]
