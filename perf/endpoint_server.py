"""A simulated server: each answer takes as long, and the prompt's image is in its cache once it has answered about it.

    python perf/endpoint_server.py MILLISECONDS PLACES

It prints its port, answers `/v1/chat/completions`, and ends with its standard input. The cache keeps the images that
were asked about last, as the prefix caches of vLLM and SGLang do.
"""

import asyncio
import json
import sys
from collections import OrderedDict
from typing import Any

MODEL = "simulated"
IMAGE_TOKENS = 950
TEXT_TOKENS = 50


class Server:
    """Counts cached tokens as a prefix cache would have them."""

    def __init__(self, seconds: float, places: int) -> None:
        """Begins with an empty cache.

        Args:
            seconds: how long an answer takes.
            places: the images that the cache holds.
        """
        self._seconds = seconds
        self._places = places
        self._cache: OrderedDict[int, None] = OrderedDict()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the requests of one connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = int(head.partition("content-length:")[2].partition("\r\n")[0] or 0)
                body = await reader.readexactly(length)
                content = json.dumps(await self._reply(body) if length else {}).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _reply(self, body: bytes) -> dict[str, Any]:
        # The body is not parsed, so that the server leaves the processor to what is measured.
        picture = body.partition(b";base64,")[2].partition(b'"')[0]
        image = hash(picture)
        is_cached = image in self._cache
        await asyncio.sleep(self._seconds)
        self._cache[image] = None
        self._cache.move_to_end(image)
        if len(self._cache) > self._places:
            self._cache.popitem(last=False)
        return {
            "model": MODEL,
            "choices": [{"message": {"content": "Yes"}}],
            "usage": {
                "prompt_tokens": TEXT_TOKENS + IMAGE_TOKENS * bool(picture),
                "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": IMAGE_TOKENS * is_cached},
            },
        }


async def serve(seconds: float, places: int) -> None:
    """Serves until standard input ends."""
    server = await asyncio.start_server(Server(seconds, places).talk, "127.0.0.1", 0, limit=1 << 24)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) / 1000, int(sys.argv[2])))
