"""Databases, caches, sessions on the server, limits."""

import pytest

from flask import session

pytestmark = pytest.mark.extensions


@pytest.fixture
def db(app):
    sqlalchemy = pytest.importorskip("flask_sqlalchemy")
    db = sqlalchemy.SQLAlchemy(app)

    class Article(db.Model):
        id = db.mapped_column(db.Integer, primary_key=True)
        name = db.mapped_column(db.String(80), nullable=False)

    db.Article = Article
    with app.app_context():
        db.create_all()
    return db


def test_flask_sqlalchemy_has_a_session_per_request_that_teardown_closes(app, db):
    @app.post("/articles/<name>")
    def add(name):
        db.session.add(db.Article(name=name))
        db.session.commit()
        return {"count": db.session.query(db.Article).count()}

    @app.get("/articles/<int:number>")
    def show(number):
        return db.get_or_404(db.Article, number).name

    @app.get("/articles")
    def page():
        return [article.name for article in db.paginate(db.select(db.Article), per_page=1)]

    client = app.test_client()
    assert [client.post(f"/articles/{name}").json["count"] for name in "ab"] == [1, 2]
    assert client.get("/articles/2").text == "b"
    assert client.get("/articles/3").status_code == 404
    assert client.get("/articles?page=2").json == ["b"]


def test_flask_migrate_has_commands(app, db, tmp_path):
    migrate = pytest.importorskip("flask_migrate")
    migrate.Migrate(app, db, directory=str(tmp_path / "migrations"))
    runner = app.test_cli_runner()
    for command in (["init"], ["migrate", "-m", "first"], ["upgrade"], ["current"]):
        done = runner.invoke(args=["db", *command])
        assert done.exit_code == 0, done.output


def test_flask_caching_remembers_an_answer(app):
    caching = pytest.importorskip("flask_caching")
    cache = caching.Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    calls = []

    @app.get("/")
    @cache.cached(timeout=60, query_string=True)
    def index():
        calls.append(1)
        return {"calls": len(calls)}

    @cache.memoize()
    def double(n):
        return n * 2

    client = app.test_client()
    assert [client.get("/").json["calls"] for _ in range(3)] == [1, 1, 1]
    assert client.get("/?other=1").json["calls"] == 2
    assert double(2) == 4


def test_flask_session_keeps_sessions_on_the_server(app, tmp_path):
    sessions = pytest.importorskip("flask_session")
    cachelib = pytest.importorskip("cachelib")
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=cachelib.FileSystemCache(str(tmp_path / "sessions")))
    sessions.Session(app)

    @app.get("/")
    def count():
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    client = app.test_client()
    assert [client.get("/").text for _ in range(3)] == ["1", "2", "3"]
    assert "." not in client.get_cookie("session").value, "a key, not the signed data"


def test_flask_limiter_says_429(app):
    limiting = pytest.importorskip("flask_limiter")
    from flask_limiter.util import get_remote_address

    limiter = limiting.Limiter(get_remote_address, app=app, storage_uri="memory://", headers_enabled=True)

    @app.get("/")
    @limiter.limit("2 per hour")
    def index():
        return ""

    client = app.test_client()
    answers = [client.get("/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["X-RateLimit-Remaining"] == "1"


def test_flask_compress_compresses(app):
    compress = pytest.importorskip("flask_compress")
    compress.Compress(app)
    app.add_url_rule("/", view_func=lambda: "x" * 5000)
    answer = app.test_client().get("/", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.data) < 500
