"""Django's settings. What differs between machines is read in `portal.environment`, and from there only."""

from pathlib import Path
from urllib.parse import urlsplit

from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _
from environ import Env

from apps.base.patience import ASIDE, KEEPALIVES, LISTENING, PatientConnection
from portal.environment import Database, Environment

ENVIRONMENT = Environment.read()
ROOT = Path(__file__).resolve().parent.parent
VAR = ENVIRONMENT.var_dir

DEBUG = ENVIRONMENT.debug
SECRET_KEY = ENVIRONMENT.secret_key
KEY_RING = ENVIRONMENT.key_ring
BASE_URL = ENVIRONMENT.base_url
BASE_HOST = urlsplit(BASE_URL).hostname or "localhost"
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)

# Schemas: what all enterprises share, and what each has at home.
SHARED_APPS = [
    "django_tenants",
    "apps.base",
    "apps.tenants",
    "apps.accounts",
    "apps.network",
    "apps.exchange",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]
TENANT_APPS = [
    "apps.catalog",
    "apps.documents",
    "apps.customisation",
    "apps.scheduling",
    "apps.orders",
    "apps.procurement",
    "apps.logistics",
]
INSTALLED_APPS = [
    *SHARED_APPS[:5],
    *TENANT_APPS,
    "apps.exchange",
    "apps.live",
    *SHARED_APPS[6:],
    "channels",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "django_htmx",
    "django_linear_migrations",
    "portal.demo",
]
TENANT_MODEL = "tenants.Enterprise"
TENANT_DOMAIN_MODEL = "tenants.Domain"
TENANT_DB_ALIAS = "owner"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]


def _database(engine: str, login: Database, **more: object) -> dict[str, object]:
    return {
        "ENGINE": engine,
        "NAME": login.name,
        "USER": login.user,
        "PASSWORD": login.password,
        "HOST": login.host,
        "PORT": login.port,
        "ATOMIC_REQUESTS": False,
        **more,
    }


# Who asks while the database is gone hears so soon; and the pool tries anew for each who asks, rather than ever more seldom.
_POOL = {"min_size": 0, "max_size": ENVIRONMENT.web_threads + 8, "timeout": 4, "reconnect_timeout": 1, "connection_class": PatientConnection}
# A plan that was kept is made anew where role or path differ from those that it was made for: PostgreSQL sees to that.
_PREPARE_AFTER = 5 if ENVIRONMENT.prepared_statements else None
DATABASES = {
    # The wall: every query of web and worker.
    "default": _database(
        "apps.tenants.wall",
        ENVIRONMENT.database,
        DISABLE_SERVER_SIDE_CURSORS=True,
        OPTIONS={**KEEPALIVES, **ENVIRONMENT.database.options, "server_side_binding": True, "prepare_threshold": _PREPARE_AFTER, "pool": _POOL},
    ),
    # The owner: migrations and provisioning, and nothing that a page or a partner asks for.
    "owner": _database(
        "django_tenants.postgresql_backend", ENVIRONMENT.owner or ENVIRONMENT.database, OPTIONS=dict((ENVIRONMENT.owner or ENVIRONMENT.database).options)
    ),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
    "apps.tenants.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.tenants.middleware.LobbyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "apps.accounts.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.accounts.middleware.EnterpriseMiddleware",
    "apps.live.middleware.CursorMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
ASGI_APPLICATION = "portal.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "apps.live.selectors.frame",
            ],
            "builtins": ["apps.base.templatetags.tributary", "django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Tributary: "
ACCOUNT_LOGOUT_ON_GET = False
# Sign-ins are counted by `accounts.adapter`, those that fail. allauth's own count in its view takes the right ones too, each process for
# itself: the thirty-first of a shift that comes in through one address within a minute would be turned away.
ACCOUNT_RATE_LIMITS = {"login": ""}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
# Nobody signs himself up with an address that is not his: people come by invitation, mailed to theirs.
MFA_ALLOW_UNVERIFIED_EMAIL = True

# The admins: the mark and the accent of the pages.
_SHADES = {"50": 97, "100": 94, "200": 88, "300": 79, "400": 68, "500": 56, "600": 47, "700": 41, "800": 35, "900": 30, "950": 22}
UNFOLD = {
    "SITE_ICON": lambda request: static("img/mark.svg"),
    "COLORS": {"primary": {shade: f"oklch({lightness}% .075 222)" for shade, lightness in _SHADES.items()}},
}

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BASE_URL.startswith("https")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_TRUSTED_ORIGINS = [f"{urlsplit(BASE_URL).scheme}://*.{BASE_HOST}"]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [ROOT / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [ROOT / "static", ROOT / "var" / "assets"]
STORAGES = {
    "default": {"BACKEND": "apps.tenants.storage.HomeStorage", "OPTIONS": {"location": VAR / "media"}},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}


def layers_by(url: str) -> dict[str, dict[str, object]]:
    """The channel layer that a Redis carries."""
    host = {"address": url, "socket_timeout": LISTENING, "socket_connect_timeout": LISTENING}
    return {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [host]}}}


def caches_by(url: str) -> dict[str, dict[str, object]]:
    """The cache that a Redis keeps."""
    patience = {"socket_timeout": ASIDE, "socket_connect_timeout": ASIDE}
    return {"default": {"BACKEND": "apps.tenants.cache.PatientCache", "LOCATION": url, "OPTIONS": patience, "KEY_FUNCTION": KEY_FUNCTION}}


KEY_FUNCTION = "apps.tenants.cache.key_of"
if ENVIRONMENT.redis_url:
    CHANNEL_LAYERS, CACHES = layers_by(ENVIRONMENT.redis_url), caches_by(ENVIRONMENT.redis_url)
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "KEY_FUNCTION": KEY_FUNCTION}}
REDIS_URL = ENVIRONMENT.redis_url

# How much one may ask (`apps.base.limiting`), and which address is whose.
LIMITS = ENVIRONMENT.limits
LIMITS_FILE = VAR / "limits"
TRUSTED_PROXIES = ENVIRONMENT.trusted_proxies
# Enterprises come by invitation of a partner, too, where this process may make homes.
OPEN_TO_INVITED = ENVIRONMENT.open_to_invited and ENVIRONMENT.owner is not None

CELERY_BROKER_URL = ENVIRONMENT.broker_url
CELERY_BROKER_TRANSPORT_OPTIONS = dict(ENVIRONMENT.broker_options)
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "apps.exchange.tasks.sweep", "schedule": 5.0},
    "tend": {"task": "apps.scheduling.tasks.tend", "schedule": 30.0},
    "tell-by-mail": {"task": "apps.documents.tasks.tell_by_mail", "schedule": 10.0},
    "tick": {"task": "apps.documents.tasks.tick", "schedule": 30.0},
    "resume": {"task": "apps.documents.tasks.resume", "schedule": 30.0},
    "clear": {"task": "apps.accounts.tasks.clear", "schedule": 3600.0},
}

# What REST views have in common stands in `apps.base.api.ApiView`.
REST_FRAMEWORK: dict[str, object] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.base.api.handle",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
# Who may call REST views, as what (`apps.base.api`).
API_AUTHENTICATION = "apps.accounts.api.TokenAuthentication"
# Where answers to requests with an Idempotency-Key are kept (`apps.base.api`).
ANSWERS_KEPT_BY = "apps.documents.services"
SPECTACULAR_SETTINGS = {
    "TITLE": "Tributary",
    "DESCRIPTION": _("The open supply-chain portal: orders and what follows them, across the borders of enterprises."),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["apps.base.describing.without_doubles"],
}

vars().update(Env.email_url_config(ENVIRONMENT.email_url))
# Who sends a mail holds a row meanwhile, or lets somebody wait.
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = f"Tributary <no-reply@{BASE_HOST}>"
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 50_000

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "apps.tenants.logs.Context"}},
    "formatters": {
        "json": {"()": "pythonjsonlogger.json.JsonFormatter", "format": "%(asctime)s %(levelname)s %(name)s %(message)s %(request)s %(enterprise)s %(actor)s"},
        "plain": {"format": "%(asctime)s %(levelname)-7s %(name)s [%(request)s %(enterprise)s] %(message)s"},
    },
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": ENVIRONMENT.log_format, "filters": ["context"]}},
    "root": {"handlers": ["out"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "httpx": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
SILENCED_SYSTEM_CHECKS = ["models.W042"]
