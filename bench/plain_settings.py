"""The settings of the floor's server: the portal's own, without what stands between the server and a view."""

from portal.settings import *  # noqa: F403  # everything else is to be the same

ROOT_URLCONF = "bench.plain"
# Without this one the application would not start; it does next to nothing.
MIDDLEWARE = ["allauth.account.middleware.AccountMiddleware"]
