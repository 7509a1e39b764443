"""The application that tools/training.py asks: one view of each ordinary kind."""

import os
import time

from kolben import App, Blueprint, Response, abort, g, jsonify, redirect, render_template_string, request, session, url_for

app = App(__name__)
app.secret_key = "of the training"
shop = Blueprint("shop", __name__, url_prefix="/shop")
PAGE = "<ul>{% for row in rows %}<li>{{ row.name }}: {{ row.price }}</li>{% endfor %}</ul>"
ROWS = [{"name": f"item <{number}>", "price": number / 4, "tags": ["new", "\u00e4"], "sold": None} for number in range(12)]


def plain():
    g.seen = request.args.get("x"), request.headers.get("X-Client")
    return "Hello, World!"


app.get("/")(plain)
app.get("/pinned", endpoint="pinned", run="inline")(plain)
app.get("/thread", endpoint="thread", run="thread")(plain)


@app.get("/async")
async def waiting():
    return plain()


@app.get("/json")
def data():
    g.seen = request.args.get("x"), request.headers.get("X-Client")
    return {"message": "Hello, World!", "ok": True}


@app.get("/rows")
def rows():
    return jsonify(ROWS)


for number in range(60):
    app.get(f"/area{number}/<int:id>/part/<name>", endpoint=f"area{number}")(lambda id, name: {"id": id, "name": name})


@app.get("/user/<int:id>/post/<slug>")
def post(id, slug):
    return {"id": id, "slug": slug, "page": request.args.get("page", 1, type=int)}


@app.post("/items")
def items():
    return request.get_json(), 201


@app.post("/form")
def form():
    return request.form["name"] + str(len(request.files))


@app.get("/away")
def away():
    response = redirect(url_for("post", id=7, slug="there", page=2))
    response.set_cookie("seen", "yes")
    return response


@app.get("/gone")
def gone():
    abort(410)


@app.get("/stream")
def stream():
    return Response((f"{number}\n" for number in range(5)), mimetype="text/plain")


@shop.before_request
def began():
    g.began = time.perf_counter()


@shop.after_request
def mark(response):
    response.headers["X-Page"] = "1"
    return response


@shop.get("/")
def page():
    session["visits"] = session.get("visits", 0) + 1
    return render_template_string(PAGE, rows=ROWS)


app.register_blueprint(shop)


@app.tcp("127.0.0.1:" + os.environ["ECHO_PORT"])
async def echo(connection):
    async with connection:
        while chunk := await connection.recv(4096):
            await connection.send(chunk)
