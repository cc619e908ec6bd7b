from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CustomisationConfig(AppConfig):
    name = "apps.customisation"
    label = "customisation"
    verbose_name = _("Customisation")
