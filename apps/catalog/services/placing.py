"""Sites: the enterprise's own places."""

import datetime as dt
import uuid
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import biip.gln
from babel import Locale
from biip import ParseError
from django.db import transaction
from django.utils.translation import gettext as _

from apps.base import acting, fields
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid
from apps.catalog import models
from apps.catalog.services.reading import Given, Put, Reader, read, text_of, yes

COLUMNS = ("code", "name", "name_zh", "gln", "address", "city", "country", "time_zone", "main")


def save_site(*, code: Any, name: Any, name_zh: Any = "", gln: Any = "", address: Any = "", city: Any = "", country: Any = "", time_zone: Any = "",
              main: Any = False, id: uuid.UUID | None = None, by: Actor, at: dt.datetime) -> models.Site:  # fmt: skip
    """Enter a place of one's own, or change the one with `id`.

    gln: 13 digits with their check digit (GS1 General Specifications 7.9). country: ISO 3166-1, two letters. time_zone: of the IANA database;
    the enterprise's own where it is not said. main: there is one; the first site is it, and a new one takes the old one's place.
    Raises Invalid with every finding.
    """
    row = {
        "code": code,
        "name": name,
        "name_zh": name_zh,
        "gln": gln,
        "address": address,
        "city": city,
        "country": country,
        "time_zone": time_zone,
        "main": main,
    }
    with transaction.atomic():
        key = put_sites([{**row, **({"id": id} if id else {})}]).only()
    return models.Site.objects.get(pk=key)


def remove_site(*, id: uuid.UUID, by: Actor, at: dt.datetime) -> None:
    """Take a site off the list. Raises Invalid where there is none, and for the main one as long as there are others."""
    with transaction.atomic():
        site = models.Site.objects.filter(pk=id).first()
        if site is None:
            raise Invalid([Finding("/", "missing", _("There is no such site."))])
        if site.main and models.Site.objects.exclude(pk=id).exists():
            raise Invalid([Finding("/", "main", _("This is the main site: make another one the main site first."))])
        site.delete()


def read_gln(value: Any) -> str:
    """A GLN of 13 digits with its check digit, or nothing. Raises Unreadable."""
    text = fields.text(value, limit=13)
    if text:
        try:
            biip.gln.Gln.parse(text)
        except ParseError:
            raise fields.Unreadable("gln", _("A GLN has 13 digits, the last of them a check digit.")) from None
    return text


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """The countries of ISO 3166-1 by their two letters, as CLDR has them."""
    named: Iterable[str] = Locale.parse("en").territories.keys()
    return frozenset(code for code in named if len(code) == 2 and code.isalpha()) - {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}


def read_country(value: Any) -> str:
    text = fields.text(value, limit=60).upper()
    if text and text not in countries():
        raise fields.Unreadable("country", _("Write the country with two letters of ISO 3166-1: “DE”, “CN”."))
    return text


def read_time_zone(value: Any) -> str:
    text = fields.text(value, limit=60) or acting.home().time_zone
    if text not in zoneinfo.available_timezones():
        raise fields.Unreadable("time_zone", _("“%(value)s” is no time zone. Write one as “Europe/Berlin” or “Asia/Shanghai”.") % {"value": text})
    return text


_READERS: Mapping[str, Reader] = {
    "code": text_of(30, required=True),
    "name": text_of(200, required=True),
    "name_zh": text_of(200),
    "gln": read_gln,
    "address": text_of(400),
    "city": text_of(100),
    "country": read_country,
    "time_zone": read_time_zone,
    "main": yes,
}


def put_sites(rows: Sequence[Given], *, upsert: bool = False) -> Put:
    """Enter sites together, in a transaction of the caller's: fields as those of save_site(), `id` where one is changed.

    upsert: the site with the same code is changed. The good rows are written, whatever is wrong with the others.
    """
    put = Put()
    # All of them: there are few, and which one is the main one concerns every other.
    known = {site.pk: site for site in models.Site.objects.select_for_update()}
    by_code = {site.code: site for site in known.values()}
    seen: set[uuid.UUID] = set()
    for index, row in enumerate(rows):
        values = read(row, _READERS, index, put)
        if values is None:
            continue
        holder = by_code.get(values.get("code", ""))
        site = known.get(row["id"]) if "id" in row else holder if upsert else None
        if "id" in row and site is None:
            put.wrong(index, "/", "missing", _("There is no such site."))
        elif holder is not None and (site is None or holder.pk != site.pk or site.pk in seen):
            put.wrong(index, "/code", "code_taken", _("There is a site with this code already."))
        else:
            site = site or models.Site(time_zone=acting.home().time_zone)
            _write(site, values, known.values())
            known[site.pk] = by_code[site.code] = site
            seen.add(site.pk)
            put.saved[index] = site.pk
    return put


def _write(site: models.Site, values: Mapping[str, Any], others: Iterable[models.Site]) -> None:
    for name, value in values.items():
        setattr(site, name, value)
    main = next((one for one in others if one.main and one.pk != site.pk), None)
    if main is None:
        site.main = True
    elif site.main:
        main.main = False
        main.save(update_fields=["main"])
    site.save()
