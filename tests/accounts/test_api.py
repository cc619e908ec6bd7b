"""Who calls: `/me/`, and access tokens for client credentials (RFC 6749)."""

import base64
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from apps.accounts import services as accounts
from apps.base.acting import in_lobby
from tests.cast import AT, Api, Cast, Member, ask

FORM = "application/x-www-form-urlencoded"
NOBODY = Api("")


def client(member: Member, role: str = "integration") -> tuple[str, str]:
    """Id and secret of a new program."""
    with in_lobby():
        row, token = accounts.issue_token(enterprise=member.id, name="ERP", role=role, at=AT)
    return str(row.pk), token


def asked(given: Any, path: str = "/oauth/token", **headers: str) -> Any:
    body = given if isinstance(given, bytes) else urlencode(given).encode()
    return NOBODY.post(path, body, content_type=FORM, headers=headers)


def basic(id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{quote(id)}:{quote(secret)}".encode()).decode()


def test_me_says_for_whom_the_token_acts(cast: Cast) -> None:
    answer = cast.maker.api.get("me/")
    assert answer.status_code == 200
    found = answer.json()
    assert found["enterprise"] == {
        "slug": "maker",
        "name": "Maker GmbH",
        "gln": "4006381000000",
        "language": "en",
        "currency": "EUR",
        "endpoints": [{"scheme": "0088", "id": "4006381000000"}],
    }
    assert found["person"] == "Tests"
    assert found["permissions"] == sorted(found["permissions"])
    assert {"order.publish", "order.view", "catalog.change"} <= set(found["permissions"])
    assert "settings.change" not in found["permissions"]
    assert cast.stranger.api.get("me").json()["enterprise"]["slug"] == "stranger"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer trb_wrong", "Token x", "Basic Og==", "Bearer \xff"])
def test_without_a_token_nobody_comes_in(header: str) -> None:
    for path in ("me/", "orders/", "partners/", "items/", "sites/", "events/", "order-responses/"):
        answer = NOBODY.get(path, headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/token/", "/api/v1/oauth/token", "/api/v1/oauth/token/"])
def test_a_client_gets_an_access_token(cast: Cast, path: str) -> None:
    id, secret = client(cast.maker)
    answer = asked({"grant_type": "client_credentials", "client_id": id, "client_secret": secret}, path)
    assert answer.status_code == 200
    assert (answer["Cache-Control"], answer["Pragma"]) == ("no-store", "no-cache")
    found = answer.json()
    assert (found["token_type"], found["expires_in"]) == ("Bearer", 3600)
    me = Api(found["access_token"]).get("me/").json()
    assert (me["enterprise"]["slug"], me["person"]) == ("maker", "ERP")


def test_a_client_may_say_who_it_is_by_basic(cast: Cast) -> None:
    id, secret = client(cast.supplier)
    answer = asked({"grant_type": "client_credentials"}, Authorization=basic(id, secret))
    assert answer.status_code == 200
    assert Api(answer.json()["access_token"]).get("me/").json()["enterprise"]["slug"] == "supplier"


def test_what_the_request_lacks_is_said_in_the_words_of_the_standard(cast: Cast) -> None:
    id, secret = client(cast.maker)
    other, _secret = client(cast.supplier)
    good = {"grant_type": "client_credentials", "client_id": id, "client_secret": secret}
    refused: list[tuple[Any, dict[str, str], int, str]] = [
        ({}, {}, 400, "invalid_request"),
        ({**good, "grant_type": "password"}, {}, 400, "unsupported_grant_type"),
        ({**good, "client_secret": "wrong"}, {}, 401, "invalid_client"),
        ({**good, "client_id": other}, {}, 401, "invalid_client"),
        ({**good, "client_id": "a\0b"}, {}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, {}, 401, "invalid_client"),
        ({**good, "scope": "everything"}, {}, 400, "invalid_scope"),
        (good, {"Authorization": basic(id, secret)}, 400, "invalid_request"),
        ({"grant_type": "client_credentials"}, {"Authorization": "Basic !"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, {"Authorization": basic(id, "wrong")}, 401, "invalid_client"),
        (urlencode([*good.items(), ("client_id", id)]).encode(), {}, 400, "invalid_request"),
    ]
    before = ask("SELECT count(*) FROM accounts_accesstoken")
    for given, headers, status, code in refused:
        answer = asked(given, **headers)
        assert (answer.status_code, answer.json()["error"]) == (status, code), given
        assert answer.json()["error_description"]
        assert answer["Cache-Control"] == "no-store"
        assert ("WWW-Authenticate" in answer) == (status == 401)
    json = NOBODY.post("/oauth/token", good)
    assert (json.status_code, json.json()["error"]) == (400, "invalid_request")
    assert NOBODY.get("/oauth/token").status_code == 405
    assert ask("SELECT count(*) FROM accounts_accesstoken") == before


def test_a_revoked_client_gets_nothing_and_its_tokens_open_nothing(cast: Cast) -> None:
    id, secret = client(cast.maker)
    given = {"grant_type": "client_credentials", "client_id": id, "client_secret": secret}
    token = asked(given).json()["access_token"]
    with in_lobby():
        accounts.revoke_token(client=id, enterprise=cast.maker.id, at=AT)  # type: ignore[arg-type]
    assert asked(given).status_code == 401
    assert Api(token).get("me/").status_code == Api(secret).get("me/").status_code == 401


def test_an_expired_token_opens_nothing(cast: Cast) -> None:
    id, secret = client(cast.maker)
    token = asked({"grant_type": "client_credentials", "client_id": id, "client_secret": secret}).json()["access_token"]
    ask("UPDATE accounts_accesstoken SET expires_at = now() - interval '1 second' WHERE client_id = %s", [id])
    assert Api(token).get("me/").status_code == 401


def test_a_request_has_an_id_in_and_out(cast: Cast) -> None:
    assert cast.maker.api.get("me/", headers={"X-Request-ID": "abc-1"})["X-Request-ID"] == "abc-1"
    assert cast.maker.api.get("me/", headers={"X-Request-ID": "a b"})["X-Request-ID"] not in ("a b", "")
