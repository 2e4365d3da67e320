"""Back-ups made while central works, put in place elsewhere, and refused when something is wrong with them."""

from __future__ import annotations

import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from central.backup import MANIFEST, back_up, last_backup
from central.db import copies
from central.errors import Unfit
from central.model import Upload
from central.nightly import Nightly
from central.restore import alone, check, restore
from central.services import Services
from central.settings import Backup, CentralSettings
from tests.postgres import Cluster
from tests.service.central.office import APPLICANT, NOW, disposed, draft, office, settings_in


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path / "here", database) as services:
        disposed(services.desk)
        yield services


@pytest.fixture
def elsewhere(tmp_path: Path, database: str | None, request: pytest.FixtureRequest) -> Iterator[CentralSettings]:
    """Where there is no central yet."""
    if database is None:
        yield settings_in(tmp_path / "elsewhere")
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    with cluster.database("template0") as url:
        yield settings_in(tmp_path / "elsewhere", url)


def held(services: Services) -> dict[str, copies.Sum]:
    with services.store.reading() as connection:
        return copies.sums(connection)


@contextmanager
def busy(services: Services) -> Iterator[None]:
    """Somebody sends in letters all the time."""
    over, started = threading.Event(), threading.Event()

    def send() -> None:
        number = 0
        while not over.is_set():
            letter = Upload("surat.pdf", b"%PDF-1.7\n" + str(number).encode())
            services.desk.submit(draft(f"Rapat {number}"), letter, APPLICANT)
            number += 1
            if number == 3:
                started.set()

    thread = threading.Thread(target=send)
    thread.start()
    try:
        assert started.wait(30)
        yield
    finally:
        over.set()
        thread.join(30)


def test_a_copy_made_under_load_holds_one_moment_and_all_its_letters(
    here: Services, elsewhere: CentralSettings, tmp_path: Path
) -> None:
    with busy(here):
        made = back_up(here.store, here.settings.folder, tmp_path / "one.tar")
    assert made.tables["request"].rows < held(here)["request"].rows  # it went on meanwhile
    found = restore(elsewhere, tmp_path / "one.tar")
    assert (found.missing, found.kept) == ((), None)
    with office_as_it_is(elsewhere) as there:
        other = {name for name, one in held(there).items() if one != made.tables[name]}
        assert other == {"meta", "audit"}  # the epoch, and a row that says what was done
        assert there.store.epoch != here.store.epoch
        for request in there.desk.requests(APPLICANT):
            assert there.desk.letter(request.id, APPLICANT)[1].startswith(b"%PDF-")


@contextmanager
def office_as_it_is(settings: CentralSettings) -> Iterator[Services]:
    from central.services import make_services

    services = make_services(settings, now=lambda: NOW)
    try:
        yield services
    finally:
        services.store.close()


def test_what_is_there_is_replaced_only_when_told_and_kept_before(here: Services, tmp_path: Path) -> None:
    copy, settings = tmp_path / "one.tar", here.settings
    made = back_up(here.store, settings.folder, copy)
    disposed(here.desk, draft("Rapat sesudahnya"))
    here.store.close()
    with pytest.raises(Unfit, match="--over") as refused:
        restore(settings, copy)
    assert refused.value.code == "database.not_empty"
    found = restore(settings, copy, over=True)
    assert found.kept is not None
    with office_as_it_is(settings) as again:
        assert held(again)["request"] == made.tables["request"]
        again.store.close()
        restore(settings, found.kept, over=True)
    with office_as_it_is(settings) as again:
        assert held(again)["request"].rows == made.tables["request"].rows + 1


def test_nothing_is_restored_beneath_a_running_central(here: Services, tmp_path: Path) -> None:
    copy = tmp_path / "one.tar"
    back_up(here.store, here.settings.folder, copy)
    with alone(here.settings.folder), pytest.raises(Unfit, match="stop central"):
        restore(here.settings, copy, over=True)
    if here.store.is_postgres:  # also a central on another machine
        with here.store.reading(), pytest.raises(Unfit, match="connections of a central"):
            restore(here.settings, copy, over=True)


def test_a_check_proves_a_copy_and_changes_nothing(here: Services, tmp_path: Path) -> None:
    copy = tmp_path / "one.tar"
    back_up(here.store, here.settings.folder, copy, with_files=False)
    before, epoch = held(here), here.store.epoch
    assert check(here.settings, copy).missing == ()
    assert (held(here), here.store.epoch) == (before, epoch)
    for letter in (here.settings.folder / "letters").rglob("*"):
        if letter.is_file():
            letter.unlink()
    assert len(check(here.settings, copy).missing) == 1


def rewritten(source: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """Write the archive anew with members changed or, where `change` gives nothing, left out."""
    with tarfile.open(source) as archive:
        members = [(one, archive.extractfile(one).read()) for one in archive if one.isfile()]  # type: ignore[union-attr]
    with tarfile.open(source, "w") as archive:
        for one, content in members:
            if (other := change(one.name, content)) is not None:
                one.size = len(other)
                archive.addfile(one, BytesIO(other))


def without_manifest(name: str, content: bytes) -> bytes | None:
    return None if name == MANIFEST else content


def without_letters(name: str, content: bytes) -> bytes | None:
    return None if name.startswith("letters/") else content


def other_bytes(name: str, content: bytes) -> bytes | None:
    return content[:5000] + b"\x00!" + content[5002:] if name == "database" else content


def of_tomorrow(name: str, content: bytes) -> bytes | None:
    return json.dumps(json.loads(content) | {"schema": "9999"}).encode() if name == MANIFEST else content


def of_another_kind(name: str, content: bytes) -> bytes | None:
    return json.dumps(json.loads(content) | {"kind": "oracle"}).encode() if name == MANIFEST else content


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (without_manifest, "backup.unreadable"),
        (without_letters, "backup.damaged"),
        (other_bytes, "backup.damaged"),
        (of_tomorrow, "backup.newer"),
        (of_another_kind, "backup.kind"),
    ],
)
def test_a_copy_with_something_wrong_is_refused_and_nothing_is_touched(
    here: Services, tmp_path: Path, change: Callable[[str, bytes], bytes | None], code: str
) -> None:
    copy = tmp_path / "one.tar"
    back_up(here.store, here.settings.folder, copy)
    rewritten(copy, change)
    before = held(here)
    here.store.close()
    with pytest.raises(Unfit) as refused:
        restore(here.settings, copy, over=True)
    assert refused.value.code == code
    assert held(here) == before


def test_what_is_no_archive_at_all_is_refused(here: Services, tmp_path: Path) -> None:
    (tmp_path / "one.tar").write_bytes(b"not an archive, however long " * 100)
    with pytest.raises(Unfit, match="wanted a whole back-up"):
        check(here.settings, tmp_path / "one.tar")


def test_every_night_one_is_made_and_the_oldest_goes(here: Services) -> None:
    settings = replace(here.settings, file=here.settings.file.model_copy(update={"backup": Backup(keep=3)}))
    clock: list[datetime] = [NOW]
    nightly = Nightly(here.store, settings, lambda: clock[0])
    for _ in range(5):
        assert nightly.is_due()
        assert not nightly.make().error
        assert not nightly.is_due()
        clock[0] += timedelta(days=1)
    kept = sorted(settings.backup_folder.iterdir())
    assert len(kept) == 3
    last = last_backup(here.store)
    assert last is not None
    assert last.file == str(kept[-1])


def test_a_night_that_failed_is_said_and_tried_again(here: Services) -> None:
    here.settings.folder.joinpath("backups").write_text("a file where the folder should be")
    clock = [NOW]
    nightly = Nightly(here.store, here.settings, lambda: clock[0])
    assert "backups" in nightly.make().error
    assert not nightly.is_due()
    clock[0] += timedelta(hours=1)
    assert nightly.is_due()
