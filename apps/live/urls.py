from django.urls import path

from apps.live import views

urlpatterns = [
    path("", views.today, name="today"),
    path("today/counts/", views.today_counts, name="today_counts"),
    path("today/recent/", views.today_recent, name="today_recent"),
    path("today/inbox/", views.inbox, name="inbox"),
    path("everywhere/", views.everywhere, name="everywhere"),
    path("search/", views.search, name="search"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
]
