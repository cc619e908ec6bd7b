"""Every text that a person may see is said in Chinese too: extracted as the tools do, and looked for in the catalogue."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from importlib import import_module

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

from apps.base.text import Text
from tests.architecture.source import ROOT, modules, templates

CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
KEYWORDS = {
    **dict.fromkeys(("gettext", "gettext_lazy", "_", "gettext_noop"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
HAN = re.compile(r"[\u4e00-\u9fff]")
PLACE = re.compile(r"%\(\w+\)[sdif]|%[sdif]|\{\w*\}")
# Rightly the same in both languages: codes, and the patterns of dates.
ALIKE = re.compile(r"[A-Za-z0-9 ,.:/()%{}#·–—+-]*\Z")

Message = tuple[str, str, str]


def messages_in(text: str, place: str) -> Iterator[Message]:
    """Context, msgid and place of each message."""
    for number, found, _comments, context in extract("python", io.BytesIO(text.encode()), keywords=KEYWORDS):  # type: ignore[arg-type]
        msgid = found[0] if isinstance(found, tuple) else found
        if msgid:
            yield context or "", str(msgid), f"{place}:{number}"


LITERAL = r"""u?('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
CALL = re.compile(rf"\b(gettext|ngettext|pgettext|npgettext|_)\(\s*{LITERAL}(?:\s*,\s*{LITERAL})?")


def messages_of_template(text: str, place: str) -> Iterator[Message]:
    """What Django's own tool would find: it turns the tags into calls, with the rest crossed out."""
    called = templatize(text, origin=place)
    for found in CALL.finditer(called):
        name, first, second = found.groups()
        words = [ast.literal_eval(word) for word in (first, second) if word]
        context, msgid = (words[0], words[1]) if "pgettext" in name else ("", words[0])
        yield context, msgid, f"{place}:{called.count(chr(10), 0, found.start()) + 1}"


def used() -> Iterator[Message]:
    for found in modules("apps", "portal"):
        yield from messages_in(found.text, found.place)
    for place, text in templates():
        yield from messages_of_template(text, place)


def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh_Hans", abort_invalid=True)


def untranslated(known: Catalog, wanted: Iterator[Message]) -> set[str]:
    missing = set()
    for context, msgid, place in wanted:
        message = known.get(msgid, context or None)
        strings = message.string if message is not None and isinstance(message.string, tuple | list) else [message.string if message is not None else ""]
        if message is None or message.fuzzy or not all(strings):
            missing.add(f"{place}: {context + ' | ' if context else ''}{msgid}")
    return missing


def test_every_text_is_in_the_chinese_catalogue() -> None:
    missing = untranslated(catalogue(), used())
    assert sorted(missing) == [], f"{len(missing)} texts have no Chinese"


def test_a_missing_text_is_found() -> None:
    sample = list(messages_in('from x import gettext as _\n_("Nobody has said this yet.")\nngettext("one", "many", 2)\n', "sample.py"))
    sample += messages_of_template('{% load i18n %}{% translate "Nor this" %}{% blocktranslate with a=b %}And {{ a }}{% endblocktranslate %}', "x.html")
    assert [message[1] for message in sample] == ["Nobody has said this yet.", "one", "Nor this", "And %(a)s"]
    assert len(untranslated(catalogue(), iter(sample))) == 4


def test_a_translation_keeps_its_places() -> None:
    wrong = []
    for message in catalogue():
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple | list) else [message.id]
        strings = message.string if isinstance(message.string, tuple | list) else [message.string]
        allowed = {place for text in ids for place in PLACE.findall(text)}
        wrong += [text for text in strings if set(PLACE.findall(text)) - allowed or (len(ids) == 1 and set(PLACE.findall(text)) != allowed)]
    assert wrong == []


def test_a_translation_is_chinese() -> None:
    same = [
        message.id for message in catalogue() if message.id and message.context is None and message.id == message.string and not ALIKE.match(str(message.id))
    ]
    assert same == []


def test_what_is_declared_as_data_is_said_in_both_languages() -> None:
    """`Text` bears its own Chinese: one that lacks it would be read in English."""
    found = [value for module in modules("apps") if module.name.startswith("apps.") for value in texts(import_module(module.name))]
    assert len(found) > 40
    words = [text for text in found if re.search(r"\w", text.en)]
    assert [text for text in words if not HAN.search(text.zh)] == []


def texts(place: object) -> Iterator[Text]:
    seen: set[int] = set()
    waiting: list[object] = list(vars(place).values())
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Text):
            yield value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple | set | frozenset):
            waiting += value
        elif type(value).__module__ == "apps.documents.vocabulary" and hasattr(type(value), "__dataclass_fields__"):
            waiting += [getattr(value, name) for name in type(value).__dataclass_fields__]
