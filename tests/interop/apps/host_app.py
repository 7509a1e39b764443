"""An app of ours with guests under its paths."""

import django_guest
import fastapi_guest

from kolben import App

app = App(__name__, static_folder=None)
app.add_url_rule("/", view_func=lambda: "host")
app.mount("/fastapi", fastapi_guest.app)
app.mount("/django", django_guest.wsgi)
app.mount("/django-asgi", django_guest.asgi)
