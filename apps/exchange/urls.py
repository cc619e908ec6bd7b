from django.urls import path

from apps.exchange import views

urlpatterns = [
    path("settings/keys/", views.keys, name="keys"),
    path("settings/keys/rotate/", views.rotate, name="keys_rotate"),
]
