from django.urls import path

from apps.network import views
from apps.network.views import joining, tolerating

urlpatterns = [
    path("network/", views.network, name="network"),
    path("network/tolerances/", tolerating.tolerances, name="tolerances"),
    path("network/tolerances/one/", tolerating.tolerance, name="tolerance"),
    path("network/invite/", views.invite, name="invite"),
    path("network/invite/mail/", views.invite_mail, name="invite_mail"),
    path("network/invitations/<uuid:id>/<slug:deed>/", views.invitation_deed, name="invitation_deed"),
    path("join/<str:token>/", joining.join, name="join"),
    path("network/partners/<slug:slug>/", views.partner, name="partner"),
    path("network/partners/<slug:slug>/answers/", views.wish, name="partner_wish"),
    path("network/partners/<slug:slug>/<str:deed>/", views.deed, name="partner_deed"),
    path("settings/office/", views.office, name="office"),
    path("settings/notices/", views.notices, name="notices"),
    path("settings/notices/<uuid:id>/end/", views.notice_end, name="notice_end"),
]
