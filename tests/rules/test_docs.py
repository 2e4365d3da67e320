"""Documents that are made from the code are what the code says now."""

from __future__ import annotations

from pathlib import Path

import pytest

from siaga import docs


@pytest.mark.parametrize("path", docs.documents(), ids=lambda path: path.name)
def test_a_made_document_is_up_to_date(path: Path) -> None:
    assert path.read_text() == docs.documents()[path], "run `make docs`"
