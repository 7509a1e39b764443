"""A Django project in one file, for both interfaces."""

import django
from django.conf import settings

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="not a secret: a test's")
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402 - after it is set up
from django.core.wsgi import get_wsgi_application  # noqa: E402 - settings come first
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse  # noqa: E402 - settings come first
from django.urls import path, reverse  # noqa: E402 - settings come first
from django.views.decorators.csrf import csrf_exempt  # noqa: E402 - settings come first


@csrf_exempt
def index(request):
    return JsonResponse({"path": request.path, "url": reverse("index"), "method": request.method, "form": request.POST.dict()})


async def in_task(request):
    return HttpResponse("async")


def stream(request):
    return StreamingHttpResponse(str(number) for number in range(3))


urlpatterns = [path("", index, name="index"), path("async", in_task), path("stream", stream)]
wsgi = get_wsgi_application()
asgi = get_asgi_application()
