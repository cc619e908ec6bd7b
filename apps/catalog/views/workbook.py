"""The structure as a workbook: the page that takes one and tells each fault at its cell, and the download."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from apps.base import acting, clock
from apps.base.asking import summary
from apps.base.findings import Invalid
from apps.base.pages import in_home, need, see_other
from apps.catalog import services
from apps.catalog.forms import WorkbookForm


@in_home
@require_http_methods(["GET", "POST"])
def take(request: HttpRequest) -> HttpResponse:
    """Enter what a workbook says, whole or the good rows of it."""
    need("catalog.structure")
    form = WorkbookForm(request.POST, request.FILES) if request.method == "POST" else WorkbookForm()
    if request.method == "GET" or not form.is_valid():
        return _show(request, form)
    file = form.cleaned_data["file"]
    content = file.read(services.MOST_BYTES + 1)
    try:
        found = services.import_structure(workbook=content, partial=form.cleaned_data["partial"], by=acting.actor(), at=clock.now())
    except Invalid as refusal:
        return _show(request, form, refused=refusal)
    if not found.findings:
        messages.success(request, _saved(found))
        return see_other(reverse("catalogue"))
    return _show(request, form, taken=found)


def _saved(found: services.Imported) -> str:
    count = sum(found.saved.values())
    return ngettext("%(count)d row taken.", "%(count)d rows taken.", count) % {"count": count}


def _show(request: HttpRequest, form: WorkbookForm, *, refused: Invalid | None = None, taken: services.Imported | None = None) -> HttpResponse:
    errors = summary(form)
    findings = refused.findings if refused else taken.findings if taken else []
    context = {
        "form": form,
        "findings": [{"place": place(finding.pointer), "detail": finding.detail} for finding in findings],
        "refused": refused is not None,
        "saved": _saved(taken) if taken else "",
        "sheets": services.sheets(),
        "errors_summary": errors,
        "export_url": reverse("structure_export"),
        "back_url": reverse("catalogue"),
    }
    return render(request, "catalogue/import.html", context, status=422 if errors or refused else 200)


def place(pointer: str) -> dict[str, str]:
    """Sheet and cell of a finding; both empty where it is about the whole workbook."""
    sheet, _mark, cell = pointer.partition("!")
    return {"sheet": sheet, "cell": cell}


@in_home
@require_safe
def give(request: HttpRequest) -> HttpResponse:
    """Everything that can be entered as a workbook, as it stands."""
    need("catalog.view")
    name = f"structure-{clock.today().isoformat()}.xlsx"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(services.export_structure(), content_type=services.MEDIA_TYPE, headers=headers)
