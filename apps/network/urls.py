from django.urls import path

from apps.network import views

urlpatterns = [
    path("network/", views.network, name="network"),
    path("network/invite/", views.invite, name="invite"),
    path("network/partners/<slug:slug>/", views.partner, name="partner"),
    path("network/partners/<slug:slug>/<str:deed>/", views.deed, name="partner_deed"),
]
