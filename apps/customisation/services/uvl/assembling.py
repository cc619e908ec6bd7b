"""A UVL file with all that it imports as one tree, every name by its full code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from apps.customisation.services.uvl.faults import Place, refuse
from apps.customisation.services.uvl.tree import Branch, Constraint, Import, Tree, parsed

Fetch = Callable[[str], str | None]
DEEPEST = 8


@dataclass
class Said:
    """A constraint with what its names begin with, and the places of its references."""

    constraint: Constraint
    prefix: str
    places: list[Place]


@dataclass
class Whole:
    """One tree. said: all constraints in the order of the files; by_code: the features; parents: the feature above each."""

    root: Branch
    said: list[Said] = field(default_factory=list)
    by_code: dict[str, Branch] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)


def assembled(text: str, fetch: Fetch) -> Whole:
    """Read a file and what it imports; fetch gives another file's text by its path (`submodels/Size.uvl`), or None. Raises `Refused`."""
    said: list[Said] = []
    whole = Whole(_load(text, "", "", fetch, said, ()), said)
    _register(whole, whole.root)
    return whole


def _load(text: str, file: str, prefix: str, fetch: Fetch, said: list[Said], above: tuple[str, ...]) -> Branch:
    tree = parsed(text, file)
    assert tree.root is not None
    imports = {found.called: found for found in tree.imports}
    own: list[Said] = []
    _name(tree.root, tree, prefix, imports, fetch, own, said, (*above, file))
    said.extend(own)
    said.extend(Said(constraint, prefix, tree.places) for constraint in tree.constraints)
    return tree.root


def _name(
    branch: Branch,
    tree: Tree,
    prefix: str,
    imports: Mapping[str, Import],
    fetch: Fetch,
    own: list[Said],
    said: list[Said],
    above: tuple[str, ...],
) -> None:
    """Give a branch and all beneath it their codes, and put imported trees where they are named."""
    own.extend(Said(constraint, prefix, tree.places) for constraint in branch.constraints)
    beneath = list(branch.groups)
    if "." in branch.name:
        _bring(branch, prefix, imports, fetch, said, above)
    branch.name = prefix + branch.name
    for group in beneath:
        for member in group.members:
            _name(member, tree, prefix, imports, fetch, own, said, above)


def _bring(branch: Branch, prefix: str, imports: Mapping[str, Import], fetch: Fetch, said: list[Said], above: tuple[str, ...]) -> None:
    called, _dot, name = branch.name.rpartition(".")
    found = imports.get(called)
    if found is None:
        raise refuse(branch.place, "unknown", branch.name, _("“{name}” is not imported.").format(name=called))
    folder = above[-1].rpartition("/")[0]
    file = "/".join(part for part in (folder, *found.path.split(".")) if part) + ".uvl"
    if file in above or len(above) > DEEPEST:
        raise refuse(found.place, "import", found.path, _("“{file}” imports itself, or files are nested too deeply.").format(file=file))
    text = fetch(file)
    if text is None:
        raise refuse(found.place, "import", found.path, _("The imported file “{file}” is not there.").format(file=file))
    root = _load(text, file, f"{prefix}{called}.", fetch, said, above)
    if root.name != f"{prefix}{called}.{name}":
        raise refuse(branch.place, "unknown", branch.name, _("“{name}” is not the root of “{file}”.").format(name=name, file=file))
    branch.kind = root.kind if branch.kind == "Boolean" else branch.kind
    branch.cardinality = branch.cardinality or root.cardinality
    branch.attributes = [*root.attributes, *branch.attributes]
    branch.groups = [*root.groups, *branch.groups]


def _register(whole: Whole, root: Branch) -> None:
    waiting = [root]
    while waiting:
        branch = waiting.pop()
        if branch.name in whole.by_code:
            raise refuse(branch.place, "repeated", branch.name, _("“{code}” stands here twice.").format(code=branch.name))
        whole.by_code[branch.name] = branch
        for group in branch.groups:
            for member in group.members:
                whole.parents[member.name] = branch.name
        waiting.extend(member for group in reversed(branch.groups) for member in reversed(group.members))


def no_files(_path: str) -> None:
    """For a file that stands alone."""
