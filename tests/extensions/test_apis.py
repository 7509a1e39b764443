"""APIs, and messages both ways."""

import pytest

pytestmark = pytest.mark.extensions


def test_flask_restful_answers_and_refuses(app):
    restful = pytest.importorskip("flask_restful")
    from flask_restful import reqparse

    class Article(restful.Resource):
        def get(self, number):
            if number > 1:
                restful.abort(404, message="no such article")
            return {"number": number}, 200, {"X-Own": "1"}

        def post(self, number):
            parser = reqparse.RequestParser()
            parser.add_argument("price", type=int, required=True)
            return parser.parse_args()

    api = restful.Api(app)
    api.add_resource(Article, "/articles/<int:number>")
    client = app.test_client()
    answer = client.get("/articles/1")
    assert (answer.json, answer.headers["X-Own"], answer.mimetype) == ({"number": 1}, "1", "application/json")
    assert client.get("/articles/2").json["message"].startswith("no such article")
    assert client.post("/articles/1", json={"price": 3}).json == {"price": 3}
    assert client.post("/articles/1", json={}).status_code == 400
    assert client.get("/nowhere").status_code == 404


def test_flask_smorest_validates_and_describes(app):
    smorest = pytest.importorskip("flask_smorest")
    marshmallow = pytest.importorskip("marshmallow")
    app.config.update(API_TITLE="Shop", API_VERSION="1", OPENAPI_VERSION="3.0.3", OPENAPI_URL_PREFIX="/")
    api = smorest.Api(app)
    articles = smorest.Blueprint("articles", "articles", url_prefix="/articles")

    class Article(marshmallow.Schema):
        name = marshmallow.fields.String(required=True)
        price = marshmallow.fields.Integer()

    @articles.post("/")
    @articles.arguments(Article)
    @articles.response(201, Article)
    def add(article):
        return article

    @articles.get("/")
    @articles.response(200, Article(many=True))
    @articles.paginate()
    def show(pagination_parameters):
        pagination_parameters.item_count = 1
        return [{"name": "a"}]

    api.register_blueprint(articles)
    client = app.test_client()
    assert client.post("/articles/", json={"name": "a", "price": 3}).status_code == 201
    assert client.post("/articles/", json={"price": "x"}).status_code == 422
    assert "X-Pagination" in client.get("/articles/").headers
    assert "/articles/" in client.get("/openapi.json").json["paths"]


def test_flask_socketio_talks_by_polling(app):
    socketio_module = pytest.importorskip("flask_socketio")
    socketio = socketio_module.SocketIO(app, async_mode="threading")
    heard = []

    @socketio.on("say")
    def say(word):
        heard.append(word)
        socketio_module.emit("said", word.upper())

    client = socketio.test_client(app)
    client.emit("say", "hello")
    assert client.get_received()[0]["args"] == ["HELLO"]
    answer = app.test_client().get("/socket.io/?EIO=4&transport=polling")
    assert answer.text.startswith('0{"sid":')
    assert heard == ["hello"]
