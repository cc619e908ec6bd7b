"""The keys with which enterprises sign: Ed25519 (RFC 8032), the private half sealed under the platform's key ring."""

import base64
import datetime as dt
import time
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import transaction

from apps.base import acting, clock
from apps.exchange import models
from apps.tenants.services import Leaving, Provisioned

# A process asks anew for the key after this time, so that a rotation reaches all of them.
FRESH_SECONDS = 60.0

_opened: dict[uuid.UUID, tuple[float, uuid.UUID, Ed25519PrivateKey]] = {}
_public: dict[uuid.UUID, tuple[uuid.UUID, Ed25519PublicKey]] = {}


def _ring() -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in settings.KEY_RING])


def make_key(*, at: dt.datetime) -> uuid.UUID:
    """Make a signing key for the acting enterprise. Gives its id."""
    enterprise = acting.home().id
    private = Ed25519PrivateKey.generate()
    with transaction.atomic():
        key = models.SigningKey.objects.create(enterprise_id=enterprise, public=private.public_key().public_bytes_raw(), created_at=at)
        models.SealedKey.objects.create(key=key, enterprise_id=enterprise, sealed=_ring().encrypt(private.private_bytes_raw()))
    _opened.pop(enterprise, None)
    return key.pk


def rotate(*, at: dt.datetime) -> uuid.UUID:
    """Retire the acting enterprise's key and make a new one. What the old one signed stays valid."""
    with transaction.atomic():
        models.SigningKey.objects.filter(enterprise_id=acting.home().id, retired_at=None).update(retired_at=at)
        return make_key(at=at)


def sign(digest: bytes) -> tuple[uuid.UUID, bytes]:
    """The acting enterprise's signature of a digest, and the id of the key."""
    enterprise = acting.home().id
    found = _opened.get(enterprise)
    if found is None or time.monotonic() - found[0] > FRESH_SECONDS:
        found = _opened[enterprise] = (time.monotonic(), *_open(enterprise))
    return found[1], found[2].sign(digest)


def _open(enterprise: uuid.UUID) -> tuple[uuid.UUID, Ed25519PrivateKey]:
    sealed = models.SealedKey.objects.filter(enterprise_id=enterprise, key__retired_at=None).order_by("-key__created_at").first()
    if sealed is None:
        # Its provisioning was interrupted before the first key was made.
        sealed = models.SealedKey.objects.get(key_id=make_key(at=clock.now()))
    return sealed.key_id, Ed25519PrivateKey.from_private_bytes(_ring().decrypt(bytes(sealed.sealed)))


def signed(*, key: uuid.UUID, sender: uuid.UUID, digest: bytes, signature: bytes) -> bool:
    """Whether `signature` is the sender's, of this digest, by this key of his."""
    if key not in _public:
        row = models.SigningKey.objects.filter(pk=key).values_list("enterprise_id", "public").first()
        if row is None:
            return False
        _public[key] = (row[0], Ed25519PublicKey.from_public_bytes(bytes(row[1])))
    owner, public = _public[key]
    try:
        public.verify(signature, digest)
    except InvalidSignature:
        return False
    return owner == sender


def make_first_key(news: Provisioned) -> None:
    """React to a new home: its enterprise can sign from the first moment."""
    make_key(at=news.at)


def forget_key(news: Leaving) -> None:
    """React to an enterprise that leaves: this process does not sign in its name any more. Elsewhere nobody acts for it who could."""
    _opened.pop(news.home.id, None)
