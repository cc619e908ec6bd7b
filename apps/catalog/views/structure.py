"""What an item is made of, drawn as a tree, and where it is used; the form for one line."""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.base import acting, announcing, clock, formulas, units
from apps.base.asking import ask, summary, tell
from apps.base.findings import Invalid
from apps.base.pages import in_home, need, see_other
from apps.catalog import models, selectors, services
from apps.catalog.forms import ComponentForm
from apps.catalog.selectors import Component, Made, Structure
from apps.catalog.views.items import around, known

MOST_ROWS = 300
MOST_LEVELS = 8
MOST_OFFERED = 500


def label(made: Made | selectors.Use) -> str:
    """The name in the reader's language."""
    return made.name_zh if made.name_zh and (get_language() or "").startswith("zh") else made.name


@in_home
@require_safe
def structure(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """The tree of what an item is made of, down to what is bought."""
    need("catalog.view")
    found = known(id)
    whole = selectors.structure([id])
    rows: list[dict[str, Any]] = []
    for row in _tree(whole, id, clock.today()):
        if len(rows) == MOST_ROWS:
            break
        rows.append(row)
    may_change = acting.actor().may("catalog.structure")
    context = {
        "rows": rows,
        "cut": len(rows) == MOST_ROWS,
        "unknown": _unknown(whole),
        "may_change": may_change,
        "new_url": reverse("component_new", args=[id]) if may_change else "",
    }
    return render(request, "catalogue/structure.html", {**around(found, "structure"), **context})


def _tree(whole: Structure, root: uuid.UUID, today: dt.date) -> Iterator[dict[str, Any]]:
    """The lines from the top down, each before those beneath it. A circle ends where it closes."""
    waiting: list[tuple[Component, int, tuple[uuid.UUID, ...]]] = [(line, 1, (root,)) for line in reversed(whole.components.get(root, ()))]
    while waiting:
        line, level, path = waiting.pop()
        beneath = whole.components.get(line.component, ()) if line.component not in path and level < MOST_LEVELS else ()
        yield _row(whole, line, level, today)
        waiting += [(inner, level + 1, (*path, line.component)) for inner in reversed(beneath)]


def _row(whole: Structure, line: Component, level: int, today: dt.date) -> dict[str, Any]:
    made = whole.items[line.component]
    return {
        "level": level,
        "line": line,
        "made": made,
        "label": label(made),
        "url": reverse("item_structure" if line.component in whole.components else "item", args=[line.component]),
        "edit_url": reverse("component_edit", args=[line.id]) if level == 1 else "",
        "unit": units.label(made.unit),
        "amount": line.quantity if formulas.plain_number(line.quantity) is not None else "",
        "procurement": models.Procurement(made.procurement).label,
        "sources": len(whole.sources.get(line.component, ())),
        "beneath": len(whole.components.get(line.component, ())),
        "alternates": [_alternate(whole, one, level) for one in line.alternates],
        "holds": line.holds(today),
    }


def _alternate(whole: Structure, line: Component, level: int) -> dict[str, Any]:
    made = whole.items[line.component]
    edit_url = reverse("component_edit", args=[line.id]) if level == 1 else ""
    return {"number": made.number, "label": label(made), "url": reverse("item", args=[line.component]), "edit_url": edit_url}


def _unknown(whole: Structure) -> list[str]:
    """The names in formulas that no product of the enterprise knows, as far as somebody above can tell (`FORMULA_NAMES`)."""
    answers = announcing.ask_above("FORMULA_NAMES")
    if not answers:
        return []
    told = {name for answer in answers for name in answer}
    used = {name for lines in whole.components.values() for line in lines for text in (line.quantity, line.condition) for name in formulas.parse(text).names}
    return sorted(used - told)


@in_home
@require_safe
def uses(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """The items into which an item goes, up to the top."""
    need("catalog.view")
    found = known(id)
    rows = [{"use": use, "label": label(use), "url": reverse("item_structure", args=[use.id])} for use in selectors.where_used(id)]
    return render(request, "catalogue/uses.html", {**around(found, "uses"), "rows": rows})


# One line -------------------------------------------------------------------------------------------------------------


@in_home
@require_http_methods(["GET", "POST"])
def new_component(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Say that something goes into an item."""
    need("catalog.structure")
    return _line_page(request, known(id), None, {})


def _line(id: uuid.UUID) -> models.Component:
    found = selectors.line(id=id)
    if found is None:
        raise Http404
    return found


@in_home
@require_http_methods(["GET", "POST"])
def edit_component(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Change a line of a bill of material."""
    need("catalog.structure")
    line = _line(id)
    names = ("position", "quantity", "scrap", "fixed", "condition", "priority", "valid_from", "valid_until")
    initial = {**{name: getattr(line, name) for name in names}, "component": line.component.number}
    return _line_page(request, line.item, line, {**initial, "alternate_of": line.alternate_of.position if line.alternate_of else ""})


def _line_page(request: HttpRequest, item: models.Item, line: models.Component | None, initial: Mapping[str, Any]) -> HttpResponse:
    others = _others(item, line)
    form = ComponentForm(request.POST, lines=others) if request.method == "POST" else ComponentForm(initial=dict(initial), lines=others)
    if request.method == "POST" and form.is_valid():
        try:
            services.save_component(item=item.pk, id=line.pk if line else None, **form.cleaned_data, by=acting.actor(), at=clock.now())
        except Invalid as refusal:
            tell(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return see_other(reverse("item_structure", args=[item.pk]))
    errors = summary(form)
    context = {
        "form": form,
        "heading": line.component.label if line else _("New component"),
        "lede": _("Part of %(number)s %(name)s") % {"number": item.number, "name": item.label},
        "offered": selectors.offered(but=item.pk, most=MOST_OFFERED),
        "remove_url": reverse("component_remove", args=[line.pk]) if line else "",
        "errors_summary": errors,
        "back_url": reverse("item_structure", args=[item.pk]),
        "back_label": item.number,
    }
    return render(request, "catalogue/part_form.html", context, status=422 if errors else 200)


def _others(item: models.Item, line: models.Component | None) -> list[tuple[str, str]]:
    """The lines of the item for which this one may stand in: position, and words."""
    main: Sequence[Component] = [one for one in selectors.components(item.pk) if line is None or one.id != line.pk]
    numbers = selectors.numbers([one.component for one in main])
    return [(str(one.position), f"{one.position} · {numbers[one.component]}") for one in main]


@in_home
@require_http_methods(["GET", "POST"])
def remove_component(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Take a line out of its bill of material, after a question."""
    need("catalog.structure")
    line = _line(id)
    back = reverse("item_structure", args=[line.item_id])
    if request.method == "POST":
        services.remove_component(id=id, by=acting.actor(), at=clock.now())
        messages.success(request, _("Removed."))
        return see_other(back)
    question = _("Take %(component)s out of %(item)s?") % {"component": line.component.number, "item": line.item.number}
    consequence = _("The line goes, with those that may stand in for it. What was promised already stays as it is.")
    return ask(request, question=question, consequence=consequence, submit=_("Remove"), back_url=back, back_label=line.item.number, danger=True)
