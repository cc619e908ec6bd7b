"""The catalogue: an enterprise's own items, and what its partners call them."""

import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.base import acting, announcing, clock, units
from apps.base.asking import summary, tell
from apps.base.findings import Invalid
from apps.base.pages import in_home, need, see_other
from apps.catalog import models, selectors, services
from apps.catalog.forms import AliasForm, ItemForm
from apps.network import selectors as network

MOST_ALIASES = 200


@in_home
@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """The items by number, a page at a time; `q` searches, `partner` shows what one partner has a number for."""
    need("catalog.view")
    words, slug = request.GET.get("q", "").strip()[:100], request.GET.get("partner", "")[:40]
    partner = network.known(slug=slug) if slug else None
    page = selectors.page(
        search=words, partner_id=partner.id if partner else None, after=request.GET.get("after", "")[:60], before=request.GET.get("before", "")[:60]
    )
    kept = {name: value for name, value in (("q", words), ("partner", partner.slug if partner else "")) if value}
    may_change = acting.actor().may("catalog.change")
    context = {
        "items": [_row(item) for item in page.items],
        "q": words,
        "partner_name": partner.name if partner else "",
        "next_url": f"?{urlencode({**kept, 'after': page.items[-1].number})}" if page.more_after else "",
        "previous_url": f"?{urlencode({**kept, 'before': page.items[0].number})}" if page.more_before else "",
        "older_label": _("Next"),
        "newer_label": _("Previous"),
        "new_url": reverse("item_new") if may_change else "",
        "import_url": reverse("structure_import") if acting.actor().may("catalog.structure") else "",
        "matching_count": sum(announcing.ask_above("ITEM_QUEUES")),
    }
    return render(request, "catalogue/list.html", context)


def _row(item: models.Item) -> dict[str, Any]:
    return {
        "url": reverse("item", args=[item.pk]),
        "number": item.number,
        "name": item.label,
        "unit_label": units.label(item.unit),
        "gtin": item.gtin,
        "aliases_count": len(item.aliases.all()),
    }


def known(id: uuid.UUID) -> models.Item:
    """The item with this id; a page that is none where there is none."""
    found = selectors.item(id=id)
    if found is None:
        raise Http404
    return found


def around(item: models.Item, current: str) -> dict[str, Any]:
    """What stands around each page about an item: its name, the tabs, and the way back."""
    edit_url = reverse("item_edit", args=[item.pk]) if acting.actor().may("catalog.change") else ""
    return {"item": item, "tabs": selectors.tabs(item.pk, current), "edit_url": edit_url, "back_url": reverse("catalogue")}


@in_home
@require_safe
def item(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """One item with its names, and the partners' numbers for it."""
    need("catalog.view")
    found = known(id)
    aliases = list(found.aliases.all())
    names = network.names([alias.partner_id for alias in aliases])
    context = {
        "unit_label": units.label(found.unit),
        "currency": acting.home().currency,
        "names": [{"language": _("English"), "code": "en", "text": found.name}, {"language": _("Chinese"), "code": "zh-Hans", "text": found.name_zh}],
        "aliases": [{"partner_name": names[alias.partner_id].name if alias.partner_id in names else "–", "number": alias.number} for alias in aliases],
    }
    return render(request, "catalogue/item.html", {**around(found, "item"), **context})


@in_home
@require_http_methods(["GET", "POST"])
def new_item(request: HttpRequest) -> HttpResponse:
    """Enter an item. The address may carry what is known of it: number, name, unit, gtin, and a partner's number."""
    need("catalog.change")
    if request.method == "POST":
        return _save(request, None)
    known = {name: request.GET[name] for name in ("number", "name", "unit", "gtin") if name in request.GET}
    alias = {"partner": request.GET.get("partner", ""), "number": request.GET.get("partner_number", "")}
    return _show(request, None, ItemForm(initial=known), [AliasForm(initial=alias, prefix="lines-0")])


@in_home
@require_http_methods(["GET", "POST"])
def edit_item(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Change an item, and what the partners call it."""
    need("catalog.change")
    found = known(id)
    if request.method == "POST":
        return _save(request, found)
    initial = {name: getattr(found, name) for name in ("number", "name", "name_zh", "unit", "gtin", "bought", "sold", "procurement", "shipping_days", "price")}
    slugs = {partner.id: partner.slug for partner in network.active()}
    rows = [{"partner": slugs[alias.partner_id], "number": alias.number} for alias in found.aliases.all() if alias.partner_id in slugs]
    return _show(request, found, ItemForm(initial=initial), _alias_forms([*rows, {}]))


def _alias_forms(rows: Sequence[dict[str, str]]) -> list[AliasForm]:
    return [AliasForm(initial=row, prefix=f"lines-{index}") for index, row in enumerate(rows)]


def _posted_rows(request: HttpRequest) -> list[dict[str, str]]:
    """The rows of partners' numbers as they were sent, with one more or one less where a button asked for it."""
    given = request.POST.get("lines-TOTAL_FORMS", "0")
    count = min(int(given), MOST_ALIASES) if given.isascii() and given.isdecimal() and len(given) < 6 else 0
    rows = [{name: request.POST.get(f"lines-{index}-{name}", "") for name in ("partner", "number")} for index in range(count)]
    removed = request.POST.get("remove_line", "")
    if removed.isascii() and removed.isdecimal() and len(removed) < 6 and int(removed) < len(rows):
        del rows[int(removed)]
    return [*rows, {}] if "add_line" in request.POST else rows


def _save(request: HttpRequest, found: models.Item | None) -> HttpResponse:
    rows = _posted_rows(request)
    if "add_line" in request.POST or "remove_line" in request.POST:
        return _show(request, found, ItemForm(initial={**request.POST.dict(), **_ticks(request)}), _alias_forms(rows))
    form = ItemForm(request.POST)
    aliases = [AliasForm({f"lines-{index}-{name}": value for name, value in row.items()}, prefix=f"lines-{index}") for index, row in enumerate(rows)]
    sound = [one.is_valid() for one in (form, *aliases)]
    if all(sound):
        told = [(index, alias.cleaned_data) for index, alias in enumerate(aliases) if alias.cleaned_data.get("number")]
        try:
            kept = _unseen_aliases(found)
            saved = services.save_item(
                id=found.pk if found else None,
                **form.cleaned_data,
                aliases=[data for _index, data in told],
                keep_aliases_of=kept,
                by=acting.actor(),
                at=clock.now(),
            )
        except Invalid as refusal:
            _tell(form, aliases, [index for index, _data in told], refusal)
        else:
            messages.success(request, _("Saved."))
            return see_other(reverse("item", args=[saved.pk]))
    return _show(request, found, form, aliases)


def _ticks(request: HttpRequest) -> dict[str, bool]:
    return {name: name in request.POST for name in ("bought", "sold")}


def _unseen_aliases(found: models.Item | None) -> list[uuid.UUID]:
    """Partners whose numbers the form does not show, because nothing can be exchanged with them at the moment; theirs stay."""
    if found is None:
        return []
    active = {partner.id for partner in network.active()}
    return [alias.partner_id for alias in found.aliases.all() if alias.partner_id not in active]


def _tell(form: ItemForm, aliases: Sequence[AliasForm], told: Sequence[int], refusal: Invalid) -> None:
    """Each finding beside its field; one about a partner's number beside that row."""
    for finding in refusal.findings:
        parts = finding.pointer.strip("/").split("/")
        if parts[0] == "aliases" and len(parts) > 1 and parts[1].isdecimal():
            aliases[told[int(parts[1])]].add_error(parts[2] if len(parts) > 2 else None, finding.detail)
        else:
            tell(form, Invalid([finding]))


def _show(request: HttpRequest, found: models.Item | None, form: ItemForm, aliases: Sequence[AliasForm]) -> HttpResponse:
    back = reverse("item", args=[found.pk]) if found else reverse("catalogue")
    errors = summary(form, *aliases)
    context = {
        "form": form,
        "aliases": aliases if network.active() else [],
        "item": {"number": found.number, "name": found.label} if found else None,
        "errors_summary": errors,
        "back_url": back,
        "back_label": found.number if found else _("Catalogue"),
        "language": get_language(),
    }
    return render(request, "catalogue/form.html", context, status=422 if errors else 200)
