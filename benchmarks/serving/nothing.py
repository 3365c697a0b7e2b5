"""A server that does nothing but read the body: python -m benchmarks.serving.nothing

The difference between `/classify` and this is the cost of classifying. This server runs in a separate process, like
`mnistlab serve`.
"""

from __future__ import annotations

from fastapi import FastAPI, Request

from mnistlab.cli.serve import listen
from mnistlab.serving.http import run

app = FastAPI()


@app.post("/api/v1/classify")
async def nothing(request: Request) -> dict[str, str]:
    """Read the body, and answer with an empty object."""
    await request.body()
    return {}


if __name__ == "__main__":
    listener = listen("127.0.0.1", 0)
    run(app, listener, lambda: print(f"at http://127.0.0.1:{listener.getsockname()[1]}", flush=True))
