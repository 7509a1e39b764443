"""Kolben's rows.  Every view reads `request.args` and one header and sets `g.x`, as a real one does; peers' views need not.

MODE says where views run: inline, thread, async; earned: where they have earned to run; or wsgi: the app wrapped as behind a proxy,
so that the WSGI path is taken.
"""
import os

from kolben import App, g, request

from common import fresh, others, pick

MODE = os.environ.get("MODE", "inline")
PINNED = {"run": MODE} if MODE in ("inline", "thread") else {}
app = App(__name__)


def touch():
    g.x = request.args.get("x"), request.headers.get("X-Y")


if MODE == "async":
    async def index(): touch(); return "Hello, World!"
    async def json(): touch(); return {"message": "Hello, World!"}
    async def items(): touch(); return request.get_json()
    async def other0(): touch(); return {}
    async def other1(id): touch(); return {"id": id}
    async def other2(id, slug): touch(); return {"id": id, "slug": slug}
    async def post(id, slug): touch(); return {"id": id, "slug": slug, "page": request.args.get("page", 1, type=int)}
else:
    def index(): touch(); return "Hello, World!"
    def json(): touch(); return {"message": "Hello, World!"}
    def items(): touch(); return request.get_json()
    def other0(): touch(); return {}
    def other1(id): touch(); return {"id": id}
    def other2(id, slug): touch(); return {"id": id, "slug": slug}
    def post(id, slug): touch(); return {"id": id, "slug": slug, "page": request.args.get("page", 1, type=int)}

app.get("/", **PINNED)(index)
app.get("/json", **PINNED)(json)
app.post("/items", **PINNED)(items)
for path, name, n in others("<int:id>", "<slug>"):
    app.get(path, **PINNED)(fresh(pick(n, other0, other1, other2), name))
app.get("/user/<int:id>/post/<slug>", **PINNED)(post)

if MODE == "wsgi":
    from werkzeug.middleware.proxy_fix import ProxyFix

    app.wsgi_app = ProxyFix(app.wsgi_app)
