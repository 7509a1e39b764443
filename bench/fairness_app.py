"""What bench/fairness.py serves: short views, a large answer, and a ticker in the server's own loop."""

import asyncio
import time

from kolben import App, request

app = App(__name__)


@app.get("/", run="inline")
def index():
    return "Hello, World!"


@app.get("/async")
async def in_the_loop():
    return "Hello, World!"


@app.post("/echo")
def echo():
    return request.get_data()


@app.get("/large")
def large():
    return "x" * 8_000_000  # more than the kernel takes


@app.get("/ticker")
async def ticker():
    """Sleep 10 ms over and over; answer by how many milliseconds each waking was late."""
    end, late = time.perf_counter() + float(request.args["seconds"]), []
    while (begin := time.perf_counter()) < end:
        await asyncio.sleep(0.01)
        late.append((time.perf_counter() - begin - 0.01) * 1000)
    return {"late": late}
