"""Logging in, forms, tokens, other origins, an administration."""

import io
import re

import pytest

from flask import render_template_string

pytestmark = pytest.mark.extensions


def test_flask_login_logs_in_remembers_and_logs_out(app):
    login = pytest.importorskip("flask_login")
    manager = login.LoginManager(app)
    manager.login_view = "enter"

    class User(login.UserMixin):
        id = "7"

    manager.user_loader(lambda key: User() if key == "7" else None)

    @app.get("/enter")
    def enter():
        login.login_user(User(), remember=True)
        return "entered"

    @app.get("/leave")
    def leave():
        login.logout_user()
        return "left"

    @app.get("/")
    @login.login_required
    def inside():
        return f"user {login.current_user.id}"

    client = app.test_client()
    assert client.get("/").location == "/enter?next=%2F"
    assert client.get("/enter").text == "entered"
    assert client.get_cookie("remember_token") is not None
    assert client.get("/").text == "user 7"
    client.delete_cookie("session")
    assert client.get("/").text == "user 7"
    client.get("/leave")
    assert client.get("/").status_code == 302


def test_flask_wtf_checks_forms_and_csrf(app):
    wtf = pytest.importorskip("flask_wtf")
    from flask_wtf.csrf import CSRFProtect
    from flask_wtf.file import FileField
    from wtforms import StringField
    from wtforms.validators import DataRequired

    CSRFProtect(app)

    class Form(wtf.FlaskForm):
        name = StringField(validators=[DataRequired()])
        picture = FileField()

    @app.route("/", methods=["GET", "POST"])
    def index():
        form = Form()
        if form.validate_on_submit():
            return f"{form.name.data} {form.picture.data.read() if form.picture.data else None}"
        return render_template_string("{{ form.csrf_token }} {{ form.errors }}", form=form)

    client = app.test_client()
    token = re.search(r'value="([^"]+)"', client.get("/").text)[1]
    assert client.post("/", data={"name": "a"}).status_code == 400
    assert client.post("/", data={"name": "a", "csrf_token": token}).text == "a None"
    upload = {"name": "a", "csrf_token": token, "picture": (io.BytesIO(b"px"), "p.png")}
    assert client.post("/", data=upload).text == "a b'px'"
    assert "required" in client.post("/", data={"csrf_token": token}).text


def test_flask_jwt_extended_protects_a_view(app):
    jwt = pytest.importorskip("flask_jwt_extended")
    jwt.JWTManager(app)
    app.add_url_rule("/token", "token", lambda: jwt.create_access_token("7"))
    app.add_url_rule("/", "inside", jwt.jwt_required()(jwt.get_jwt_identity))
    client = app.test_client()
    token = client.get("/token").text
    assert client.get("/").status_code == 401
    assert client.get("/", headers={"Authorization": f"Bearer {token}"}).text == "7"


def test_flask_httpauth_asks_for_a_password(app):
    httpauth = pytest.importorskip("flask_httpauth")
    auth = httpauth.HTTPBasicAuth()
    auth.verify_password(lambda name, password: name if password == "secret" else None)
    app.add_url_rule("/", view_func=auth.login_required(auth.current_user))
    client = app.test_client()
    assert client.get("/").headers["WWW-Authenticate"].startswith("Basic")
    assert client.get("/", auth=("käthe", "secret")).text == "käthe"


def test_flask_cors_answers_preflights_and_adds_fields(app):
    cors = pytest.importorskip("flask_cors")
    cors.CORS(app, resources={"/api/*": {"origins": "https://example.com"}}, supports_credentials=True)
    app.add_url_rule("/api/x", "x", lambda: "", methods=["PUT"])
    app.add_url_rule("/api/fail", "fail", lambda: 1 / 0)
    app.testing = False
    client = app.test_client()
    origin = {"Origin": "https://example.com"}
    preflight = client.options("/api/x", headers={**origin, "Access-Control-Request-Method": "PUT"})
    assert preflight.headers["Access-Control-Allow-Methods"].find("PUT") >= 0
    for answer in (client.put("/api/x", headers=origin), client.get("/api/fail", headers=origin)):
        assert answer.headers["Access-Control-Allow-Origin"] == "https://example.com"
    assert "Access-Control-Allow-Origin" not in client.put("/api/x", headers={"Origin": "https://other.example"}).headers


def test_flask_admin_shows_and_edits_a_table(app):
    admin = pytest.importorskip("flask_admin")
    sqlalchemy = pytest.importorskip("flask_sqlalchemy")
    from flask_admin.contrib.sqla import ModelView

    db = sqlalchemy.SQLAlchemy(app)

    class Article(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(80))

    site = admin.Admin(app, name="shop")
    site.add_view(ModelView(Article, db, endpoint="articles"))
    with app.app_context():
        db.create_all()
    client = app.test_client()
    assert client.get("/admin/").status_code == 200
    assert client.post("/admin/articles/new/", data={"name": "Kolben"}).status_code == 302
    assert "Kolben" in client.get("/admin/articles/").text
