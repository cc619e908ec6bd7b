"""The REST interface for people: the schema as a page of operations, each with its parameters, its body and a call to copy."""

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer2, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from rest_framework import renderers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.base.describing import both

METHODS = ("get", "post", "patch", "put", "delete")
DEEPEST = 4
NOTHING: dict[str, Any] = {}


@functools.lru_cache(maxsize=4)
def schema(language: str) -> Mapping[str, Any]:
    """The OpenAPI 3.1 schema, described in a language. It is the same for everybody."""
    generator: Any = SchemaGenerator
    found: Mapping[str, Any] = generator().get_schema(request=None, public=True)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a body or an answer, with those inside it beneath it."""

    name: str
    depth: int
    kind: str
    needed: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation, as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: Sequence[Mapping[str, Any]]
    body: Sequence[Field]
    answer: Sequence[Field]
    statuses: Sequence[tuple[str, str]]
    call: str


def groups(found: Mapping[str, Any], *, address: str) -> dict[str, list[Operation]]:
    """The operations by their collection, in the order of the schema. address: where the portal is, for the calls."""
    grouped: dict[str, list[Operation]] = {}
    for path, methods in found["paths"].items():
        for method in METHODS:
            if method in methods:
                told = methods[method]
                grouped.setdefault(told["tags"][0], []).append(_operation(found, path, method, told, address))
    return grouped


def _operation(found: Mapping[str, Any], path: str, method: str, told: Mapping[str, Any], address: str) -> Operation:
    bodies = told.get("requestBody", {}).get("content", {})
    media_type, body = next(iter(bodies.items()), ("", NOTHING))
    answers = {status: answer for status, answer in told["responses"].items() if status.startswith("2")}
    answer: Mapping[str, Any] = next(iter(answers.values()), {})
    content: Mapping[str, Any] = next(iter(answer.get("content", {}).values()), {})
    return Operation(
        id=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told.get("summary", ""),
        description=told.get("description", "") if told.get("description") != told.get("summary") else "",
        parameters=[{**one, "options": ", ".join(one["schema"].get("enum", ()))} for one in told.get("parameters", ())],
        body=list(_fields(found, body.get("schema", {}))),
        answer=list(_fields(found, content.get("schema", {}))),
        statuses=[(status, answer.get("description", "")) for status, answer in told["responses"].items()],
        call=_call(method, f"{address}{path}", media_type, body, secured=told.get("security") != []),
    )


def _resolved(found: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema itself, where a reference (also among alternatives with null) stands for it."""
    for key in ("allOf", "oneOf", "anyOf"):
        if key in given:
            return _resolved(found, next((one for one in given[key] if one.get("type") != "null"), {}))
    if "$ref" in given:
        return _resolved(found, found["components"]["schemas"][given["$ref"].rpartition("/")[2]])
    return given


def _fields(found: Mapping[str, Any], given: Mapping[str, Any], depth: int = 0) -> Iterator[Field]:
    shape = _resolved(found, given)
    if shape.get("type") == "array":
        shape = _resolved(found, shape.get("items", {}))
    if depth >= DEEPEST:
        return
    for name, inner in shape.get("properties", {}).items():
        needed = name in shape.get("required", ())
        yield Field(name=name, depth=depth, kind=_kind(found, inner), needed=needed, words=inner.get("description", ""))
        yield from _fields(found, inner, depth + 1)


def _kind(found: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    shape = _resolved(found, given)
    said = shape.get("format") or shape.get("type", "")
    return " · ".join(said) if isinstance(said, list) else str(said)


def _call(method: str, url: str, media_type: str, body: Mapping[str, Any], *, secured: bool) -> str:
    parts = [f"curl {url}" if method == "get" else f"curl -X {method.upper()} {url}"]
    if secured:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    if media_type == "application/json":
        example = next((one["value"] for one in body.get("examples", NOTHING).values()), NOTHING)
        parts += [f'-H "Content-Type: {media_type}"', f"-d '{json.dumps(example, ensure_ascii=False)}'"]
    elif media_type == "application/x-www-form-urlencoded":
        parts += ["-d grant_type=client_credentials", '-d "client_id=$CLIENT"', '-d "client_secret=$TOKEN"']
    elif media_type:
        parts += [f'-H "Content-Type: {media_type}"', "--data-binary @message.xml"]
    return " \\\n  ".join(parts)


@extend_schema(exclude=True)
class Schema(APIView):
    """The schema, as JSON or (by Accept) YAML."""

    renderer_classes = (OpenApiJsonRenderer2, OpenApiYamlRenderer)

    def get(self, request: Request) -> Response:
        return Response(schema(get_language() or "en"), headers={"Vary": "Accept, Accept-Language, Cookie"})


@extend_schema(exclude=True)
class Reference(APIView):
    """The page."""

    renderer_classes = (renderers.TemplateHTMLRenderer,)

    def get(self, request: Request) -> Response:
        found = schema(get_language() or "en")
        address = request.build_absolute_uri("/").rstrip("/")
        grouped = groups(found, address=address)
        listed = [(tag, TITLES.get(tag, tag), grouped[tag]) for tag in [*(tag for tag in TITLES if tag in grouped), *sorted(grouped.keys() - TITLES.keys())]]
        told = {"groups": listed, "version": found["openapi"]}
        return Response(told, template_name="reference/page.html", headers={"Vary": "Accept-Language, Cookie"})


# What the groups are called on the page, in its order; a group without a title here comes last, by its collection's name.
TITLES = {
    "me": _("Who calls"),
    "orders": _("Orders"),
    "order-responses": _("Order responses"),
    "order-changes": _("Order changes"),
    "order-cancellations": _("Order cancellations"),
    "inbox": _("Standard messages"),
    "events": _("What happened"),
    "partners": _("Partners"),
    "items": _("Items"),
    "components": _("What items are made of"),
    "sources": _("Whence items come"),
    "structure": _("Structure as a workbook"),
    "sites": _("Sites"),
}


def routes() -> list[URLPattern]:
    """Where the interface is described."""
    return [*both("schema/", Schema.as_view(), "api-schema"), *both("docs/", Reference.as_view(), "api-docs")]
