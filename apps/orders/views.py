"""What a change or a cancellation of an order would cost, before anybody says yes."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.base import clock
from apps.base.asking import summary
from apps.base.pages import in_home, need
from apps.documents import selectors as conversation
from apps.exchange import services as exchange
from apps.network import selectors as network
from apps.orders import services
from apps.orders.forms import WishForm
from apps.scheduling.services import Wish


@in_home
@require_safe
def impact(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    """What cancelling costs now, and what another day or quantity would mean."""
    need("order.view")
    head = conversation.head(id=uid)
    if head is None or head["type"] != "order":
        raise Http404
    form = WishForm(request.GET) if request.GET else WishForm()
    wish = Wish(**form.cleaned_data) if request.GET and form.is_valid() else Wish()
    errors = summary(form)
    context: dict[str, Any] = {"form": form, "errors_summary": errors, "document": {"number": head["number"], "url": reverse("document", args=["orders", uid])}}
    try:
        context["cancelling"] = services.impact(uid, Wish(), at=clock.now())
        context["changing"] = services.impact(uid, wish, at=clock.now()) if wish.is_change else None
    except (exchange.NoAnswer, network.NoPartner) as error:
        context["silent"] = str(error)
    return render(request, "orders/impact.html", context, status=422 if errors else 200)
