"""A page as applications have it: a blueprint, hooks, a session in a signed cookie, a template.

The same file on Flask behind a WSGI server and, through the door, on Kolben.  SLIDE=1: the cookie is signed anew in each answer, too.
"""
import os

from flask import Blueprint, Flask, g, render_template, request, session

from common import FORTUNES

SLIDE = bool(os.environ.get("SLIDE"))
app = Flask(__name__)
app.secret_key = "of the measurement"
shop = Blueprint("shop", __name__, url_prefix="/shop")


@app.before_request
def who():
    g.user = session.get("user")


@shop.before_request
def which():
    g.page = request.args.get("page", 1, type=int)


@shop.after_request
def mark(response):
    response.headers["X-Page"] = str(g.page)
    return response


@app.get("/")
def sign_in():
    session["user"] = "ann"
    session.permanent = SLIDE
    return "Hello, World!"


@shop.get("/")
def fortunes():
    return render_template("shop.html", fortunes=FORTUNES)


app.register_blueprint(shop)
