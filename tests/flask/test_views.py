"""Flask's page "Class-based Views"."""

import pytest

from kolben.flask import request
from kolben.flask.views import MethodView, View


def test_a_view_gets_arguments_of_its_own_and_of_the_rule(app, client):
    class Greet(View):
        def __init__(self, word):
            self.word = word

        def dispatch_request(self, name):
            return f"{self.word} {name}"

    app.add_url_rule("/<name>", view_func=Greet.as_view("greet", "Hello"))
    assert client.get("/ada").text == "Hello ada"


def test_a_method_view_answers_by_method(app, client):
    class Item(MethodView):
        def get(self):
            return "get"

        async def post(self):
            return "post"

    app.add_url_rule("/", view_func=Item.as_view("item"))
    assert client.get("/").text == "get"
    assert client.post("/").text == "post"
    assert client.head("/").status_code == 200
    assert client.put("/").status_code == 405
    assert Item.methods == {"GET", "POST"}


def test_methods_are_inherited(app):
    class Readable(MethodView):
        def get(self):
            return "get"

    class Writable(MethodView):
        def put(self):
            return "put"

    class Both(Readable, Writable):
        pass

    class Other(View):
        methods = ["PATCH"]  # noqa: RUF012 - as Flask writes it

    assert Both.methods == {"GET", "PUT"}
    assert app.test_client() is not None
    assert Other.as_view("other").methods == ["PATCH"]


@pytest.mark.parametrize(("each", "instances"), [(True, 2), (False, 1)])
def test_an_instance_for_each_request_or_one_for_all(app, client, each, instances):
    made = []

    class Counted(View):
        init_every_request = each

        def __init__(self):
            made.append(self)

        def dispatch_request(self):
            return ""

    app.add_url_rule("/", view_func=Counted.as_view("counted"))
    client.get("/")
    client.get("/")
    assert len(made) == instances


def test_decorators_are_applied_inside_out(app, client):
    def add(letter):
        def decorate(view):
            def wrapped(**values):
                return view(**values) + letter

            return wrapped

        return decorate

    class Decorated(View):
        decorators = [add("a"), add("b")]  # noqa: RUF012 - as Flask writes it

        def dispatch_request(self):
            return "x"

    view = Decorated.as_view("decorated")
    app.add_url_rule("/", view_func=view)
    assert client.get("/").text == "xab"
    assert (view.__name__, view.view_class) == ("decorated", Decorated)


def test_options_can_be_answered_by_the_view(app, client):
    class Own(View):
        methods = ["GET"]  # noqa: RUF012 - as Flask writes it
        provide_automatic_options = False

        def dispatch_request(self):
            return request.method

    app.add_url_rule("/", view_func=Own.as_view("own"))
    assert client.options("/").status_code == 405
