from django.urls import include, path

from apps.accounts.views import entering, settings

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("i18n/setlang/", entering.set_language, name="set_language"),
    path("switch/", entering.switch, name="switch"),
    path("set-up/<str:token>/", entering.set_up, name="set_up"),
    path("settings/", settings.settings_page, name="settings"),
    path("settings/people/<uuid:id>/role/", settings.person_role, name="person_role"),
    path("settings/people/<uuid:id>/end/", settings.person_end, name="person_end"),
    path("settings/people/<uuid:id>/again/", settings.person_again, name="person_again"),
    path("settings/tokens/<uuid:id>/revoke/", settings.token_revoke, name="token_revoke"),
]
