"""The server as a part of an app: `kolben run 05_service.py`.

It serves many at once now, each in a thread of its own, stops when it is told to, logs what goes wrong, and sits beside HTTP.
"""

from kolben import App

app = App(__name__)


@app.tcp("127.0.0.1:12345")
def greet(stream):
    app.logger.info("Got connection from %s", stream.peer_address)
    stream.send(b"Thank you for connecting")
