"""The maker's editor: products, and the draft of their models, part by part."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.base import acting, clock, retrying
from apps.base.asking import summary, tell
from apps.base.findings import Finding, Invalid
from apps.base.pages import in_home, need, see_other
from apps.customisation import selectors, services
from apps.customisation.forms import (
    ExampleForm,
    FeatureForm,
    OptionForm,
    ProductForm,
    RuleForm,
    TermsForm,
    attributes_text,
    table_text,
)
from apps.customisation.models import Product, Release, own_words
from apps.customisation.services import NoDraft, NoSuchProduct
from apps.customisation.services.publishing import Checked, sentence_with_column

MOST_OPTIONS = 200
MOST_NOTES = 5


def product_or_404(code: str) -> Product:
    found = selectors.product(code=code)
    if found is None:
        raise Http404
    return found


def picture_url(name: str) -> str:
    return reverse("product_picture", args=[acting.home().slug, name]) if name else ""


@in_home
@require_safe
def products(request: HttpRequest) -> HttpResponse:
    """One's own products, sold or not."""
    need("product.view")
    rows = [
        {
            "url": reverse("product", args=[row.code]),
            "code": row.code,
            "name": row.label,
            "picture": picture_url(row.picture),
            "item": row.item.number,
            "release": row.release.number if row.release else None,
            "public": row.public,
        }
        for row in selectors.products()
    ]
    return render(request, "configure/products.html", {"products": rows, "new_url": reverse("product_new") if acting.actor().may("product.change") else ""})


# The product itself ------------------------------------------------------------------------------------------------------


@in_home
@require_http_methods(["GET", "HEAD", "POST"])
def new_product(request: HttpRequest) -> HttpResponse:
    need("product.change")
    return _product_form(request, None)


@in_home
@require_http_methods(["GET", "HEAD", "POST"])
def edit_product(request: HttpRequest, code: str) -> HttpResponse:
    need("product.change")
    return _product_form(request, product_or_404(code))


def _product_form(request: HttpRequest, found: Product | None) -> HttpResponse:
    columns = ("code", "name", "name_zh", "text", "text_zh", "public")
    initial = {**{name: getattr(found, name) for name in columns}, "item": found.item.number} if found else {}
    form = ProductForm(request.POST, request.FILES) if request.method == "POST" else ProductForm(initial=initial)
    if form.is_bound and form.is_valid():
        given = {**form.cleaned_data, "picture": found.picture if found else ""}
        try:
            given["picture"] = _kept(given["picture"], form.cleaned_data["picture"])
            saved = _whole(lambda: services.save_product(given=given, code=found.code if found else None, by=acting.actor(), at=clock.now()))
        except Invalid as refusal:
            tell(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return see_other(reverse("product", args=[saved.code]))
    back = reverse("product", args=[found.code]) if found else reverse("products")
    context = {"form": form, "errors_summary": summary(form), "back_url": back, "back_label": found.code if found else _("Products"), "is_new": found is None}
    return render(request, "configure/product_form.html", context, status=422 if form.errors else 200)


def _kept(name: str, file: Any) -> str:
    """The picture that was sent, kept; else the one that there was. Raises Invalid at `/picture`."""
    return services.keep_picture(body=file.read(services.LARGEST_PICTURE + 1)) if file else name


def _whole(work: Callable[[], Any]) -> Any:
    return retrying.whole(work)


# The editor --------------------------------------------------------------------------------------------------------------


@in_home
@require_safe
def product(request: HttpRequest, code: str) -> HttpResponse:
    """A product: its draft, or what is published, with its features, rules and examples. `check=1` looks for everything that is wrong."""
    need("product.view")
    found = product_or_404(code)
    return _editor(request, found, check="check" in request.GET)


def _editor(request: HttpRequest, found: Product, *, check: bool = False, refused: Sequence[Finding] = (), status: int = 200) -> HttpResponse:
    releases = selectors.releases(product=found.pk)
    wanted = request.GET.get("release", "")
    shown = next((row for row in releases if str(row.number) == wanted), None) or releases[0]
    described = selectors.described(shown)
    may_change = acting.actor().may("product.change")
    draft = shown.published_at is None
    context = {
        "product": _told(found, shown),
        "releases": [_release(row, found, shown) for row in releases],
        "shown": shown,
        "is_draft": draft,
        "may_edit": may_change and draft,
        "may_begin": may_change and all(row.published_at for row in releases),
        "may_withdraw": may_change and found.release_id is not None,
        "may_drop": may_change and draft and shown.number > 1,
        "may_change": may_change,
        "terms": {"price": described["price"], "currency": described["currency"]},
        **_parts(found, described),
        "checked": _checked(found, described, services.check(shown)) if check else None,
        "refused": [_finding(found, described, one) for one in refused],
        "try_url": _try_url(found, shown, may_change=may_change),
        "deed_url": reverse("product_deed", args=[found.code]),
    }
    return render(request, "configure/product.html", context, status=status)


def _try_url(found: Product, shown: Release, *, may_change: bool) -> str:
    """Where the shown release can be tried; empty where it cannot."""
    address = reverse("configurator", args=[acting.home().slug, found.code])
    if shown.published_at is None:
        return f"{address}?on=1&draft=1" if may_change else ""
    return f"{address}?on=1&release={shown.number}" if found.release_id else ""


def _told(found: Product, shown: Release) -> dict[str, Any]:
    return {
        "code": found.code,
        "name": found.label,
        "text": found.words,
        "picture": picture_url(found.picture),
        "item": found.item.number,
        "public": found.public,
        "sold": found.release.number if found.release else None,
        "edit_url": reverse("product_edit", args=[found.code]),
        "uvl_url": f"{reverse('product_uvl', args=[found.code])}?release={shown.number}",
        "terms_url": reverse("product_terms", args=[found.code]),
        "public_url": reverse("public_product", args=[acting.home().slug, found.code]) if found.public and found.release_id else "",
    }


def _release(row: Release, found: Product, shown: Release) -> dict[str, Any]:
    address = f"{reverse('product', args=[found.code])}?release={row.number}"
    return {"number": row.number, "url": address, "at": row.published_at, "sold": found.release_id == row.pk, "active": row.pk == shown.pk}


def part_url(code: str, part: str, key: str = "") -> str:
    address = reverse("product_part", args=[code, part])
    return f"{address}?{urlencode({'code': key})}" if key else address


def _parts(found: Product, described: Mapping[str, Any]) -> dict[str, Any]:
    code = found.code
    kinds = {value: str(label) for value, label in FeatureForm.base_fields["kind"].choices}  # type: ignore[attr-defined]
    rule_kinds = {value: str(label) for value, label in RuleForm.base_fields["kind"].choices}  # type: ignore[attr-defined]
    features = [{**_feature_row(row), "kind_label": kinds[row["kind"]], "url": part_url(code, "features", row["code"])} for row in described["features"]]
    rules = [{**_rule_row(row), "kind_label": rule_kinds[row["kind"]], "url": part_url(code, "rules", row["code"])} for row in described["rules"]]
    examples = [{**row, "url": part_url(code, "examples", row["name"])} for row in described["examples"]]
    new = {f"new_{part}_url": part_url(code, part) for part in ("features", "rules", "examples")}
    return {"features": features, "rules": rules, "examples": examples, **new}


def _feature_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A feature in the reader's words."""
    options = [{**option, "name": own_words(option["name"], option["name_zh"])} for option in row["options"]]
    return {**row, "name": own_words(row["name"], row["name_zh"]), "group": own_words(row["group"], row["group_zh"]), "options": options}


def _rule_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "rows": len(row["table"]["rows"]) if row["table"] else 0, "text": own_words(row["text"], row["text_zh"])}


def _checked(found: Product, described: Mapping[str, Any], checked: Checked) -> dict[str, Any]:
    """What the check found, each with the page where it can be mended."""
    faults = [
        {**_finding(found, described, Finding(f"/{fault.place}", fault.code, sentence_with_column(fault))), "warning": fault.warning}
        for fault in checked.faults
    ]
    examples = [{"name": one.name, "valid": one.valid, "as_said": one.as_said, "why": one.why} for one in checked.examples]
    sound = not any(not fault["warning"] for fault in faults) and all(one["as_said"] for one in examples)
    return {"faults": faults, "examples": examples, "count": checked.count, "sound": sound}


def _finding(found: Product, described: Mapping[str, Any], finding: Finding) -> dict[str, str]:
    """A finding with the address of the part that it is about."""
    parts = finding.pointer.strip("/").split("/")
    url = ""
    if parts[0] == "examples" and len(parts) > 1 and parts[1].isdecimal() and int(parts[1]) < len(described["examples"]):
        url = part_url(found.code, "examples", described["examples"][int(parts[1])]["name"])
    elif parts[0] in ("features", "rules") and len(parts) > 1:
        known = {row["code"] for row in described[parts[0]]}
        rest = "/".join(parts[1:])
        key = next((code for code in (rest, parts[1], rest.partition("/options/")[0]) if code in known), "")
        url = part_url(found.code, parts[0], key) if key else ""
    return {"place": " › ".join(parts[1:] or parts), "text": finding.detail, "url": url}


# Deeds -------------------------------------------------------------------------------------------------------------------


@in_home
@require_POST
def deed(request: HttpRequest, code: str) -> HttpResponse:
    """What the buttons do: begin, drop, publish, withdraw a release; move or remove a part."""
    need("product.change")
    found = product_or_404(code)
    try:
        said = _whole(lambda: _do(request, code))
    except Invalid as refusal:
        return _editor(request, selectors.product(code=code) or found, refused=refusal.findings, status=422)
    except (NoDraft, NoSuchProduct) as error:
        messages.error(request, str(error))
        said = ""
    if said:
        messages.success(request, said)
    return see_other(reverse("product", args=[code]) + (f"#{part}" if (part := request.POST.get("part", "")) in PARTS else ""))


PARTS = ("features", "rules", "examples")


def _do(request: HttpRequest, code: str) -> str:
    by, at = acting.actor(), clock.now()
    name, part, key = request.POST.get("deed", ""), request.POST.get("part", ""), request.POST.get("code", "")
    if name == "publish":
        release = services.publish(product=code, by=by, at=at)
        return _("Release %(number)d is sold from now on.") % {"number": release.number}
    if name == "withdraw":
        services.withdraw(product=code, by=by, at=at)
        return _("The product is not sold any more.")
    if name == "begin":
        release = services.begin_release(product=code, by=by, at=at)
        return _("Release %(number)d is a draft now: change it, check it, publish it.") % {"number": release.number}
    if name == "drop":
        services.drop_draft(product=code, by=by, at=at)
        return _("The draft is gone.")
    if part not in PARTS or name not in ("up", "down", "remove"):
        raise Http404
    if name == "remove":
        services.remove_part(product=code, part=part, code=key, by=by, at=at)
        return _("Removed.")
    services.move_part(product=code, part=part, code=key, back=name == "up", by=by, at=at)
    return ""


@in_home
@require_http_methods(["GET", "HEAD", "POST"])
def terms(request: HttpRequest, code: str) -> HttpResponse:
    """The base price and the currency of the draft."""
    need("product.change")
    found = product_or_404(code)
    draft = _draft(found)
    form = TermsForm(request.POST) if request.method == "POST" else TermsForm(initial={"price": draft.price, "currency": draft.currency})
    return _save_form(
        request, found, [form], lambda: services.save_terms(product=code, given=form.cleaned_data, by=acting.actor(), at=clock.now()), title=_("Base price")
    )


def _draft(found: Product) -> Release:
    """The draft. What is published has no such page."""
    draft = selectors.draft(product=found.pk)
    if draft is None:
        raise Http404
    return draft


# Parts -------------------------------------------------------------------------------------------------------------------


@in_home
@require_http_methods(["GET", "HEAD", "POST"])
def part(request: HttpRequest, code: str, part: str) -> HttpResponse:
    """A feature, a rule or an example of the draft: the one with the code in the address, or a new one."""
    need("product.change")
    found = product_or_404(code)
    if part not in PARTS:
        raise Http404
    described = selectors.described(_draft(found))
    key = request.GET.get("code")
    name = "name" if part == "examples" else "code"
    row = next((row for row in described[part] if row[name] == key), None)
    if key is not None and row is None:
        raise Http404
    return EDITORS[part](request, found, described, row)


def _save_form(request: HttpRequest, found: Product, given: Sequence[forms.Form], save: Callable[[], Any], *, title: str, anchor: str = "",
               template: str = "configure/part.html", more: Mapping[str, Any] | None = None,
               names: Mapping[str, str] | None = None) -> HttpResponse:  # fmt: skip
    """Save what was entered and go back to the editor; or the form again, with each finding beside its field. given: the main form first."""
    form = given[0]
    sound = [one.is_valid() for one in given] if form.is_bound else [False]
    if all(sound):
        try:
            _whole(save)
        except Invalid as refusal:
            _tell(given, refusal, names)
        else:
            messages.success(request, _("Saved."))
            return see_other(reverse("product", args=[found.code]) + (f"#{anchor}" if anchor else ""))
    errors = summary(*given)
    context = {"form": form, "title": title, "errors_summary": errors, "back_url": reverse("product", args=[found.code]), "back_label": found.label}
    return render(request, template, {**context, **(more or {})}, status=422 if errors else 200)


def _tell(given: Sequence[forms.Form], refusal: Invalid, names: Mapping[str, str] | None) -> None:
    """Each finding beside its field; one about an option in that option's row."""
    for finding in refusal.findings:
        parts = finding.pointer.strip("/").split("/")
        if parts[0] == "options" and len(parts) > 1 and parts[1].isdecimal() and int(parts[1]) + 1 < len(given):
            row = given[int(parts[1]) + 1]
            field = parts[2] if len(parts) > 2 else None
            row.add_error(field if field in row.fields else None, finding.detail)
        elif parts[0] == "choices" and len(parts) > 1:
            field = (names or {}).get(finding.pointer, None)
            given[0].add_error(field, finding.detail)
        else:
            tell(given[0], Invalid([finding]))


def _feature(request: HttpRequest, found: Product, described: Mapping[str, Any], row: Mapping[str, Any] | None) -> HttpResponse:
    key = row["code"] if row else None
    if request.method != "POST":
        form, options = _feature_shown(row)
        return _feature_page(request, found, form, options, lambda: None, key)
    rows, refused = _option_rows(request)
    if "add_line" in request.POST or "remove_line" in request.POST:
        form = FeatureForm(initial={**request.POST.dict(), "optional": "optional" in request.POST})
        return _feature_page(request, found, form, [OptionForm(initial=one, prefix=f"lines-{index}") for index, one in enumerate(rows)], lambda: None, key)
    form = FeatureForm(request.POST)
    options = [OptionForm({f"lines-{index}-{name}": value for name, value in one.items()}, prefix=f"lines-{index}") for index, one in enumerate(rows)]
    told = [option for option, one in zip(options, rows, strict=True) if one["code"]]

    def save() -> None:
        given = {**form.given(), "options": [option.given() for option in told]}
        services.save_feature(product=found.code, code=key, given=given, by=acting.actor(), at=clock.now())

    for detail in refused:
        form.add_error(None, detail)
    return _feature_page(request, found, form, options, save, key, told=told)


def _feature_page(request: HttpRequest, found: Product, form: FeatureForm, options: Sequence[OptionForm], save: Callable[[], Any], key: str | None,
                  told: Sequence[OptionForm] = ()) -> HttpResponse:  # fmt: skip
    for option in options:
        option.shown = picture_url(str(option["picture"].value() or ""))  # type: ignore[attr-defined]
    more = {"options": options}
    title = key or _("New feature")
    return _save_form(request, found, [form, *told], save, title=title, anchor="features", template="configure/feature.html", more=more)


def _feature_shown(row: Mapping[str, Any] | None) -> tuple[FeatureForm, list[OptionForm]]:
    if row is None:
        return FeatureForm(), [OptionForm(prefix=f"lines-{index}") for index in range(3)]
    initial = {**row, "attributes": attributes_text(row["attributes"])}
    rows = [*({**one, "attributes": attributes_text(one["attributes"])} for one in row["options"]), {}]
    return FeatureForm(initial=initial), [OptionForm(initial=one, prefix=f"lines-{index}") for index, one in enumerate(rows)]


def _option_rows(request: HttpRequest) -> tuple[list[dict[str, str]], list[str]]:
    """The rows of options as they were sent, with one more or one less where a button asked for it; and what is wrong with their pictures.

    A picture that was sent is kept at once, so that it is not lost while rows come and go.
    """
    given = request.POST.get("lines-TOTAL_FORMS", "0")
    count = min(int(given), MOST_OPTIONS) if given.isascii() and given.isdecimal() and len(given) < 6 else 0
    names = ("code", "name", "name_zh", "price", "attributes", "picture")
    rows, refused = [{name: request.POST.get(f"lines-{index}-{name}", "") for name in names} for index in range(count)], []
    for index, row in enumerate(rows):
        try:
            row["picture"] = _kept(row["picture"], request.FILES.get(f"lines-{index}-file"))
        except Invalid as refusal:
            refused.append(f"{row['code'] or index + 1}: {refusal.findings[0].detail}")
    removed = request.POST.get("remove_line", "")
    if removed.isascii() and removed.isdecimal() and len(removed) < 6 and int(removed) < len(rows):
        del rows[int(removed)]
    return ([*rows, dict.fromkeys(names, "")] if "add_line" in request.POST else rows), refused


def _rule(request: HttpRequest, found: Product, described: Mapping[str, Any], row: Mapping[str, Any] | None) -> HttpResponse:
    key = row["code"] if row else None
    initial = {**row, "table": table_text(row["table"])} if row else {"code": f"R{len(described['rules']) + 1}"}
    form = RuleForm(request.POST) if request.method == "POST" else RuleForm(initial=initial)

    def save() -> None:
        services.save_rule(product=found.code, code=key, given=form.given(), by=acting.actor(), at=clock.now())

    known = [{"code": one["code"], "name": one["name"], "options": [option["code"] for option in one["options"][:12]]} for one in described["features"]]
    return _save_form(request, found, [form], save, title=key or _("New rule"), anchor="rules", template="configure/rule.html", more={"known": known})


def _example(request: HttpRequest, found: Product, described: Mapping[str, Any], row: Mapping[str, Any] | None) -> HttpResponse:
    key = row["name"] if row else None
    features = described["features"]
    form = ExampleForm(request.POST or None, features=features, initial=_example_shown(features, row))

    def save() -> None:
        services.save_example(product=found.code, name=key, given=form.given(), by=acting.actor(), at=clock.now())

    return _save_form(request, found, [form], save, title=key or _("New example"), anchor="examples")


def _example_shown(features: Sequence[Mapping[str, Any]], row: Mapping[str, Any] | None) -> dict[str, Any]:
    if row is None:
        return {"valid": "yes"}
    chosen = {f"f{index}": row["choices"].get(feature["code"], "") for index, feature in enumerate(features)}
    return {"name": row["name"], "valid": "yes" if row["valid"] else "no", **chosen}


Editor = Callable[[HttpRequest, Product, Mapping[str, Any], Mapping[str, Any] | None], HttpResponse]
EDITORS: Mapping[str, Editor] = {"features": _feature, "rules": _rule, "examples": _example}


# UVL ---------------------------------------------------------------------------------------------------------------------


@in_home
@require_http_methods(["GET", "HEAD", "POST"])
def uvl(request: HttpRequest, code: str) -> HttpResponse:
    """A release as UVL; a POST replaces the draft by a model that was sent."""
    need("product.view" if request.method != "POST" else "product.change")
    found = product_or_404(code)
    if request.method == "POST":
        return _take_uvl(request, found)
    wanted = request.GET.get("release", "")
    release = next((row for row in selectors.releases(product=found.pk) if str(row.number) == wanted), None)
    if release is None:
        raise Http404
    try:
        text = services.as_uvl(release)
    except Invalid as refusal:
        return _editor(request, found, refused=refusal.findings, status=422)
    headers = {"Content-Disposition": content_disposition_header(True, f"{found.code}-{release.number}.uvl") or "attachment"}
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)


def _take_uvl(request: HttpRequest, found: Product) -> HttpResponse:
    file = request.FILES.get("file")
    try:
        body = file.read(services.LARGEST_UVL + 1) if file else b""
        assumed = _whole(lambda: services.take_uvl(product=found.code, body=body, by=acting.actor(), at=clock.now()))
    except Invalid as refusal:
        return _editor(request, found, refused=refusal.findings, status=422)
    except NoDraft as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The draft is as the file says. Check it, and give it names and prices."))
        for sentence in assumed[:MOST_NOTES]:
            messages.warning(request, sentence)
    return see_other(reverse("product", args=[found.code]))
