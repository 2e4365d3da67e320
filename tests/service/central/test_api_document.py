"""The API's document: every operation shows a request and an answer, and they are what their schemas say."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI

from central.api import document
from central.api.routes import router

Json = dict[str, Any]


@pytest.fixture(scope="module")
def whole() -> Json:
    app = FastAPI()
    app.include_router(router)
    document.install(app)
    return app.openapi()


def operations() -> list[str]:
    app = FastAPI()
    app.include_router(router)
    return [name for name, _ in document.operations(app.openapi())]


def held(schema: Json, whole: Json, example: object) -> None:
    validator = jsonschema_rs.validator_for({**schema, "components": whole["components"]})
    assert [error.message for error in validator.iter_errors(example)] == []


def test_every_operation_has_an_example_and_no_example_is_left_over() -> None:
    assert sorted(document.recorded()) == sorted(operations())


@pytest.mark.parametrize("name", operations())
def test_examples_are_what_their_schemas_say(whole: Json, name: str) -> None:
    method, path = name.split(" ")
    operation, example = whole["paths"][path][method.lower()], document.recorded()[name]
    answer = operation["responses"][str(example["status"])]
    good = answer.get("content", {}).get("application/json")
    assert ("answer" in example) is (good is not None)
    if good is not None:
        assert good["example"] == example["answer"]
        assert good["schema"], "a schema that says nothing"
        held(good["schema"], whole, good["example"])
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        if kind == "application/json":
            held(content["schema"], whole, content["example"])
    named = {parameter["name"]: parameter for parameter in operation.get("parameters", ())}
    assert set(example.get("parameters", {})) <= set(named)


def test_every_order_can_be_sent_twice_and_every_refusal_is_a_problem(whole: Json) -> None:
    for name, operation in document.operations(whole):
        headers = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "header"}
        assert ("Idempotency-Key" in headers) is (name.startswith("POST") and not name.endswith("/login")), name
        assert ("If-Match" in headers) is (name in document.CONDITIONAL), name
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], name


def test_every_list_has_pages(whole: Json) -> None:
    for name, operation in document.operations(whole):
        good = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        reference = good.get("schema", {}).get("$ref", "")
        named = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert ("Page_" in reference) is ({"limit", "cursor"} <= named), name
