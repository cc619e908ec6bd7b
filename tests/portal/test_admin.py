"""Two admins at one address: operators see the platform and no enterprise's data, administrators their own home."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.db import ProgrammingError, connection

from apps.accounts import models
from apps.base.acting import as_operator, in_lobby
from apps.base.admin import homes, platform
from apps.base.models import new_id
from apps.catalog import selectors as catalog
from tests import cast as company
from tests.cast import Cast, Member, PageClient, ask, outside, unchanged

Two = tuple[Member, Member]
pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def operator() -> PageClient:
    client = PageClient()

    def make() -> None:
        with in_lobby():
            user = models.User.objects.create_superuser(f"{new_id().hex}@example.org")
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    outside(make)
    return client


def listed(site: Any) -> list[str]:
    return sorted(f"{model._meta.app_label}/{model._meta.model_name}" for model in site._registry)


def test_what_each_admin_is_made_of() -> None:
    assert listed(platform) == [
        "accounts/apiclient", "accounts/membership", "accounts/user", "exchange/channel", "network/invitation", "network/office",
        "network/partnership", "network/tolerance", "tenants/domain", "tenants/endpoint", "tenants/enterprise",
    ]  # fmt: skip
    assert listed(homes) == [
        "catalog/item", "catalog/site", "customisation/configuration", "customisation/feature", "customisation/product", "customisation/release",
        "documents/document", "documents/message", "documents/step", "logistics/balance", "logistics/handlingunit", "logistics/scan",
        "logistics/stockmove", "procurement/need", "scheduling/calendar", "scheduling/job", "scheduling/operation", "scheduling/peg", "scheduling/plan",
        "scheduling/promise", "scheduling/resource",
    ]  # fmt: skip


def test_the_operator_reads_every_list_of_the_platform(operator: PageClient, pair: Two) -> None:
    company.order(*pair)
    pages = ["/admin/", "/admin/provision/", *(f"/admin/{name}/" for name in listed(platform))]
    assert {page: operator.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)


def test_the_operator_cannot_open_a_home(operator: PageClient, pair: Two) -> None:
    for path in ("", "catalog/item/", "documents/document/", "documents/message/"):
        assert operator.get(f"/admin/home/{path}").status_code == 404
        assert operator.get(f"/admin/{path}nothing/").status_code == 404
    assert operator.get("/catalogue/").status_code == 403
    assert operator.get("/documents/orders/").status_code == 403


def test_the_operators_role_can_read_no_home_and_no_body(pair: Two) -> None:
    buyer, seller = pair
    company.order(buyer, seller)

    def query(statement: str) -> Any:
        with as_operator(), connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    assert outside(query, "SELECT count(seq) FROM public.exchange_envelope")[0][0] >= 1
    for statement in (
        f'SELECT * FROM "{buyer.home.schema}".documents_document', "SELECT body FROM public.exchange_envelope", "SELECT document FROM public.exchange_envelope",
        "SELECT sealed FROM public.exchange_sealedkey", "UPDATE public.network_consent SET state = 'given'",
    ):  # fmt: skip
        with pytest.raises(ProgrammingError, match="permission denied"):
            outside(query, statement)


def test_envelopes_are_shown_without_what_was_said(operator: PageClient, pair: Two) -> None:
    buyer, seller = pair
    order = company.order(buyer, seller, number="SECRET-77")
    channel = ask("SELECT id FROM public.exchange_channel WHERE sender_id = %s", [buyer.id])[0]["id"]
    page = operator.get(f"/admin/exchange/channel/{channel}/envelopes/")
    text = page.content.decode()
    assert [row["kind"] for row in page.context["envelopes"]] == ["order.publish"]
    for secret in ("SECRET-77", str(order), "81.50"):
        assert secret not in text
    assert operator.get(f"/admin/exchange/channel/{new_id()}/envelopes/").status_code == 404


def test_a_halted_channel_is_shown_and_tried_again(operator: PageClient, pair: Two) -> None:
    buyer, seller = pair
    company.order(buyer, seller)
    channel = ask("SELECT id FROM public.exchange_channel WHERE sender_id = %s", [buyer.id])[0]["id"]
    ask("UPDATE public.exchange_cursor SET delivered = 0, digest = '', halted_at = now(), reason = 'A reason to read' WHERE channel_id = %s", [channel])
    ask(f'DELETE FROM "{seller.home.schema}".documents_quantity; ')
    ask(f'TRUNCATE "{seller.home.schema}".documents_document CASCADE')
    assert "A reason to read" in operator.get("/admin/exchange/channel/").content.decode()
    operator.post("/admin/exchange/channel/", {"action": "try_again", "_selected_action": [str(channel)]})
    assert ask("SELECT delivered, halted_at FROM public.exchange_cursor WHERE channel_id = %s", [channel]) == [{"delivered": 1, "halted_at": None}]


def test_an_enterprise_is_provisioned_and_its_link_shown_once(operator: PageClient) -> None:
    slug = company.fresh_number("new-")
    given = {
        "slug": slug,
        "name": "New & Co",
        "language": "zh-hans",
        "currency": "CNY",
        "time_zone": "Asia/Shanghai",
        "roles": ["maker"],
        "email": f"boss@{slug}.example",
    }
    page = operator.post("/admin/provision/", given)
    path = re.search(r"/set-up/[\w-]+/", page.content.decode())[0]  # type: ignore[index]
    assert "no-store" in page["Cache-Control"]
    assert PageClient().get(path).status_code == 200
    assert ask("SELECT name, language, currency, roles, ready FROM public.tenants_enterprise WHERE slug = %s", [slug]) == [
        {"name": "New & Co", "language": "zh-hans", "currency": "CNY", "roles": ["maker"], "ready": True}
    ]
    again = operator.post("/admin/provision/", given)
    assert (again.status_code, list(again.context["form"].errors)) == (422, ["slug"])


def test_suspending_closes_every_way_in_and_resuming_opens_it(operator: PageClient, pair: Two) -> None:
    buyer, _seller = pair
    client = buyer.page_client()

    def doors() -> list[int]:
        return [client.get("/catalogue/").status_code, client.get("/admin/home/").status_code, buyer.api.get("me/").status_code]

    assert doors() == [200, 200, 200]
    operator.post("/admin/tenants/enterprise/", {"action": "suspend", "_selected_action": [str(buyer.id)]})
    assert doors() == [403, 404, 401]
    operator.post("/admin/tenants/enterprise/", {"action": "resume", "_selected_action": [str(buyer.id)]})
    assert doors() == [200, 200, 200]


def test_a_token_is_revoked_by_the_operator(operator: PageClient, pair: Two) -> None:
    buyer, seller = pair
    client = ask("SELECT id FROM public.accounts_apiclient WHERE enterprise_id = %s", [buyer.id])[0]["id"]
    operator.post("/admin/accounts/apiclient/", {"action": "revoke", "_selected_action": [str(client)]})
    assert (buyer.api.get("me/").status_code, seller.api.get("me/").status_code) == (401, 200)


def test_partnerships_are_shown_with_both_consents_and_cannot_be_touched(operator: PageClient, pair: Two) -> None:
    buyer, seller = pair
    id = ask("SELECT id FROM public.network_partnership WHERE inviter_id = %s", [buyer.id])[0]["id"]
    page = operator.get(f"/admin/network/partnership/{id}/change/").content.decode()
    assert "given" in page
    with unchanged(buyer, seller):
        assert operator.post(f"/admin/network/partnership/{id}/change/", {"role": "carrier"}).status_code == 403
        assert operator.post(f"/admin/network/partnership/{id}/delete/", {"post": "yes"}).status_code == 403
        assert operator.get("/admin/network/partnership/add/").status_code == 403


def test_offices_are_shown_and_cannot_be_touched(operator: PageClient, pair: Two) -> None:
    buyer, seller = pair
    office = {"days": ["0"], "opens": "08:00", "closes": "12:00", "person": "Li Wei", "email": "li.wei@buyer.example"}
    assert buyer.page_client().post("/settings/office/", office).status_code == 303
    assert "Li Wei" in operator.get(f"/admin/network/office/?q={buyer.slug}").content.decode()
    id = ask("SELECT id FROM public.network_office WHERE enterprise_id = %s", [buyer.id])[0]["id"]
    assert "li.wei@buyer.example" in operator.get(f"/admin/network/office/{id}/change/").content.decode()
    with unchanged(buyer, seller):
        assert operator.post(f"/admin/network/office/{id}/change/", {"person": "Eve"}).status_code == 403
        assert operator.post(f"/admin/network/office/{id}/delete/", {"post": "yes"}).status_code == 403
        assert operator.get("/admin/network/office/add/").status_code == 403


def test_the_administrator_is_sent_to_his_own_home(pair: Two) -> None:
    buyer, seller = pair
    order = company.order(buyer, seller, number=company.fresh_number("HOME-"))
    client = buyer.page_client()
    assert client.get("/admin/")["Location"] == "/admin/home/"
    pages = ["/admin/home/", *(f"/admin/home/{name}/" for name in listed(homes)), f"/admin/home/documents/document/{order}/change/"]
    assert {page: client.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)
    for name in listed(platform):
        assert client.get(f"/admin/{name}/").status_code == 404


def item_id(member: Member, number: str) -> uuid.UUID:
    with member.acting():
        return catalog.items().get(number=number).pk


def test_another_home_cannot_be_read_nor_written(cast: Cast) -> None:
    item = item_id(cast.maker, "M-COMP")
    order = company.order(cast.maker, cast.supplier, number=company.fresh_number("PRIVATE-"))
    stranger = cast.stranger.page_client()
    with unchanged(*cast):
        for path in (f"catalog/item/{item}/change/", f"documents/document/{order}/change/"):
            missing = path.replace(str(item), str(new_id())).replace(str(order), str(new_id()))
            assert stranger.get(f"/admin/home/{path}").status_code == stranger.get(f"/admin/home/{missing}").status_code == 302
        stranger.post(f"/admin/home/catalog/item/{item}/change/", {"number": "Z", "name": "Z", "unit": "C62"})
    assert "PRIVATE-" not in stranger.get("/admin/home/documents/document/?q=PRIVATE").content.decode().replace("q=PRIVATE", "")


def test_documents_and_steps_cannot_be_written_there(pair: Two) -> None:
    buyer, seller = pair
    order = company.order(buyer, seller)
    client = buyer.page_client()
    with unchanged(buyer, seller):
        for path in (f"document/{order}/change/", f"document/{order}/delete/", "document/add/", "step/add/", "message/add/"):
            assert client.post(f"/admin/home/documents/{path}", {"state": "agreed", "post": "yes"}).status_code == 403


def test_an_item_is_changed_by_the_service_and_the_public_log_hears_nothing(pair: Two) -> None:
    buyer, _seller = pair
    item, log = item_id(buyer, "A-1"), "SELECT count(*) FROM public.django_admin_log"
    before = ask(log)
    counts = {f"{part}-{count}_FORMS": "0" for part in ("aliases", "components", "sources") for count in ("TOTAL", "INITIAL")}
    given = {"number": "A-1", "name": "Renamed", "unit": "KGM", "gtin": "", "procurement": "buy", "shipping_days": "0", **counts}
    client = buyer.page_client()
    assert client.post(f"/admin/home/catalog/item/{item}/change/", given).status_code == 302
    with buyer.acting():
        found = catalog.item(id=item)
    assert found is not None
    assert (found.name, found.unit) == ("Renamed", "KGM")
    assert ask(log) == before
    with unchanged(buyer):
        assert client.post(f"/admin/home/catalog/item/{item}/change/", {**given, "gtin": "123"}).status_code == 200
        assert client.post(f"/admin/home/catalog/item/{item}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("role", ["buyer", "seller", "planner", "dock", "viewer"])
def test_other_roles_find_no_admin(pair: Two, role: str) -> None:
    client = pair[0].page_client(role)
    assert [client.get(path).status_code for path in ("/admin/", "/admin/home/", "/admin/home/catalog/item/", "/admin/provision/")] == [404] * 4


def test_whoever_is_not_signed_in_signs_in_where_everybody_does() -> None:
    client = PageClient()
    assert client.get("/admin/home/")["Location"] == "/accounts/login/?next=/admin/home/"
    first = client.get("/admin/")["Location"]
    assert client.get(first)["Location"] == "/accounts/login/?next=/admin/"
    assert client.post("/admin/login/", {"username": "a@b.example", "password": "x"})["Location"].startswith("/accounts/login/")


def test_an_enterprise_is_exported_and_leaves_when_its_name_is_written(operator: PageClient, pair: Two) -> None:
    buyer, seller = pair
    company.order(buyer, seller)
    page = f"/admin/moving/{buyer.slug}/"
    assert operator.get(f"/admin/tenants/enterprise/{buyer.id}/move/")["Location"] == page
    assert "Offboard for good" in operator.get(page).content.decode()
    operator.cookies["django_language"] = "zh-hans"
    assert "确认注销" in operator.get(page).content.decode()
    with unchanged(buyer, seller):
        exported = operator.post(page, {"deed": "export"})
        assert (exported.status_code, exported.context["file"].exists()) == (200, True)
        assert operator.post(page, {"deed": "sell"}).status_code == 422
    assert buyer.page_client().get(page).status_code == 404
    assert operator.post(page, {"deed": "offboard", "again": seller.slug}).status_code == 422
    assert buyer.api.get("me/").status_code == 200
    gone = operator.post(page, {"deed": "offboard", "again": buyer.slug, "keep": "on"})
    assert (gone.status_code, gone.context["done"], gone.context["file"].exists()) == (200, "offboard", True)
    assert (buyer.api.get("me/").status_code, operator.get(page).status_code) == (401, 404)
    assert operator.get(f"/admin/tenants/enterprise/{buyer.id}/move/").status_code == 404
    assert ask("SELECT count(*) AS n FROM pg_namespace WHERE nspname = %s", [buyer.home.schema]) == [{"n": 0}]
