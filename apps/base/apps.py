from django.apps import AppConfig


class BaseConfig(AppConfig):
    name = "apps.base"
    label = "base"

    def ready(self) -> None:
        from apps.base import announcing

        announcing.collect()
