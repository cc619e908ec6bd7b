"""From where a page's socket goes on: noted before the page is made, so that nothing falls between the page and its socket."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from apps.base import acting
from apps.documents import selectors as documents

Next = Callable[[HttpRequest], HttpResponse]


class CursorMiddleware:
    """request.live_cursor: the feed's newest cursor before the view reads anything. For whole pages inside a home."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        context = acting.current_or_none()
        if request.method == "GET" and context is not None and context.home is not None and not request.headers.get("HX-Request"):
            request.live_cursor = documents.newest_cursor()  # type: ignore[attr-defined]
        return self.get_response(request)
