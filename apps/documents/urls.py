from django.urls import path

from apps.documents import views
from apps.documents.types import TYPES
from apps.documents.views import answering, bulking, matching, scoring

LIST = "documents/<slug:collection>/"
ONE = f"{LIST}<uuid:uid>/"

urlpatterns = [
    path("documents/", views.first_list, name="documents"),
    # Each list has a name of its own, too: for menus.
    *[path(f"documents/{each.collection}/", views.document_list, {"collection": each.collection}, name=each.collection) for each in TYPES.values()],
    path(LIST, views.document_list, name="document_list"),
    path(f"{LIST}export/", views.export, name="document_export"),
    path(f"{LIST}views/", views.save_view, name="document_views"),
    path(f"{LIST}views/<uuid:uid>/forget/", views.forget_view, name="document_view"),
    path(f"{LIST}moves/<slug:move>/", bulking.bulk, name="document_bulk"),
    path(f"{LIST}answers/", bulking.answers, name="document_answers"),
    path(f"{LIST}answers/table/", bulking.answers_table, name="document_answers_table"),
    path(f"{LIST}bulk/<uuid:uid>/", bulking.bulk_one, name="document_bulk_one"),
    path(f"{LIST}bulk/<uuid:uid>/report/", bulking.bulk_report, name="document_bulk_report"),
    path(f"{LIST}new/", views.new, name="document_new"),
    path(ONE, views.document, name="document"),
    path(f"{ONE}edit/", views.edit, name="document_edit"),
    path(f"{ONE}parts/<slug:part>/", views.part, name="document_fragment"),
    path(f"{ONE}thread/", views.write, name="document_thread"),
    path(f"{ONE}attachments/", views.attach, name="document_attach"),
    path(f"{ONE}attachments/<uuid:key>/", views.attachment, name="document_attachment"),
    path(f"{ONE}moves/<slug:move>/", views.move, name="document_move"),
    path(f"{ONE}message/", views.message, name="document_message"),
    path(f"{ONE}originals/<uuid:key>/", views.original, name="document_original"),
    # Without an account, by a one-time link
    path("answer/<str:token>/", answering.answer, name="answer"),
    path("answer/<str:token>/done/", answering.done, name="answer_done"),
    path("network/scorecards/<slug:slug>/", scoring.scorecard, name="scorecard"),
    path("catalogue/matching/", matching.queue, name="matching"),
    path("catalogue/matching/<uuid:line>/", matching.match, name="matching_line"),
]
