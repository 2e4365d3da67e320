"""Every text of every face is in both catalogues, and nothing else is."""

from __future__ import annotations

import pytest

from webui.catalogue import PARTS, Part, complaints, texts


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.file)
def test_both_languages_have_every_text_in_use(part: Part) -> None:
    assert list(complaints(part)) == []


def test_texts_of_code_and_templates_are_found() -> None:
    found = texts(PARTS[0].folder)
    assert found["Skip to content"] == ["macros/page.html"]
    assert found["OBS is busy"] == ["reasons.py"]
