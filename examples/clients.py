"""Views that ask other servers: HTTP by httpx, FTP by ftplib.  `kolben run clients.py`; needs `pip install httpx`.

Kolben has no HTTP client of its own.  What matters is what happens when the other side is slow.  A request has a deadline,
`timeouts.view`: an async view is cancelled when it comes, and everything that it awaits with it, and the client is answered 504.  The same
happens when the client has left.  A plain view cannot be stopped from outside, so it gives each step of its library a timeout.
"""

import asyncio
import ftplib

import httpx

from kolben import App, Timeouts, abort

app = App(__name__)
app.timeouts = Timeouts(view=3)
app.config.update(UPSTREAM="https://api.example.org", FTP_HOST="127.0.0.1", FTP_PORT=2121)
STEP = 1.0  # seconds for each step of a plain view: less than the deadline, so that it says itself what was slow


async def get_json(client, path):
    response = await client.get(path)
    response.raise_for_status()
    return response.json()


@app.get("/overview", timeout=2)
async def overview():
    """Ask for two things at once.  If one fails, the other is cancelled; when two seconds are over, both are."""
    async with httpx.AsyncClient(base_url=app.config["UPSTREAM"], timeout=10) as client, asyncio.TaskGroup() as tasks:
        people = tasks.create_task(get_json(client, "/people"))
        places = tasks.create_task(get_json(client, "/places"))
    return {"people": people.result(), "places": places.result()}


@app.get("/people/<name>")
def person(name):
    """A plain view: the timeout holds for connecting, for sending, and for each piece that is received."""
    try:
        return httpx.get(f"{app.config['UPSTREAM']}/people/{name}", timeout=STEP).json()
    except httpx.TimeoutException:
        abort(504, "the other server took too long")
    except httpx.HTTPError as problem:
        abort(502, f"the other server: {problem}")


@app.get("/files")
def files():
    with ftp() as client:
        return {"files": sorted(client.nlst())}


@app.get("/files/<name>")
def file(name):
    """Pass a file on while it comes: one piece of it is held, and a client that reads slowly slows the transfer down."""
    return pieces_of(name), {"Content-Type": "application/octet-stream"}


def pieces_of(name):
    with ftp() as client:
        with client.transfercmd(f"RETR {name}") as data:
            while piece := data.recv(65536):
                yield piece
        client.voidresp()


def ftp():
    try:
        client = ftplib.FTP(timeout=STEP)
        client.connect(app.config["FTP_HOST"], app.config["FTP_PORT"])
        client.login()
    except TimeoutError:
        abort(504, "the FTP server took too long")
    except OSError as problem:
        abort(502, f"the FTP server: {problem}")
    return client
