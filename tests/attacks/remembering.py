"""What a process remembers between two requests: found in the code by its syntax, judged one by one, and tried by two enterprises.

A memory is a function that keeps its answers, a mapping, list or set of a module or class to which something writes, an object of a class of
ours that a module makes, a name that is bound anew, and what hangs on a thread or context.
"""

from __future__ import annotations

import ast
import datetime as dt
import hashlib
import importlib
import itertools
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.base import formulas, limiting, sharing, worktime
from apps.customisation import models as customisation
from apps.customisation.services import knowing
from apps.exchange.services import keys
from apps.scheduling import services as scheduling
from apps.scheduling.selectors import standing, working
from tests import ground
from tests.attacks.scene import SECRET
from tests.cast import AT, Member, outside, provision
from tests.customisation import fridge

# What is found ---------------------------------------------------------------------------------------------------------

CACHING = {"lru_cache", "cache"}
MUTABLE = {"dict", "list", "set", "OrderedDict", "defaultdict", "Counter", "deque", "WeakKeyDictionary", "WeakValueDictionary", "WeakSet"}
ASIDE = {"ContextVar", "local"}
WRITING = {"append", "appendleft", "add", "update", "setdefault", "pop", "popitem", "clear", "extend", "insert", "remove", "discard", "move_to_end"}
# Classes of ours whose objects are parts of models, forms and admin, and hold nothing of anybody.
DECLARED = ("Field", "Manager", "Site", "Context")


def trees() -> dict[str, ast.Module]:
    """Every module of ours, by its dotted name."""
    files = [file for folder in ("apps", "portal") for file in sorted((ground.ROOT / folder).rglob("*.py")) if "migrations" not in file.parts]
    return {_module(file): ast.parse(file.read_text("utf-8")) for file in files}


def _module(file: Path) -> str:
    parts = file.relative_to(ground.ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def memories(code: dict[str, ast.Module]) -> list[str]:
    """The dotted names of all memories in this code."""
    nodes = {module: list(ast.walk(tree)) for module, tree in code.items()}
    ours = {one.name for found in nodes.values() for one in found if isinstance(one, ast.ClassDef) and "frozen=True" not in _decorators(one)}
    return [f"{module}.{name}" for module, found in nodes.items() for name in _in(found, ours)]


def _in(nodes: list[ast.AST], ours: set[str]) -> Iterator[str]:
    """nodes: all of a module, the module itself first."""
    written = set(_written(nodes))
    for one in nodes:
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and any(_called(each) in CACHING for each in one.decorator_list):
            yield one.name
    for scope in (one for one in nodes if isinstance(one, ast.Module | ast.ClassDef)):
        before = f"{scope.name}." if isinstance(scope, ast.ClassDef) else ""
        for name, value in _bound(scope.body):
            made = _called(value) if isinstance(value, ast.Call) else ""
            kept = isinstance(value, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp) or made in MUTABLE
            ours_made = not before and made in ours and not made.endswith(DECLARED)
            rebound = not before and name in written
            if (kept and name in written) or rebound or made in ASIDE | CACHING or ours_made:
                yield before + name


def _bound(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for one in body:
        targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(one, ast.Assign | ast.AnnAssign) and one.value is not None:
                yield target.id, one.value


def _written(nodes: list[ast.AST]) -> Iterator[str]:
    """The names to which something in this module writes, whatever stands before them."""
    for one in nodes:
        found: ast.expr | None = None
        if isinstance(one, ast.Global):
            yield from one.names
        elif isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Store | ast.Del):
            found = one.value
        elif isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr in WRITING:
            found = one.func.value
        elif isinstance(one, ast.AugAssign):
            found = one.target
        while isinstance(found, ast.Subscript | ast.Call):
            found = found.value if isinstance(found, ast.Subscript) else getattr(found.func, "value", None)
        if isinstance(found, ast.Name | ast.Attribute):
            yield found.id if isinstance(found, ast.Name) else found.attr


def _called(one: ast.expr) -> str:
    """The last word of what is called, or named."""
    return ast.unparse(one.func if isinstance(one, ast.Call) else one).partition("[")[0].rpartition(".")[2]


def _decorators(one: ast.ClassDef) -> str:
    return " ".join(map(ast.unparse, one.decorator_list))


# What is judged --------------------------------------------------------------------------------------------------------

# By which key an enterprise finds its own; each is filled by one enterprise and asked by another.
TRIED = {
    "apps.customisation.services.knowing._kept": "home and release",
    "apps.customisation.services.solving.engine._kept": "the whole model",
    "apps.exchange.services.keys._opened": "home",
    "apps.exchange.services.keys._public": "key",
    "apps.base.formulas.parse": "the whole text",
    "apps.base.limiting._name": "kind and who",
    "apps.base.sharing._homes": "credential",
    "apps.scheduling.selectors.standing._definition": "all that a calendar says",
    "apps.base.worktime.public_holidays": "country, part, year and language",
    "apps.scheduling.selectors.working.windows": "all that a calendar says, and days",
    "apps.scheduling.selectors.working.windows_from": "all that a calendar says, and moments",
}
# The same for everybody: made of the code, of the files of a release or of the platform's settings, and of nothing that is in a home.
SAME = {
    **dict.fromkeys(
        (
            *("apps.base.announcing._answerers", "apps.base.announcing._reactions", "apps.base.announcing._loaded", "apps.base.problems.problems"),
            *("apps.accounts.selectors._permissions", "apps.documents.services.owning._owners", "apps.documents.services.owning._panels"),
            *("apps.documents.services.owning.shapes_of", "apps.exchange.services.asking.questions", "apps.live.selectors._menu"),
            *("apps.documents.types.TYPES", "apps.documents.types.COLLECTIONS", "apps.network.selectors.document_types", "apps.base.reference.schema"),
        ),
        "what the apps declare",
    ),
    **dict.fromkeys(
        (
            *("apps.exchange.formats.ubl.codes.currencies", "apps.exchange.formats.ubl.codes.countries", "apps.exchange.formats.ubl.codes.units"),
            *("apps.exchange.formats.ubl.mapping._steps", "apps.exchange.formats.ubl.model.snake", "apps.exchange.formats.ubl.model.attributes"),
            *("apps.exchange.formats.ubl.model.aggregate", "apps.exchange.formats.ubl.model._library", "apps.base.fields.currencies"),
            *("apps.catalog.services.placing.countries", "apps.accounts.forms._countries"),
        ),
        "what a standard or a list of countries says",
    ),
    "apps.base.models._statement": "the words of a statement, by tables and columns: without a schema, and without a value",
    "apps.tenants.selectors._known_migrations": "the names of the files of migrations",
    "apps.tenants.wall.building._plans": "what a new home is made of, drawn from the template",
}
# Of each enterprise something passes through: it ends with the request or the transaction, or another harness tries it.
ELSEWHERE = {
    "apps.base.acting._acting": "who acts: test_context",
    "apps.base.patience._lost": "seconds that were waited, for two seconds: tests/faults/test_waiting",
    "apps.tenants.logs.request_id": "a number of the request's own, and ends with it",
    "apps.exchange.crossing._waiting": "ends with the transaction: tests/faults/test_transactions",
    "apps.exchange.crossing._turn": "ends with the conversation: tests/faults/test_transactions",
    "apps.exchange.services.lifting._under_way": "ends with the conversation: tests/faults/test_simulation",
    "apps.network.selectors._found": "ends with the conversation, which is one transaction",
    "apps.customisation.services.solving.engine._building": "locks alone, by the key of what is built",
    "apps.tenants.cache._silence": "until when Redis is let alone, and keys, with the role in each, that are removed from it: no value",
    "apps.live.bridge._bridge": "groups with the enterprise in their names: the sockets below",
    "apps.live.services.notifying._notifier": "names of groups: the sockets below",
    "apps.base.limiting.book": "counts, by names of 16 bytes: test_limits",
    "portal.asgi.shares": "counts of threads, by enterprise: tests/base/test_sharing",
}


# What is tried ---------------------------------------------------------------------------------------------------------

_numbers = itertools.count(1)
DIGEST = hashlib.sha256(b"the same for both").digest()


@dataclass(frozen=True)
class Rememberer:
    """An enterprise with a product, a calendar and keys of its own; what it calls them is what the other one calls its own. word: stands in its texts."""

    member: Member
    word: str
    calendar: uuid.UUID

    @classmethod
    def make(cls, word: str, country: str, shifts: str) -> Rememberer:
        number = next(_numbers)
        member = provision(f"rememberer-{number}", f"Rememberer {number}")
        given = fridge.model()
        given["price"] = str(1000 + number)
        for feature in given["features"]:
            feature["name"] = f"{word} {feature['name']}"
        fridge.enter(member, given=given)
        with member.acting():
            calendar = scheduling.save_calendar(code="WEEK", name=word, country=country, monday=shifts, by=member.actor, at=AT)
        return cls(member, word, calendar.pk)

    def release(self) -> customisation.Release:
        """Its product's release, as its own home gives it away."""
        with self.member.acting():
            return customisation.Release.objects.get(published_at__isnull=False)

    def sealed(self) -> tuple[Any, bytes]:
        """Its signature of what both sign."""
        with self.member.acting():
            return keys.sign(DIGEST)


def answers(who: Rememberer, other: Rememberer) -> dict[str, Any]:
    """What an enterprise is told when it asks for its own, and with what is the other's, wherever something is remembered."""
    return {name: outside(_asked, ask, who, other) for name, ask in QUESTIONS.items()}


def _asked(ask: Callable[..., Any], who: Rememberer, other: Rememberer) -> Any:
    with who.member.acting():
        return ask(who, other)


def _release(who: Rememberer, other: Rememberer) -> Any:
    known = knowing.known(outside(who.release))
    session = known.engine.session({})
    return repr((known.features, known.model, [offer.possible for offer in session.offers], known.engine.model, known.engine.price({})))


def _others_release(who: Rememberer, other: Rememberer) -> Any:
    """A row that another home gave away: what it stands for is not found here."""
    try:
        return repr(knowing.known(outside(other.release)).features)
    except customisation.Product.DoesNotExist:
        return "nothing"


def _signs(who: Rememberer, other: Rememberer) -> Any:
    return keys.sign(DIGEST)


def _believes(who: Rememberer, other: Rememberer) -> Any:
    """Whose signature by whose key is taken for whose."""
    said = {each.member.id: outside(each.sealed) for each in (who, other)}
    return [keys.signed(key=said[key][0], sender=sender, digest=DIGEST, signature=said[by][1]) for key, sender, by in itertools.product(said, repeat=3)]


def _formula(who: Rememberer, other: Rememberer) -> Any:
    return formulas.parse(f"{who.word} + 1").names


def _counted(who: Rememberer, other: Rememberer) -> Any:
    return limiting._name("token", who.member.slug)


def _share(who: Rememberer, other: Rememberer) -> Any:
    sharing.note(who.member.token, who.member.id)
    return [sharing.asker([(b"authorization", f"Bearer {each.member.token}".encode())]) == hash(who.member.id) for each in (who, other)]


def _week(who: Rememberer, other: Rememberer) -> Any:
    week = standing.definition(who.calendar)
    first = dt.date(2027, 1, 4)
    return repr(
        (week, working.windows(week, first, 7), working.windows_from(week, working.minute(AT), 10_000), worktime.public_holidays(week.country, "", 2027))
    )


QUESTIONS: dict[str, Callable[[Rememberer, Rememberer], Any]] = {
    "its release": _release,
    "another's release": _others_release,
    "its signature": _signs,
    "whose signature": _believes,
    "a formula": _formula,
    "a count": _counted,
    "a share": _share,
    "its calendar": _week,
}


def pair() -> tuple[Rememberer, Rememberer]:
    """Who fills, and who asks: of one another they know nothing."""
    return Rememberer.make(SECRET, "DE", "06:00-14:00"), Rememberer.make("Plain", "FR", "08:00-12:00")


def place(name: str) -> tuple[Any, str]:
    """The module and the name in it."""
    module, _dot, attribute = name.rpartition(".")
    return importlib.import_module(module), attribute


def held(name: str) -> Any:
    """A memory by its dotted name."""
    return getattr(*place(name))


def size(name: str) -> int:
    """How much is remembered there."""
    kept = held(name)
    return int(kept.cache_info().currsize) if hasattr(kept, "cache_info") else len(kept)


def forget() -> None:
    """Empty all that is tried."""
    for name in TRIED:
        kept = held(name)
        (kept.cache_clear if hasattr(kept, "cache_clear") else kept.clear)()


Wanted = dict[str, dict[str, Any]]


def wanted(*both: Rememberer) -> Wanted:
    """What each of two is told when nothing is remembered."""
    found = {}
    for who, other in (both, both[::-1]):
        forget()
        found[who.word] = answers(who, other)
    return found


def mixed(victim: Rememberer, attacker: Rememberer, alone: Wanted) -> list[str]:
    """What either is told otherwise than alone after the other has asked, and what tells of the victim."""
    found: list[str] = []
    for asks, before in ((attacker, victim), (victim, attacker)):
        forget()
        answers(before, asks)
        for name, told in answers(asks, before).items():
            if told != alone[asks.word][name]:
                found.append(f"{name} of {asks.word}: {told} instead of {alone[asks.word][name]}"[:2000])
            if asks is attacker and SECRET in str(told):
                found.append(f"{name} tells of {SECRET}")
    return found


def unused(victim: Rememberer, attacker: Rememberer) -> list[str]:
    """Memories in which nothing was left by the one, or by the other: what is asked there was not tried."""
    forget()
    answers(victim, attacker)
    filled = {name: size(name) for name in TRIED}
    answers(attacker, victim)
    return [name for name in TRIED if not filled[name] or (size(name) == filled[name] and name not in BOTH_AT_ONCE)]


# Whose signature it was asks for the keys of both, whoever asks first.
BOTH_AT_ONCE = {"apps.exchange.services.keys._public", "apps.exchange.services.keys._opened"}


class OneForAll(OrderedDict[Any, Any]):
    """Mutant: remembers for everybody what was first asked for anybody."""

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__("all", value)

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__("all")

    def __contains__(self, key: Any) -> bool:
        return super().__contains__("all")

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get("all", default)

    def move_to_end(self, key: Any, last: bool = True) -> None:
        super().move_to_end("all", last)


class FirstForAll:
    """Mutant: a function that answers everybody what it answered first."""

    def __init__(self, function: Any) -> None:
        self.function, self.kept = function, dict[str, Any]()

    def __call__(self, *args: Any, **more: Any) -> Any:
        if "all" not in self.kept:
            self.kept["all"] = self.function.__wrapped__(*args, **more)
        return self.kept["all"]

    def cache_clear(self) -> None:
        self.kept.clear()

    def cache_info(self) -> Any:
        return type("Info", (), {"currsize": len(self.kept)})


def careless(name: str) -> Any:
    """The memory of this name, without a key."""
    kept = held(name)
    return FirstForAll(kept) if hasattr(kept, "cache_info") else OneForAll()
