"""Buyer and seller: their ids and names out of a message, and a party in a message of ours."""

from typing import Any, Final

from apps.exchange.formats.messages import Party, PartyLike
from apps.exchange.formats.ubl.tree import Data, leaf_text

# What older messages call the schemes that ISO/IEC 6523 numbers (Peppol's list of electronic address schemes).
_SCHEMES: Final = {
    "DE:VAT": "9930",
    "DK:CVR": "0184",
    "DUNS": "0060",
    "EAN": "0088",
    "GLN": "0088",
    "NO:ORG": "0192",
    "NO:ORGNR": "0192",
    "SE:ORGNR": "0007",
}


def read(holder: Data) -> Party:
    """The party in `holder` (the data of a BuyerCustomerParty or SellerSupplierParty)."""
    party = holder.get("party", {})
    entities = party.get("party_legal_entity", [])
    leaves = [
        party.get("endpoint_id"),
        *(one.get("id") for one in party.get("party_identification", [])),
        *(entity.get("company_id") for entity in entities),
        *(_tax_number(scheme) for scheme in party.get("party_tax_scheme", [])),
        holder.get("customer_assigned_account_id"),
        holder.get("supplier_assigned_account_id"),
    ]
    names = [
        *(one.get("name") for one in party.get("party_name", [])),
        *(entity.get("registration_name") for entity in entities),
    ]
    found = dict.fromkeys(_endpoint(leaf) for leaf in leaves if leaf)
    address = party.get("postal_address", {}).get("country", {})
    return Party(
        endpoints=tuple(endpoint for endpoint in found if endpoint[1]),
        name=next((leaf_text(name) for name in names if name), ""),
        country=leaf_text(address.get("identification_code", "")),
    )


def _tax_number(registration: Data) -> Any:
    """The number under the name of the tax, where it says no scheme of its own."""
    leaf = registration.get("company_id")
    tax = leaf_text(registration["tax_scheme"].get("id", ""))
    return leaf if leaf is None or isinstance(leaf, dict) else {"value": leaf, "scheme_id": tax}


def _endpoint(leaf: Any) -> tuple[str, str]:
    scheme = str(leaf.get("scheme_id", "")) if isinstance(leaf, dict) else ""
    return _SCHEMES.get(scheme.upper(), scheme), leaf_text(leaf)


def place(data: Data, key: str, party: PartyLike, *, address: bool) -> None:
    """See to it that `data[key]` is `party`: as the message had it, unless that names other ids.

    `address` says whether a party that is made anew may say its country (Peppol's T01 wants it, T76 forbids it).
    """
    held = data.get(key)
    named = set(read(held).endpoints) if held is not None else set()
    if held is not None and (not named or not party.endpoints or named & set(party.endpoints)):
        return
    data[key] = {"party": _made(party, getattr(party, "country", "") if address else "")}


def _leaf(scheme: str, value: str) -> Any:
    return {"value": value, "scheme_id": scheme} if scheme else value


def _made(party: PartyLike, country: str) -> Data:
    made: Data = {}
    if party.endpoints:
        first, *rest = [_leaf(scheme, value) for scheme, value in party.endpoints]
        made["endpoint_id"] = first
        made.update({"party_identification": [{"id": leaf} for leaf in rest]} if rest else {})
    if country:
        made["postal_address"] = {"country": {"identification_code": country}}
    if party.name:
        made["party_legal_entity"] = [{"registration_name": party.name}]
    return made
