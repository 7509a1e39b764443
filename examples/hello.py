"""The first app: `kolben run examples/hello.py`, then open the address that it prints."""

from kolben import App

app = App(__name__)


@app.route("/")
def hello():
    return "Hello, World!"


@app.route("/user/<username>")
def show_user(username):
    return f"User {username}"


if __name__ == "__main__":
    app.run()
