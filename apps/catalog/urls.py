from django.urls import path

from apps.catalog import views

urlpatterns = [
    path("catalogue/", views.catalogue, name="catalogue"),
    path("catalogue/items/new/", views.new_item, name="item_new"),
    path("catalogue/items/<uuid:id>/", views.item, name="item"),
    path("catalogue/items/<uuid:id>/edit/", views.edit_item, name="item_edit"),
]
