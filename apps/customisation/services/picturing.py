"""Pictures of products and options: kept by the digest of their content, so that one picture of many releases is one file."""

import hashlib
import re

from django.utils.translation import gettext as _

from apps.base import fields
from apps.base.findings import refuse
from apps.documents.services import recognising
from apps.tenants.storage import files

LARGEST_PICTURE = 2 * 1024 * 1024
ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}
MEDIA_TYPES = {ending: media_type for media_type, ending in ENDINGS.items()}
NAME = re.compile(r"[0-9a-f]{64}\.(png|jpg)\Z")


class NoSuchPicture(Exception):
    """There is no picture of this name."""


def keep_picture(*, body: bytes) -> str:
    """Keep a PNG or JPEG of at most 2 MB; gives its name. Raises Invalid at `/picture`."""
    if len(body) > LARGEST_PICTURE:
        raise refuse("/picture", "too_big", _("The picture is too big: at most 2 MB are taken."))
    beginning = next((kind for start, kind in recognising.BEGINNINGS.items() if body.startswith(start)), "")
    if beginning not in ENDINGS:
        raise refuse("/picture", "content", _("Send the picture as PNG or JPEG."))
    name = f"{hashlib.sha256(body).hexdigest()}.{ENDINGS[beginning]}"
    files().keep(f"pictures/{name}", body)
    return name


def read_picture(*, name: str) -> tuple[str, bytes]:
    """The media type and the bytes of a picture of one's own. Raises NoSuchPicture."""
    if not NAME.match(name):
        raise NoSuchPicture(_("There is no such picture."))
    try:
        return MEDIA_TYPES[name.rpartition(".")[2]], files().read(f"pictures/{name}")
    except FileNotFoundError as error:
        raise NoSuchPicture(_("There is no such picture.")) from error


def picture_name(value: object) -> str:
    """A picture's name, empty for none. Raises fields.Unreadable."""
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not NAME.match(value):
        raise fields.Unreadable("picture", _("There is no such picture."))
    return value
