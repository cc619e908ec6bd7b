"""The description of the REST interface: valid, complete, without warnings, in both languages."""

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from apps.documents.types import TYPES
from tests.cast import Api, outside

NOBODY = Api("")


@pytest.fixture(scope="module")
def described(database: None) -> Mapping[str, Any]:
    answer = NOBODY.get("schema/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    found: Mapping[str, Any] = answer.json()
    return found


def operations(described: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, told in methods.items():
            yield path, method, told


def test_the_schema_is_openapi_3_1_and_valid(described: Mapping[str, Any]) -> None:
    assert described["openapi"].startswith("3.1")
    validate_schema(described)


def test_nothing_about_the_schema_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outside(SchemaGenerator().get_schema, request=None, public=True)
    assert capsys.readouterr().err == ""


def test_every_operation_says_what_it_does_takes_and_answers(described: Mapping[str, Any]) -> None:
    for path, method, told in operations(described):
        assert told["summary"], path
        assert "REST view" not in told.get("description", ""), path
        assert path.startswith("/api/v1/")
        assert path.endswith("/")
        given = {status: answer for status, answer in told["responses"].items() if status.startswith("2")}
        assert given, path
        # Who deletes is answered by the status alone.
        answers = [answer for status, answer in given.items() if status != "204" or method != "delete"]
        assert all(content.get("schema") for answer in answers for content in answer["content"].values()), path
        if method in ("post", "patch") and "token" not in path:
            assert "Idempotency-Key" in {one["name"] for one in told["parameters"]}, path
            assert told["responses"]["422"]["content"]["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_every_move_of_every_type_is_there(described: Mapping[str, Any]) -> None:
    for document_type in TYPES.values():
        base = f"/api/v1/{document_type.collection}/"
        assert {"get", "post"} <= described["paths"][base].keys()
        assert {"get", "patch"} <= described["paths"][f"{base}{{uid}}/"].keys()
        for move in document_type.moves:
            assert f"{base}{{uid}}/moves/{move.code}/" in described["paths"]
        for collection in document_type.answers:
            assert f"/api/v1/{collection}/{{uid}}/" in described["paths"]


def test_an_order_can_be_had_as_a_message(described: Mapping[str, Any]) -> None:
    content = described["paths"]["/api/v1/orders/{uid}/"]["get"]["responses"]["200"]["content"]
    assert content.keys() == {"application/json", "application/xml"}


def test_the_schema_is_given_as_yaml_too() -> None:
    answer = NOBODY.get("schema", headers={"Accept": "application/vnd.oai.openapi"})
    assert answer.status_code == 200
    assert answer.content.startswith(b"openapi: 3.1")


@pytest.mark.parametrize(("language", "words"), [("en", "Everything below"), ("zh-Hans", "订单")])
def test_the_page_shows_every_operation(described: Mapping[str, Any], language: str, words: str) -> None:
    answer = NOBODY.get("docs/", headers={"Accept-Language": language, "Accept": "text/html"})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert words in text
    for path, _method, told in operations(described):
        assert path in text
        assert f'id="{told["operationId"]}"' in text
    assert "curl -X POST http://testserver/api/v1/orders/" in text
    assert "http://testserver/static" not in text
    assert "://cdn" not in text
