from django.urls import path

from apps.logistics import views

urlpatterns = [
    path("dock/", views.to_ship, name="dock"),
    path("dock/pack/", views.pack, name="dock_pack"),
    path("dock/packing/<uuid:uid>/", views.packing, name="dock_packing"),
    path("dock/packing/<uuid:uid>/labels/", views.labels, name="dock_labels"),
    path("dock/expected/", views.expected, name="dock_expected"),
    path("dock/receiving/<uuid:uid>/", views.receiving, name="dock_receiving"),
    path("dock/stock/", views.stock, name="stock"),
    path("dock/stock/<uuid:id>/", views.stock_item, name="stock_item"),
]
