"""What no import contract says: who goes through the boundary, who touches role and path, who writes a state, and how large things are."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.documents.types import TYPES
from tests.architecture.source import ROOT, Module, module, modules, templates

OURS = modules("apps", "portal")
CODES = {state.code for document_type in TYPES.values() for state in document_type.states}
Finding = Iterator[str]


def at(place: Module, node: ast.AST) -> str:
    return f"{place.place}:{getattr(node, 'lineno', 0)}"


# The rules: each gives the places that break it ------------------------------------------------------------------------


def goes_through_the_boundary(found: Module) -> Finding:
    """Only `exchange.crossing` enters another enterprise's home."""
    if found.name in ("apps.exchange.crossing", "apps.tenants.boundary"):
        return
    if any(name.startswith("apps.tenants.boundary") for name in found.imports()):
        yield found.place
    for node in ast.walk(found.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "tenants.boundary" in node.value and " " not in node.value:
            yield at(found, node)


HATCHES = {"in_context", "set_tenant", "set_schema", "schema_context", "tenant_context", "set_schema_to_public", "forget_role"}
SPOKEN = re.compile(r"\b(SET\s+(LOCAL\s+|SESSION\s+)?ROLE|RESET\s+ROLE|SESSION\s+AUTHORIZATION|search_path)\b", re.IGNORECASE)


def touches_role_or_path(found: Module) -> Finding:
    """Role and path are the wall's; the context is set by act_as, in_lobby, as_operator and the boundary."""
    if found.name.startswith("apps.tenants") or found.name == "apps.base.acting":
        return
    docstrings = {id(node.body[0].value) for node in ast.walk(found.tree) if isinstance(node, DOCUMENTED) and node.body and isinstance(node.body[0], ast.Expr)}
    for node in ast.walk(found.tree):
        called = node.func if isinstance(node, ast.Call) else None
        name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
        if name in HATCHES or (isinstance(node, ast.ImportFrom) and {alias.name for alias in node.names} & HATCHES):
            yield at(found, node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings and SPOKEN.search(node.value):
            yield at(found, node)


DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def asks_past_the_wall(found: Module) -> Finding:
    """The owner's connection and connections of one's own are for provisioning and for the ear at the database."""
    allowed = ("apps.tenants", "apps.live.bridge.listening", "apps.live.services.notifying", "portal.embedded")
    if found.name.startswith(allowed):
        return
    for node in ast.walk(found.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            value = node.func.value
            if node.func.attr == "connect" and isinstance(value, ast.Name) and value.id in ("psycopg", "Connection", "AsyncConnection", "PatientConnection"):
                yield at(found, node)
            if node.func.attr in ("using", "db_manager"):
                yield at(found, node)
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "connections" and ast.unparse(node.slice) != "'default'":
            yield at(found, node)


def writes_a_state(found: Module) -> Finding:
    """Only `documents.services` writes the state of a document."""
    if found.name.startswith("apps.documents.services"):
        return
    for node in ast.walk(found.tree):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else []
        if any(isinstance(target, ast.Attribute) and target.attr == "state" for target in targets):
            yield at(found, node)
        called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
        if called == "update" and any(keyword.arg == "state" for keyword in node.keywords):  # type: ignore[attr-defined]
            yield at(found, node)
        if called == "bulk_update" and "'state'" in ast.unparse(node):
            yield at(found, node)


def compares_a_state_code(found: Module) -> Finding:
    """What a document's state means is declared; outside documents nobody compares its code. The floors beneath know no documents."""
    if found.name.startswith(("apps.documents", "apps.base", "apps.tenants", "apps.accounts", "apps.network", "apps.catalog")):
        return
    for node in ast.walk(found.tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(is_a_state(side) for side in sides) and any(codes_in(side) for side in sides):
                yield at(found, node)
        if isinstance(node, ast.keyword) and STATE.fullmatch((node.arg or "").removesuffix("__in").rpartition("__")[2]) and codes_in(node.value):
            yield at(found, node.value)


STATE = re.compile(r"(\w+_)?states?")


def is_a_state(node: ast.AST) -> bool:
    """Whether an expression is a document's state by its name: a variable, an attribute (also of the code), a key, or what is got by such a key."""
    if isinstance(node, ast.Attribute):
        of_a_partner = isinstance(node.value, ast.Name) and node.value.id == "partner"
        return (bool(STATE.fullmatch(node.attr)) and not of_a_partner) or (node.attr == "code" and is_a_state(node.value))
    if isinstance(node, ast.Name):
        return bool(STATE.fullmatch(node.id))
    if isinstance(node, ast.Subscript):
        return _names_a_state(node.slice)
    if isinstance(node, ast.Call):
        return any(_names_a_state(argument) for argument in node.args) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop")
    return False


def _names_a_state(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(STATE.fullmatch(node.value))


def codes_in(node: ast.AST) -> set[str]:
    return {inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant) and isinstance(inner.value, str)} & CODES


def has_signals(found: Module) -> Finding:
    """Our own logic is announced, and never a Django signal."""
    if any(name.startswith(("django.dispatch", "django.db.models.signals", "django.core.signals")) for name in found.imports()):
        yield found.place


def has_a_service_that_takes_a_request(found: Module) -> Finding:
    """Services know no request."""
    if re.search(r"\.services(\.|$)", found.name):
        for node in ast.walk(found.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
                if "request" in names:
                    yield at(found, node)


def enters_another_app_by_its_models(found: Module) -> Finding:
    """Another app is entered through services, selectors, types, vocabulary; its tables are its own."""
    app = ".".join(found.name.split(".")[:2])
    for name in found.imports():
        parts = name.split(".")
        anothers = parts[0] == "apps" and parts[2:3] == ["models"] and ".".join(parts[:2]) not in (app, "apps.base")
        if anothers and not (found.name.endswith(".admin") or ".management." in found.name):
            yield f"{found.place} imports {name}"


def says_it_later(found: Module) -> Finding:
    """Nothing is put off, and nothing is headed by a licence or a banner."""
    for number, text in enumerate(found.text.splitlines(), 1):
        if re.search(r"#.*\b(TODO|FIXME|XXX|HACK)\b", text):
            yield f"{found.place}:{number}"
    if re.match(r"\s*#.*(copyright|licen[sc]e|={5,}|\*{5,})", found.text, re.IGNORECASE):
        yield found.place


RULES: list[Callable[[Module], Finding]] = [
    goes_through_the_boundary,
    touches_role_or_path,
    asks_past_the_wall,
    writes_a_state,
    compares_a_state_code,
    has_signals,
    has_a_service_that_takes_a_request,
    enters_another_app_by_its_models,
    says_it_later,
]
# What breaks each rule, as a file of this name would.
BROKEN = {
    goes_through_the_boundary: ("apps/orders/services.py", "from apps.tenants import boundary\n"),
    touches_role_or_path: ("apps/orders/services.py", 'def f(c):\n    c.execute("SET LOCAL ROLE x")\n'),
    asks_past_the_wall: ("apps/orders/services.py", "def f(m):\n    return m.objects.using('owner')\n"),
    writes_a_state: ("apps/orders/services.py", "def f(d):\n    d.state = 'agreed'\n"),
    compares_a_state_code: ("apps/orders/views.py", "def f(d):\n    return d.state == 'agreed'\n"),
    has_signals: ("apps/orders/apps.py", "from django.db.models.signals import post_save\n"),
    has_a_service_that_takes_a_request: ("apps/orders/services.py", "def f(request):\n    return request\n"),
    enters_another_app_by_its_models: ("apps/orders/services.py", "from apps.documents import models\n"),
    says_it_later: ("apps/orders/services.py", "x = 1  # TODO: more\n"),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_nobody(rule: Callable[[Module], Finding]) -> None:
    assert [place for found in OURS for place in rule(found)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_who_does_is_found(rule: Callable[[Module], Finding], tmp_path: Path) -> None:
    place, text = BROKEN[rule]
    file = tmp_path / place
    file.parent.mkdir(parents=True)
    file.write_text(text)
    parsed = module(file, tmp_path)
    broken = Module(ROOT / place, parsed.name, text, parsed.tree)
    assert len(list(rule(broken))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "d.state == 'agreed'",
        "d['state'] in ('held', 'moved')",
        "'kept' != row.get('state')",
        "d.state.code == 'agreed'",
        "new_state == 'held'",
        "rows.filter(state='agreed')",
        "rows.filter(document__state__in=['held', 'kept'])",
    ],
)
def test_a_state_is_known_by_its_name(text: str) -> None:
    assert len(list(compares_a_state_code(_parsed(text)))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "step.move == 'released'",
        "partner.state == 'asked'",
        "sql.state_of(kind='held')",
        "kind in ('moved', 'kept')",
        "f(moved='held') if statement == 'asked' else 0",
    ],
)
def test_an_everyday_word_is_none(text: str) -> None:
    assert list(compares_a_state_code(_parsed(text))) == []


def _parsed(text: str) -> Module:
    place = ROOT / "apps" / "orders" / "views.py"
    return Module(place, "apps.orders.views", text, ast.parse(text))


# Templates -------------------------------------------------------------------------------------------------------------

TAG = re.compile(r"{%\s*(if|elif|ifequal|ifchanged)\b[^%]*%}")


def states_in(text: str) -> list[str]:
    """The tags that compare a state code."""
    return [tag.group(0) for tag in TAG.finditer(text) if any(f'"{code}"' in tag.group(0) or f"'{code}'" in tag.group(0) for code in CODES)]


def test_no_template_compares_a_state_code() -> None:
    assert [(place, states_in(text)) for place, text in templates() if states_in(text)] == []
    assert states_in('{% if document.state == "agreed" %}x{% endif %}') == ['{% if document.state == "agreed" %}']


def test_no_template_asks_for_what_is_not_served_here() -> None:
    address = re.compile(r"""(?:src|href|action)\s*=\s*["']?(https?:)?//""")
    assert [place for place, text in templates() if place.endswith(".html") and address.search(text)] == []


# Rooms -----------------------------------------------------------------------------------------------------------------

ROOMS = {
    *("__init__", "urls", "admin", "views", "api", "consumers", "tasks", "forms", "filters", "services", "selectors", "models"),
    *("declarations", "apps", "migrations", "management"),
}
# What an app has beyond the common rooms; a new one is a decision, and needs its word here.
ITS_OWN = {
    "base": {
        *("acting", "announcing", "asking", "clock", "describing", "fields", "findings", "formulas", "inputs", "limiting", "pages", "paging"),
        *("patience", "problems", "reference", "retrying", "rows", "sharing", "templatetags", "text", "units", "worktime"),
    },
    "tenants": {"boundary", "cache", "logs", "middleware", "storage", "wall"},
    "accounts": {"adapter", "middleware"},
    "network": {"terms"},
    "documents": {"types", "vocabulary"},
    "exchange": {"crossing", "formats"},
    "live": {"bridge", "middleware"},
}
NEVER = {"utils", "helpers", "common", "signals", "constants", "managers", "misc", "util", "helper", "tools"}


def test_the_rooms_are_the_declared_ones() -> None:
    for app in sorted((ROOT / "apps").iterdir()):
        if app.is_dir() and app.name != "__pycache__":
            rooms = {path.stem for path in app.iterdir() if path.name not in ("__pycache__", "templates", "static")}
            assert (app.name, rooms - ROOMS - ITS_OWN.get(app.name, set())) == (app.name, set())


def test_no_room_is_a_lumber_room() -> None:
    assert [found.place for found in modules("apps", "portal", "tests") if set(found.name.split(".")) & NEVER] == []


# Sizes -----------------------------------------------------------------------------------------------------------------


def lengths(found: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(found.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or 0) - node.lineno + 1, f"{found.place}:{node.lineno} {node.name}"


@pytest.mark.parametrize("folders", [("apps", "portal"), ("tests",)], ids=["ours", "tests"])
def test_functions_are_small(folders: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    found = sorted((length for place in modules(*folders) for length in lengths(place)), reverse=True)
    sizes = [size for size, _name in found]
    mean, most = statistics.mean(sizes), sizes[0]
    short = sum(size <= 45 for size in sizes) / len(sizes)
    with capsys.disabled():
        print(f"\n{'+'.join(folders)}: {len(sizes)} functions, mean {mean:.1f}, at most 45 lines {short:.1%}; the longest: {found[:5]}")
    assert mean <= 15
    assert short >= 0.95
    assert most <= 100, found[0]


def test_files_are_small() -> None:
    """About 600 lines; more is a package."""
    counts = sorted(((found.text.count("\n"), found.place) for found in modules("apps", "portal", "tests")), reverse=True)
    counts += [(text.count("\n"), place) for place, text in templates()]
    assert [place for count, place in counts if count > 660] == []


def test_everything_public_is_explained() -> None:
    """A module without any word of what it is for is a riddle; declarations, apps, tasks and admin speak for themselves."""
    quiet = ("declarations", "apps", "tasks", "admin", "urls", "__init__", "manage")
    said = [found for found in OURS if found.path.name != "__init__.py" and found.name.rpartition(".")[2] not in quiet]
    silent = [found.place for found in said if not ast.get_docstring(found.tree)]
    assert [place for place in silent if "/management/" not in place and "adapter" not in place] == []
