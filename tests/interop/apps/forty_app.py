"""One app of everything that an answer can be: the same requests must get the same answers from every server."""

import asyncio

from kolben import (
    App,
    Response,
    abort,
    after_this_request,
    jsonify,
    make_response,
    redirect,
    request,
    session,
    stream_with_context,
    url_for,
)

app = App(__name__, static_folder=None)
app.secret_key = "not a secret: a test's"
app.config["PROPAGATE_EXCEPTIONS"] = False


@app.before_request
def before():
    if "stop" in request.args:
        return "stopped", 202
    return None


@app.after_request
def after(response):
    response.headers["X-After"] = request.endpoint or "none"
    return response


@app.errorhandler(KeyError)
def on_key_error(error):
    return {"missing": str(error)}, 422


@app.route("/")
def index():
    return "Hello"


@app.route("/async")
async def in_task():
    await asyncio.sleep(0)
    return "async"


@app.route("/json")
def as_json():
    return {"a": [1, None, "é"]}


@app.route("/list")
def as_list():
    return jsonify([1, 2])


@app.route("/user/<int:number>/<path:rest>")
def user(number, rest):
    return f"{number} {rest}"


@app.route("/args")
def args():
    return {name: request.args.getlist(name) for name in request.args}


@app.route("/head-fields")
def fields():
    return {"x": request.headers.get("X-Given"), "agent": request.headers.get("User-Agent"), "host": request.host}


@app.route("/form", methods=["POST", "PUT"])
def form():
    return {"form": request.form.to_dict(flat=False), "files": {name: file.read().decode() for name, file in request.files.items()}}


@app.route("/form-async", methods=["POST"])
async def form_async():
    return {"form": request.form.to_dict(flat=False), "files": [file.filename for file in request.files.values()]}


@app.route("/echo", methods=["POST", "PATCH", "DELETE"])
def echo():
    return Response(request.get_data(), mimetype="application/octet-stream")


@app.route("/json-in", methods=["POST"])
def json_in():
    return {"got": request.get_json()}


@app.route("/upload", methods=["POST"], stream=True)
async def upload():
    size = 0
    async for piece in request.stream:
        size += len(piece)
    return {"size": size}


@app.route("/upload-sync", methods=["POST"], stream=True)
def upload_sync():
    return {"size": len(request.stream.read())}


@app.route("/status/<int:code>")
def status(code):
    return Response(status=code) if code in {204, 304} else (f"status {code}", code)


@app.route("/abort/<int:code>")
def aborts(code):
    abort(code)


@app.route("/redirect")
def redirects():
    return redirect(url_for("user", number=1, rest="a b"))


@app.route("/slash/")
def slash():
    return "slash"


@app.route("/cookie")
def cookie():
    response = make_response(request.cookies.get("a", "none"))
    response.set_cookie("a", "1")
    response.set_cookie("b", "2", httponly=True)
    return response


@app.route("/session")
def count():
    session["n"] = session.get("n", 0) + 1
    return str(session["n"])


@app.route("/stream")
def stream():
    def pieces():
        for number in range(3):
            yield f"{number} {request.path}\n"

    return Response(stream_with_context(pieces()), mimetype="text/plain")


@app.route("/stream-async")
async def stream_async():
    async def pieces():
        for number in range(3):
            yield f"{number}\n"
            await asyncio.sleep(0)

    return Response(pieces(), mimetype="text/plain")


@app.route("/large")
def large():
    return b"x" * 300_000


@app.route("/boom")
def boom():
    raise ValueError("boom")


@app.route("/boom-async")
async def boom_async():
    raise KeyError("boom")


@app.route("/this-request")
def this_request():
    @after_this_request
    def add(response):
        response.headers["X-This"] = "1"
        return response

    return "ok"


@app.route("/url")
def url():
    return {
        "url": request.url.partition("//")[2].partition("/")[2],
        "root": request.root_path,
        "path": request.path,
        "full": request.full_path,
    }
