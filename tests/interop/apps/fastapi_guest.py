"""A FastAPI application: what people write with it, in small."""

import asyncio
from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, FastAPI, Request, UploadFile
from starlette.responses import StreamingResponse

events = []


@asynccontextmanager
async def life(app):
    events.append("up")
    yield {"pool": "a pool"}


app = FastAPI(lifespan=life)


@app.get("/item/{number}")
async def item(number: int, request: Request):
    return {"number": number, "url": str(request.url_for("item", number=1).path), "pool": request.state.pool}


@app.get("/sync")
def sync():
    return {"events": events}


@app.get("/stream")
async def stream():
    async def pieces():
        for number in range(3):
            yield f"{number}\n"
            await asyncio.sleep(0)

    return StreamingResponse(pieces(), media_type="text/plain")


@app.post("/upload")
async def upload(file: UploadFile):
    return {"size": len(await file.read()), "name": file.filename}


@app.get("/later")
async def later(tasks: BackgroundTasks):
    tasks.add_task(events.append, "background")
    return {}
