from django.urls import path

from apps.orders import views

urlpatterns = [path("documents/orders/<uuid:uid>/impact/", views.impact, name="order_impact")]
