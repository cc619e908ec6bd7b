from django.urls import path

from apps.procurement import views

urlpatterns = [path("needs/", views.needs, name="needs"), path("needs/<uuid:uid>/order/", views.order, name="need_order")]
