"""The ceiling of the HTTP figures: FastAPI that says hello."""

from __future__ import annotations

from fastapi import FastAPI

app = FastAPI()


@app.get("/hello")
async def hello() -> dict[str, str]:
    """Say it."""
    return {"hello": "world"}
