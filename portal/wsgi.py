"""The portal as a WSGI application: pages and REST, for a server of its own or inside :mod:`portal.asgi`."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

# A task that is sent from a page would otherwise go to Celery's own default application, and to no broker of ours.
import portal.celery  # noqa: F401

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = get_wsgi_application()
