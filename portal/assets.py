"""Lay out what the pages need from the locked npm packages, and compile the message catalogues.

Run by ``make`` as ``python -m portal.assets``, without Django and without a database. What comes out lies in
``<VAR_DIR>/assets`` (one of the ``STATICFILES_DIRS``), so that nothing of other people's is kept in the repository:

``tabler/``   Tabler's style sheet
``inter/``    the pages' typeface, in its two Latin subsets
``echarts/``  Apache ECharts
``icons.svg`` one sprite of the Tabler icons named in ``static/icons.txt``: ``<use href="…/icons.svg#home">``;
              ``filled/star`` in the list is ``#filled-star`` in the sprite
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent

COPIES = {
    "@tabler/core/dist/css/tabler.min.css": "tabler/tabler.min.css",
    "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2": "inter/inter-latin.woff2",
    "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2": "inter/inter-latin-ext.woff2",
    "echarts/dist/echarts.min.js": "echarts/echarts.min.js",
}

# The maps are not copied, and a storage that hashes names would look for what such a line names.
SOURCE_MAP = re.compile(r"^(/\*#|//#) sourceMappingURL=.*$", re.MULTILINE)
SVG = "{http://www.w3.org/2000/svg}"


class AssetMissing(Exception):
    """A file or an icon that the pages ask for is in none of the locked packages."""


def copy_packages(packages: Path, target: Path) -> None:
    """Copy the few files of ``COPIES`` from ``packages`` (a ``node_modules``) below ``target``."""
    for source, name in COPIES.items():
        if not (packages / source).is_file():
            raise AssetMissing(f"node_modules/{source} is missing: run `npm ci`")
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        if destination.suffix == ".woff2":
            shutil.copyfile(packages / source, destination)
        else:
            destination.write_text(SOURCE_MAP.sub("", (packages / source).read_text("utf-8")), "utf-8")


def icon_names(listing: str) -> list[str]:
    """The names in the text of ``static/icons.txt``: one a line, ``#`` begins a remark."""
    return sorted({name for line in listing.splitlines() if (name := line.partition("#")[0].strip())})


def sprite(icons: Path, names: list[str]) -> str:
    """One SVG document with a symbol for each of ``names``, taken from ``icons`` (Tabler's folder of SVG files)."""
    symbols = []
    for name in names:
        path = icons / (f"{name}.svg" if name.startswith("filled/") else f"outline/{name}.svg")
        if not path.is_file():
            raise AssetMissing(f"static/icons.txt asks for {name!r}, which Tabler's icons do not have")
        # Not anybody's XML: the lock file has the digest of the package that it is in.
        drawing = ElementTree.parse(path).getroot()  # noqa: S314
        kept = {key: drawing.attrib[key] for key in drawing.attrib if key not in ("class", "width", "height")}
        symbol = ElementTree.Element(f"{SVG}symbol", {"id": name.replace("/", "-"), **kept})
        symbol.extend(drawing)
        symbols.append(symbol)
    root = ElementTree.Element(f"{SVG}svg")
    root.extend(symbols)
    ElementTree.register_namespace("", SVG[1:-1])
    return ElementTree.tostring(root, encoding="unicode")


def compile_catalogues(locale: Path) -> int:
    """Write a ``.mo`` beside each ``.po`` below ``locale``; fuzzy messages are left out. The number of catalogues."""
    sources = sorted(locale.glob("*/LC_MESSAGES/*.po"))
    for source in sources:
        with source.open("rb") as text:
            catalogue = read_po(text, locale=source.parent.parent.name, domain=source.stem, abort_invalid=True)
        with source.with_suffix(".mo").open("wb") as binary:
            write_mo(binary, catalogue)
    return len(sources)


def build(target: Path) -> None:
    """Make ``target`` anew, whole, so that a file no longer wanted is not served from an earlier build."""
    packages = ROOT / "node_modules"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    copy_packages(packages, target)
    names = icon_names((ROOT / "static" / "icons.txt").read_text("utf-8"))
    (target / "icons.svg").write_text(sprite(packages / "@tabler" / "icons" / "icons", names), "utf-8")
    compile_catalogues(ROOT / "locale")


if __name__ == "__main__":
    try:
        build(ROOT / "var" / "assets")
    except AssetMissing as error:
        sys.exit(str(error))
