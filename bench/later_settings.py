"""The portal as a later release of it would be: with a migration that every home must be brought on by."""

from portal.settings import *  # noqa: F403

MIGRATION_MODULES = {"procurement": "bench.later"}
