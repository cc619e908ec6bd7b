"""Before a model is sold: what is wrong with it, whether its examples turn out as the maker said, and its publication."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.base import formulas
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid
from apps.customisation.models import Release
from apps.customisation.services import editing, solving
from apps.customisation.services.knowing import model_of
from apps.customisation.services.solving import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An example and how it turned out. why: the sentence, where it is otherwise than the maker said."""

    name: str
    valid: bool
    as_said: bool
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """All that can be said of a model. faults: of the model, warnings too; count: how many products there are, None where that is not known."""

    faults: tuple[Fault, ...]
    examples: tuple[Tried, ...]
    count: int | None

    @property
    def findings(self) -> list[Finding]:
        """What keeps the model from being published, each with its place."""
        found = [Finding(f"/{fault.place}", fault.code, sentence_with_column(fault)) for fault in self.faults if not fault.warning]
        return found + [Finding(f"/examples/{index}", "example", f"{one.name}: {one.why}") for index, one in enumerate(self.examples) if not one.as_said]


def sentence_with_column(fault: Fault) -> str:
    return _("Column %(column)d: %(why)s") % {"column": fault.column, "why": fault.sentence} if fault.column else fault.sentence


def check(release: Release) -> Checked:
    """Look for everything that is wrong with a release, and try its examples."""
    described = editing.described(release)
    model = model_of(described, code=release.product.code)
    faults = solving.faults(model)
    if any(not fault.warning for fault in faults):
        return Checked(faults=faults, examples=(), count=None)
    engine = solving.engine(model)
    examples = tuple(_try(engine, row) for row in described["examples"])
    return Checked(faults=faults, examples=examples, count=engine.session({}).count)


def _try(engine: solving.Engine, row: Mapping[str, Any]) -> Tried:
    """Whether the choices of an example turn out as the maker said; possible ones must have a price, too."""
    try:
        session = engine.session(row["choices"])
        possible, why = session.valid, ""
        if session.conflict:
            why = _("These choices contradict: %(rules)s") % {"rules": "; ".join(str(rule) for rule in session.conflict.rules)}
        if possible and row["valid"]:
            engine.price(session.decided)
    except solving.Unfit as error:
        return Tried(name=row["name"], valid=row["valid"], as_said=False, why=error.sentence)
    except formulas.FormulaError as error:
        return Tried(name=row["name"], valid=row["valid"], as_said=False, why=error.sentence)
    if possible == row["valid"]:
        return Tried(name=row["name"], valid=row["valid"], as_said=True)
    return Tried(name=row["name"], valid=row["valid"], as_said=False, why=why or _("These choices are possible, and should not be: a rule is missing."))


def publish(*, product: str, by: Actor, at: dt.datetime) -> Release:
    """Sell the draft from now on; it never changes any more. Raises Invalid with every finding, NoDraft, NoSuchProduct."""
    with transaction.atomic():
        found = editing.locked(product)
        draft = editing.draft_of(found)
        draft.product = found
        if findings := check(draft).findings:
            raise Invalid(findings)
        draft.published_at, draft.published_by = at, by.name
        draft.save(update_fields=["published_at", "published_by"])
        found.release = draft
        found.save(update_fields=["release"])
    return draft


def withdraw(*, product: str, by: Actor, at: dt.datetime) -> None:
    """Sell the product no more. What was configured of it is kept. Raises NoSuchProduct."""
    with transaction.atomic():
        found = editing.locked(product)
        found.release = None
        found.save(update_fields=["release"])
