"""Whether central can take bookings: asked of the database, its schema and the broker, each by itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from central.api.guard import CurrentServices, public
from central.db.store import newest
from central.errors import Away, NotFound
from central.metrics import Metrics

router = APIRouter(dependencies=[Depends(public)], include_in_schema=False)
log = logging.getLogger(__name__)


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """Answer: the process is there."""
    return {"state": "ok"}


@router.get("/readyz")
def readyz(services: CurrentServices) -> JSONResponse:
    """Answer whether bookings can be taken, and what is missing if not."""

    def database() -> bool:
        with services.store.reading() as connection:
            return bool(connection.scalar(sa.text("SELECT 1")))

    def migrations() -> bool:
        with services.store.reading() as connection:
            return set(MigrationContext.configure(connection).get_current_heads()) == _newest()

    checks = {"database": database, "migrations": migrations, "broker": services.broker_is_up}
    found = {name: _holds(name, check) for name, check in checks.items()}
    return JSONResponse(found, status_code=200 if all(found.values()) else 503)


def _holds(name: str, check: Callable[[], bool]) -> bool:
    """Return whether it holds; one that cannot be asked does not."""
    try:
        return check()
    except (sa.exc.SQLAlchemyError, Away) as error:
        log.warning("not ready", extra={"action": "not_ready", "what": name, "reason": str(error)[:300]})
        return False


@cache
def _newest() -> set[str]:
    return newest()


def _own_machine(request: Request, services: CurrentServices) -> None:
    """Let those ask for figures who may.

    Raises:
        NotFound: the address is none of `metrics_from`.
    """
    asks = request.client.host if request.client else ""
    if asks not in services.settings.file.metrics_from:
        raise NotFound("page", "metrics")


@router.get("/metrics", dependencies=[Depends(_own_machine)])
def metrics(request: Request) -> Response:
    """Return the figures for Prometheus, to the addresses that stand in central's file."""
    found: Metrics = request.app.state.metrics
    return Response(found.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
