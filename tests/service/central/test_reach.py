"""What is said of a database that central cannot be served from: what was found, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from central.db.store import look
from central.errors import Unfit
from central.settings import CentralFile
from tests.postgres import Cluster


def test_a_database_in_order_is_named_with_what_is_to_come(cluster: Cluster) -> None:
    with cluster.database("template0") as url:
        assert "migrations to come" in look(url)
    with cluster.database() as url:
        assert look(url).endswith("up to date")


@pytest.mark.parametrize(
    ("database", "role", "code", "hint"),
    [
        ("nowhere", "postgres", "database.unreachable", "are host, database, role and password"),
        ("postgres", "stranger", "database.unreachable", "are host, database, role and password"),
        ("postgres", "plain", "database.extension", "CREATE EXTENSION btree_gist"),
        ("latin", "postgres", "database.encoding", "ENCODING 'UTF8'"),
    ],
)
def test_a_database_that_cannot_serve_is_refused_with_what_to_do(
    cluster: Cluster, database: str, role: str, code: str, hint: str
) -> None:
    cluster.execute("DROP ROLE IF EXISTS plain")
    cluster.execute("CREATE ROLE plain LOGIN")
    cluster.execute("DROP DATABASE IF EXISTS latin")
    cluster.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(Unfit, match=hint) as refused:
        look(cluster.url(database).replace("postgres@", f"{role}@"))
    assert refused.value.code == code


def test_a_role_that_owns_its_database_needs_no_more(cluster: Cluster) -> None:
    cluster.execute("CREATE ROLE siaga LOGIN")
    cluster.execute("CREATE DATABASE owned OWNER siaga TEMPLATE template0 ENCODING 'UTF8'")
    assert "migrations to come" in look(cluster.url("owned").replace("postgres@", "siaga@"))
    cluster.execute("DROP DATABASE owned")
    cluster.execute("DROP ROLE siaga")


def test_a_server_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="is PostgreSQL running"):
        look(f"postgresql+psycopg://siaga@/siaga?host={tmp_path}")


def test_a_new_sqlite_file_is_announced_and_not_made(tmp_path: Path) -> None:
    assert "made at the first start" in look(f"sqlite:///{tmp_path}/central.db")
    assert not (tmp_path / "central.db").exists()


def test_a_password_has_no_place_in_the_file() -> None:
    with pytest.raises(ValidationError, match="PGPASSFILE"):
        CentralFile(data=Path(), policy=Path("p"), database="postgresql+psycopg://siaga:secret@db.example/siaga")
