"""Which parts of the network's pages fetch themselves anew when a partnership changes."""

from __future__ import annotations

from tests.cast import Member


def test_the_networks_pages_fetch_themselves_when_a_partnership_changes(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    page = buyer.page_client()
    listed = page.get("/network/").content.decode()
    for part in ("network-invitations", "network-partners"):
        assert f'id="{part}"' in listed
        assert f'hx-select="#{part}" hx-trigger="live:network from:body"' in listed
    told = page.get(f"/network/partners/{seller.slug}/").content.decode()
    assert 'hx-select="#partner-page" hx-trigger="live:network from:body, live from:body delay:400ms"' in told
