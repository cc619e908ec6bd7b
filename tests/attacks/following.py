"""What an address may name that nobody listed: paths through relations, in filters and orderings, as somebody would who has read the models."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.db import models

from apps.base.admin import homes
from tests.attacks import doors
from tests.attacks.doors import Door
from tests.attacks.scene import SECRET, Scene
from tests.attacks.striking import Attacker, Found, Raid, Strike, alike

DEPTH = 4


def paths(
    model: type[models.Model], *, before: tuple[str, ...] = (), seen: frozenset[type[models.Model]] = frozenset()
) -> Iterator[tuple[str, type[models.Model]]]:
    """Every path through relations, forwards and backwards, as a filter would say it, with the model to which it leads."""
    for one in model._meta.get_fields():
        other = one.related_model
        if not one.is_relation or not isinstance(other, type) or other in seen:
            continue
        path = (*before, one.name)
        yield "__".join(path), other
        if len(path) < DEPTH:
            yield from paths(other, before=path, seen=seen | {model})


# Whoever may ask how these begin has them in the end.
FIRST = ("password", "token_hash", "email", "user", "secret", "private")
LOOKUPS = ("", "__exact", "__startswith", "__gte")
ORDERS = ("ordering", "o")


@lru_cache(maxsize=200)
def asked(model: type[models.Model]) -> list[str]:
    """Every column that a filter on this model may name, its own and through relations; persons and passwords first."""
    places = [("", model), *((f"{path}__", other) for path, other in paths(model))]
    names = {f"{path}{column.name}" for path, other in places for column in other._meta.concrete_fields}
    return sorted(names, key=lambda name: (not any(word in name for word in FIRST), name))


def lists(found: Iterable[Door]) -> list[Door]:
    """The doors behind which many rows are: those whose address names none. A form that comes with what its address says shows no row."""
    rows = [door for door in found if all(name in doors.WORDS for name in door.parameters) and not door.route.endswith("/add/")]
    return [door for door in rows if not door.of_platform and not door.route.startswith("accounts/")]


def models_of(door: Door) -> list[type[models.Model]]:
    """What a door may list: the model of an admin's page, else those of the app whose view it is; and beside them who may enter, with what."""
    named = [model for model in homes._registry if door.route.startswith(f"admin/home/{model._meta.app_label}/{model._meta.model_name}/")]
    own = [model for model in apps.get_models() if door.view.__module__.startswith(f"{model.__module__.rpartition('.')[0]}.")]
    return (named or own) + [apps.get_model("accounts", name) for name in ("Membership", "User", "ApiClient")]


def listed(options: Any) -> set[str]:
    """What a list of the admin shows as its filters, with the key of each: what they say to a value that is none is theirs to say."""
    named = {name if isinstance(name, str) else name[0] for name in options.get_list_filter(None)}
    return named | {f"{name}__{key}" for name in named for key in ("id", "pk")}


def filters(door: Door) -> set[str]:
    """The filters of the admin's list behind a door; none behind any other."""
    own = [options for model, options in homes._registry.items() if model in models_of(door)[:-3]]
    return set().union(*(listed(options) for options in own)) if door.route.startswith("admin/home/") else set()


class Follow(Raid):
    """Asks each list by paths that nobody listed. Whatever the path and whoever's the value, the answer is that for a path that does not exist."""

    def at(self, door: Door, attacker: Attacker) -> None:
        known = door.queries | doors.known(door) | filters(door)
        every = models_of(door)
        for model in self.chance.sample(every, min(4 if self.thorough else 1, len(every))):
            names = [name for name in asked(model) if name not in known and len(name) > 4]
            for name in picked(names, 2 if self.thorough else 1, self.chance):
                self.follow(door, attacker, name, self.chance.choice(LOOKUPS))

    def follow(self, door: Door, attacker: Attacker, name: str, lookup: str) -> None:
        """One path: as a filter with theirs, with nobody's, and with a path of no model; as an ordering with it, and with that of none."""
        theirs, none = worth(name, self.scene), doors.like(name)
        nobodys = doors.like(theirs)
        pairs = [{f"{name}{lookup}": theirs}, {f"{name}{lookup}": nobodys}, {f"{none}{lookup}": theirs}]
        self._alike(door, attacker, pairs, (f"{name}{lookup}", f"{none}{lookup}", name, none, theirs, nobodys))
        if name not in doors.described(door.route)["orders"]:
            order = self.chance.choice(ORDERS)
            self._alike(door, attacker, [{order: name}, {order: none}], (name, none))

    def _alike(self, door: Door, attacker: Attacker, queries: list[dict[str, str]], said: tuple[str, ...]) -> None:
        address = door.address({name: doors.WORDS[name][0] for name in door.parameters})
        # What the portal repeats of a name or a value it cuts off after 60 characters.
        values = dict(enumerate([*said, *(one[:60] for one in said)]))
        told = [self._answer(door, attacker, Strike("GET", address, query=query, headers=self.headers), values) for query in queries]
        for query, answer in zip(queries[1:], told[1:], strict=True):
            if answer != told[0]:
                what = f"answers {told[0][0]}, and {answer[0]} to {query}: the path is followed"
                self.tally.found.append(Found(door.route, attacker.name, f"GET {address} ?{queries[0]}", what))

    def _answer(self, door: Door, attacker: Attacker, strike: Strike, values: Mapping[Any, str]) -> Any:
        return alike(self._send(door, attacker, strike, values), values.values())


def picked(names: list[str], most: int, chance: random.Random) -> list[str]:
    """So many of them, each as likely one that leads to a person or a secret as any."""
    first = [name for name in names if any(word in name for word in FIRST)] or names
    return [chance.choice(chance.choice((first, names))) for _ in range(most if names else 0)]


def worth(name: str, scene: Scene) -> str:
    """What would be found there, were it followed to the victim: the beginning of a hash, an id, or a word of its texts."""
    column = name.rpartition("__")[2]
    if column == "password":
        return "argon2"
    kind = {field.name: field for model in apps.get_models() for field in model._meta.concrete_fields}[column]
    return str(scene.ids["orders"][0]) if kind.is_relation or isinstance(kind, models.UUIDField) else SECRET


def admitted(options: Any, request: Any) -> list[str]:
    """What a list of the admin lets itself be filtered by though none of its filters says so; the key of what a filter names belongs to the filter."""
    named = listed(options)
    return [name for name in asked(options.model) if name not in named and options.lookup_allowed(f"{name}__startswith", "a", request)]
