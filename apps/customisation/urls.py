from django.urls import path

from apps.customisation.views import configuring, editing, public

urlpatterns = [
    path("configure/", configuring.configure, name="configure"),
    path("configure/of/<slug:seller>/<slug:product>/", configuring.configurator, name="configurator"),
    path("configure/configurations/<uuid:uid>/", configuring.configuration, name="configuration"),
    path("configure/shared/<str:token>/", configuring.shared, name="configuration_shared"),
    path("configure/pictures/<slug:seller>/<str:name>/", configuring.picture, name="product_picture"),
    path("configure/products/", editing.products, name="products"),
    path("configure/products/new/", editing.new_product, name="product_new"),
    path("configure/products/<slug:code>/", editing.product, name="product"),
    path("configure/products/<slug:code>/edit/", editing.edit_product, name="product_edit"),
    path("configure/products/<slug:code>/terms/", editing.terms, name="product_terms"),
    path("configure/products/<slug:code>/deeds/", editing.deed, name="product_deed"),
    path("configure/products/<slug:code>/uvl/", editing.uvl, name="product_uvl"),
    path("configure/products/<slug:code>/parts/<slug:part>/", editing.part, name="product_part"),
    # For everybody, without a login
    path("p/<slug:slug>/", public.products, name="public_products"),
    path("p/<slug:slug>/pictures/<str:name>/", public.picture, name="public_picture"),
    path("p/<slug:slug>/<slug:code>/", public.product, name="public_product"),
]
