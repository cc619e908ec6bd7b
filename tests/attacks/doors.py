"""Every address as the code declares it, and what is tried there: with ids, names and links of another enterprise, and with some of nobody's.

Nothing here names a route. What a route asks for is read from its pattern, its view and the description of the API; a parameter whose name says
nothing is tried with an id of every table. So a route that is added is tried by itself, and `unknown` tells where that cannot be done.
"""

from __future__ import annotations

import inspect
import random
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.apps import apps
from django.urls import get_resolver
from django.urls.resolvers import URLResolver
from django_filters import FilterSet
from drf_spectacular.generators import SchemaGenerator

from apps.base.admin import homes, platform
from apps.documents.types import COLLECTIONS
from apps.documents.views.reading import PARTS
from apps.network.views import DEEDS, INVITATION_DEEDS
from tests.attacks.scene import GTIN, Scene

NOBODY = "0193a000-0000-7000-8000-00000000dead"
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
PARAMETER = re.compile(r"<(?:(?P<converter>\w+):)?(?P<name>\w+)>|\(\?P<(?P<named>\w+)>(?P<regex>(?:[^()\[\]]|\[[^\]]*\])*)\)")

# How the code of a view reads a name that it spells.
READ = (r"(?:GET|POST|query|query_params|given)\.(?:get|getlist)\(\"(\w+)\"", r"GET\[\"(\w+)\"\]", r"\"(\w+)\" in \w+\.GET")

# What stands in an address before an id, and whose id that is: a table of the scene. Whatever is not here is tried with one of each.
TABLES = {
    "items": "catalog.Item", "components": "catalog.Component", "sources": "catalog.Source", "sites": "catalog.Site", "stock": "catalog.Item",
    "matching": "documents.Line", "attachments": "documents.Attachment", "originals": "documents.Original", "views": "documents.SavedView",
    "bulk": "documents.Bulk",
    **{collection: collection for kind in COLLECTIONS.values() for collection in kind.answers}, "packing": "despatch-advices",
    "receiving": "despatch-advices", "configurations": "customisation.Configuration",
    "resources": "scheduling.Resource", "calendars": "scheduling.Calendar", "closures": "scheduling.Closure", "operations": "scheduling.Operation",
    "jobs": "scheduling.Job", "plans": "plans", "needs": "procurement.Need", "people": "accounts.Membership", "tokens": "accounts.ApiClient",
    "notices": "network.Contact", "notice-addresses": "network.Contact", "invitations": "network.Invitation",
    "channel": "exchange.Channel", **{collection: collection for collection in COLLECTIONS},
}  # fmt: skip
# Parameters that hold a word of the portal's own, the same for everybody.
WORDS = {
    "collection": list(COLLECTIONS), "part": [*PARTS, "features", "rules", "examples"], "deed": [*DEEDS, *INVITATION_DEEDS],
    "app_label": ["catalog", "documents"],
    "move": sorted({move.code for kind in COLLECTIONS.values() for move in kind.moves}), "url": ["catalog/item"], "content_type_id": ["1"], "uidb36": ["1"],
}  # fmt: skip
# Parameters that hold what is an enterprise's own: a key of `theirs`.
THEIRS = {
    "slug": "slug", "seller": "slug", "product": "product", "code": "product", "name": "picture", "token": "link", "key": "id", "line": "id",
    "id": "id", "uid": "id",
    "object_id": "id", "attachment": "id",
}  # fmt: skip
# Where a directory is looked up: an enterprise may be invited by whoever knows its name, and so be known to stand there. They invite a bystander.
INVITING = ("network/invite/", "api/v1/partners/")
# Where the answers may differ, each with the reason.
DIFFERING = {
    **dict.fromkeys(INVITING, "whoever knows an enterprise's name may invite it"),
    "set-up/<str:token>/": "a link opens to whoever holds it: to set the first password, once",
    "accounts/2fa/totp/activate/": "each answer has a secret of its own to be scanned",
}
# Where a person reads his own address, though nobody has signed in.
ADDRESSED = {"set-up/<str:token>/": "a link tells whoever holds it whose password he sets"}
# Fields and parameters by which a request names something, wherever they stand: what is tried in them.
REFERENCES = {
    "seller": "slug", "buyer": "slug", "partner": "slug", "enterprise": "slug", "supplier": "slug", "customer": "slug", "slug": "slug",
    "item": "item", "component": "item",
    "number": "document_number", "product": "product", "code": "resource", "resource": "resource", "pool": "resource", "calendar": "calendar", "site": "site",
    "configuration": "configuration", "promise": "promises", "despatch_advice": "despatch-advices", "order": "orders", "orders": "orders", "document": "orders",
    "uid": "orders", "id": "orders", "plan": "plan", "source": "source", "line": "line", "lines": "line", "share": "share", "token": "share",
    "release": "release",
    "cursor": "cursor", "after": "cursor", "before": "cursor", "q": "document_number", "updated_after": "", "answer_due_before": "",
    "_selected_action": "orders", "sscc": "sscc", "lot": "lot",
    "ordering": "ordering",
    "substitute": "item", "alternate_of": "item", "want": "product", "parent": "promises", "partner_number": "item", "next": "slug", "item_number": "item",
}  # fmt: skip
# What may stand behind the question mark, and what each names.
QUERIED = {**REFERENCES, "email": "email", "gtin": "gtin", "term": "document_number"}
# What is read there (or from a form of the same view) and names nobody's row: days, quantities, switches, and words of the portal's own.
HARMLESS = frozenset({
    "as", "at", "check", "days", "do",
    "draft", "from", "on", "saved", "due_from", "due_on", "due_to", "quantity", "limit", "seconds", "version", "page", "index",
    "action", "columns", "deed", "late", "move", "open", "overdue", "part", "partial", "pick", "place", "query", "role", "side", "state", "theirs", "unseen",
    "unit", "urlencode", "view", "waiting", "answer_hours", "notice_days", "opens", "closes", "subdivision", "person",
    # What is tolerated of an answer, and with which group of one's own.
    "group", "terms",
    "over-percent", "over-beyond", "under-percent", "under-beyond", "early-days", "early-beyond", "late-days", "late-beyond", "dearer-percent",
    "dearer-amount", "dearer-beyond", "cheaper-percent", "cheaper-amount", "cheaper-beyond", "split-count", "split-beyond", "substitute-beyond",
    "backorder-beyond",
    "language", "name", "note", "reason", "remove_line", "text", "endpoints_form", "person_form", "profile_form", "token_form",
    # The admin's own, of which none is a condition: those stand in `_of_admin`, and whatever else is asked is tried by `tests.attacks.following`.
    "_changelist_filters", "_facets", "_popup", "_source_model", "_to_field", "all", "app_label", "e", "extended", "field_name", "model_name", "o", "p", "s",
    # The description of the API: its format, and the language in which it is told.
    "format", "lang",
})  # fmt: skip
# What is asked for and never written down: an attacker who enters it would find his own words again.
ASKED_ONLY = ("document_number", "cursor", "ordering")
PLAIN = {
    "quantity": "1", "unit": "C62", "currency": "EUR", "price": "1", "due_on": "2027-03-01", "name": "Tried", "text": "Tried", "received": "1",
    "hold_minutes": 5, "dock": "ship", "answer_hours": 5, "notice_days": 5, "days": [1], "opens": "09:00", "closes": "17:00",
    "until": "2027-03-01T00:00:00Z", "reason": "Tried", "number": "TRIED", "role": "viewer", "language": "en", "state": "published",
}  # fmt: skip


@dataclass(frozen=True)
class Door:
    """One route with its view. Who may enter it stands in `tests.architecture.test_doors`; here it is only called, by token or as a page."""

    route: str
    view: Any

    @property
    def parameters(self) -> list[str]:
        return [found["name"] or found["named"] for found in PARAMETER.finditer(self.route)]

    @property
    def by_token(self) -> bool:
        return self.route.startswith("api/") or self.route.startswith("oauth/")

    @property
    def of_platform(self) -> bool:
        return self.route.startswith("admin/") and not self.route.startswith("admin/home/")

    @property
    def view_class(self) -> Any:
        return getattr(self.view, "cls", None) or getattr(self.view, "view_class", None)

    def address(self, values: Mapping[str, str]) -> str:
        """The address with these values; what is left of a regular expression is taken off."""
        plain = PARAMETER.sub(lambda found: values[found["name"] or found["named"]], self.route)
        return "/" + re.sub(r"\^|\$|\\|\(\?:|\)", "", plain)

    @cached_property
    def queries(self) -> frozenset[str]:
        """The names that may stand behind the question mark: from the description of the API, from the filter, and from the code of the view."""
        source = inspect.getsource(inspect.getmodule(inspect.unwrap(self.view)) or inspect)
        read = {name for how in READ for name in re.findall(how, source)}
        listed = {name for one in filter_sets() if one.__name__ in source for name in one.base_filters}
        return frozenset(described(self.route)["queries"] if self.by_token else read | listed | _of_admin(self.route))


def filter_sets() -> list[Any]:
    """Every set of filters of ours."""
    return [one for one in FilterSet.__subclasses__() if one.__module__.startswith("apps.")]


def _of_admin(route: str) -> set[str]:
    """By what the list of an admin is searched, sorted and filtered."""
    for site, start in ((homes, "admin/home/"), (platform, "admin/")):
        for model, options in site._registry.items() if route.startswith(start) else ():
            if route == f"{start}{model._meta.app_label}/{model._meta.model_name}/":
                return {"q", "o", "id__exact", *(f"{name}__exact" for name in options.list_filter if isinstance(name, str))}
    return set()


def doors(patterns: list[Any] | None = None, before: str = "") -> Iterator[Door]:
    """Every route of the resolver, with its view. Of the two spellings with and without a slash at the end the one with it."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from doors(pattern.url_patterns, route)
        else:
            yield Door(route, pattern.callback)


@lru_cache(maxsize=1)
def _schema() -> Mapping[str, Any]:
    return SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call, no-any-return]


@lru_cache(maxsize=1)
def _operations() -> Mapping[str, Mapping[str, Any]]:
    return {re.sub(r"\{\w+\}", "{}", path).strip("/"): found for path, found in _schema()["paths"].items()}


def described(route: str) -> dict[str, Any]:
    """What the description of the API says of a route: the names of its queries, the shape of each method's body, and by what it lets itself be ordered."""
    found = _operations().get(re.sub(r"<[^>]*>", "{}", route).strip("/"), {})
    asked = [one for said in found.values() if isinstance(said, dict) for one in said.get("parameters", ()) if one["in"] == "query"]
    orders = {way for one in asked if one["name"] == "ordering" for way in one["schema"].get("enum", ())}
    bodies = {method.upper(): shape for method, said in found.items() if isinstance(said, dict) and (shape := _body_of(said))}
    return {"queries": {one["name"] for one in asked}, "bodies": bodies, "orders": orders}


def _body_of(said: Mapping[str, Any]) -> Any:
    return said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")


def filled(shape: Any, values: Mapping[str, str], name: str = "", depth: int = 0) -> Any:
    """A body of this shape, which names what `values` hold wherever it names anything."""
    if "$ref" in shape:
        shape = _schema()["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
    for several in ("oneOf", "anyOf", "allOf"):
        if several in shape:
            return filled(shape[several][0], values, name, depth)
    kind = shape.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" or "properties" in shape:
        wanted = [one for one in shape.get("properties", {}) if one in shape.get("required", ()) or one in REFERENCES or one in PLAIN]
        return {one: filled(shape["properties"][one], values, one, depth + 1) for one in wanted} if depth < 6 else {}
    if kind == "array":
        return [filled(shape.get("items", {}), values, name, depth + 1)]
    return _leaf(kind, shape, values, name)


def _leaf(kind: Any, shape: Mapping[str, Any], values: Mapping[str, str], name: str) -> Any:
    if kind in ("integer", "number", "boolean"):
        return {"boolean": True}.get(kind, 1)
    if REFERENCES.get(name) and REFERENCES[name] not in ASKED_ONLY:
        return values[REFERENCES[name]]
    return shape["enum"][0] if shape.get("enum") else PLAIN.get(name, "x")


def form(values: Mapping[str, str]) -> dict[str, Any]:
    """What a form may say: every name by which something is named, each with what `values` hold, and a move or deed for it."""
    named = {name: values[key] for name, key in REFERENCES.items() if key and key not in ASKED_ONLY}
    return {
        **{name: value for name, value in PLAIN.items() if name not in named},
        **named,
        "action": "delete_selected",
        "deed": "publish",
        "file": "x",
        "counted": "5",
    }


# What is tried ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Aim:
    """One address of another's, and the same of nobody's. theirs, nobodys: what stands in path, query or body, by key.

    reading: nothing but GET: what a partner may do is not undone.
    """

    theirs: Mapping[str, str]
    nobodys: Mapping[str, str]
    reading: bool = False


def table_of(route: str, parameter: str) -> str | None:
    """The table whose id stands there, as the words before it say; None where they say nothing."""
    before = route.partition(f":{parameter}>")[0].split("/")[:-1]
    if route.startswith("admin/") and len(before) >= 2:
        named = next((model for model in apps.get_models() if [*before[-2:]] == [model._meta.app_label, model._meta.model_name]), None)
        if named is not None:
            return named._meta.label
    return next((TABLES[word] for word in reversed(before) if word in TABLES), None)


def values_of(scene: Scene) -> dict[str, str]:
    """What belongs to the victim, by the name under which a request would say it."""
    first = {key: str(scene.ids[label][0]) for key, label in _FIRST.items()}
    return {
        **first, "slug": scene.victim.slug, "item": "SPIED-ON", "product": "shown-one", "resource": "SPIED-MACHINE", "calendar": "SPIED-WEEK",
        "site": "SPIED-SITE", "line": "1", "release": "1", "lot": "lot", "sscc": "340123450000000017", "ordering": "document__number", "id": first["orders"],
        "share": scene.secrets["share"][0], "link": scene.secrets["link"][0], "picture": scene.secrets["picture"][0],
        "email": f"viewer@{scene.victim.slug}.example", "gtin": GTIN,
        "cursor": scene.secrets["cursor"][0], "document_number": scene.secrets["number"][0],
    }  # fmt: skip


_FIRST = {
    "orders": "orders", "promises": "promises", "despatch-advices": "despatch-advices", "configuration": "customisation.Configuration",
    "plan": "scheduling.Plan",
    "source": "catalog.Source",
}  # fmt: skip


def nobodys(values: Mapping[str, str]) -> dict[str, str]:
    """The same of nobody's: of each value's shape, and known to no home. What is of no enterprise's (a position, a release) stays."""
    same = {key: values[key] for key in ("line", "release", "cursor")}
    return {**{key: like(value) for key, value in values.items()}, **same, "gtin": "7777777777772"}


def like(value: str) -> str:
    """Of the same shape, and nobody's."""
    try:
        uuid.UUID(value)
    except ValueError:
        plain = re.sub(r"[A-Z]", "Z", re.sub(r"[a-z]", "z", re.sub(r"[0-9]", "7", value)))
        return plain if not value.endswith(".png") else "7" * 64 + ".png"
    # Whoever reads the end as a number (as the admin does of an ordering) must find one in both, or in none.
    return f"{NOBODY[:-4]}7777" if value[-12:].isdecimal() else NOBODY


def aims(door: Door, scene: Scene, *, partner: bool, most: int, chance: random.Random) -> list[Aim]:
    """What is tried at this door: at most so many for each parameter of its address.

    The name of the victim is no secret to its partner, who tries the rest with it, and with the name of an enterprise that he does not know.
    """
    base = values_of(scene)
    known = dict(base)
    if door.route in INVITING:
        known["slug"] = base["slug"] = scene.bystander.slug
    elif partner:
        base["slug"] = scene.customer.slug
    found = [base]
    for parameter in door.parameters:
        found = [{**values, parameter: value} for values in found for value in _values(door.route, parameter, values, scene, most, chance)]
    words = [name for name in door.parameters if name in WORDS]
    made = [Aim(values, {**nobodys(values), **{name: values[name] for name in words}}) for values in found]
    if partner and {"slug", "seller"} & set(door.parameters) and len(door.parameters) > 1:
        named = dict.fromkeys(("slug", "seller"), known["slug"])
        made += [Aim({**aim.theirs, **named, **_hidden(door)}, {**aim.nobodys, **named}, reading=True) for aim in made]
    return made


def _hidden(door: Door) -> dict[str, str]:
    return {name: "hidden-one" for name in door.parameters if THEIRS.get(name) == "product"}


def _values(route: str, parameter: str, so_far: Mapping[str, str], scene: Scene, most: int, chance: random.Random) -> list[str]:
    if parameter in WORDS:
        return chance.sample(WORDS[parameter], min(most, len(WORDS[parameter])))
    papers = next((word for word in ("attachments/<", "originals/<") if word in route), None)
    if papers and parameter == "uid":
        return scene.secrets[papers][:1]
    kind = "link" if route.startswith("accounts/") else THEIRS.get(parameter, "id")
    if kind == "link":
        return scene.secrets["share" if "shared" in route else "link"][:1]
    if kind == "product":
        return chance.sample(["shown-one", "hidden-one"], min(most, 2))
    if kind != "id":
        return [so_far[kind]]
    label = (
        so_far.get("collection")
        if "<slug:collection>" in route and parameter == "uid" and not {"views", "bulk"} & set(route.split("/"))
        else table_of(route, parameter)
    )
    if label is None:
        return sorted({str(ids[0]) for ids in scene.ids.values() if ids})
    ids = scene.ids.get(label) or [scene.victim.id]
    return [str(id) for id in chance.sample(ids, min(most, len(ids), 5))]


def unknown(found: list[Door]) -> list[tuple[str, str]]:
    """Parameters of routes of which nobody has said what may stand there, and which hold no id."""
    return [(door.route, name) for door in found for name in door.parameters if name not in WORDS and name not in THEIRS]


def unasked(found: list[Door]) -> list[tuple[str, str]]:
    """Names behind the question mark, as the code and the descriptions say them, of which nobody has said what they name."""
    return [(door.route, name) for door in found for name in sorted(door.queries - known(door))]


def known(door: Door) -> frozenset[str]:
    """The names of which it is known what they name there."""
    return frozenset(QUERIED) | HARMLESS | _of_admin(door.route)
