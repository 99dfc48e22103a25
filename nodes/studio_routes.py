"""The studio's address on the host's own server, guarded as its own are; the host adds the same below /api."""

from aiohttp import web

from . import host
from .studio_server import LARGEST_BODY, Answer, answer_picture, answer_thumbnail

_ADDRESS = "/sat3d/studio/{session}"


def add_routes() -> None:
    """Called once, before the host's server starts."""
    routes = host.routes()
    routes.post(f"{_ADDRESS}/picture")(_picture)
    routes.get(_ADDRESS + r"/face/{number:\d{1,3}}")(_thumbnail)


async def _picture(request: web.Request) -> web.Response:
    # One byte more than is allowed tells that there is more; what follows is never read.
    body = b""
    while len(body) <= LARGEST_BODY and (chunk := await request.content.read(LARGEST_BODY + 1 - len(body))):
        body += chunk
    return _respond(await answer_picture(request.match_info["session"], body))


async def _thumbnail(request: web.Request) -> web.Response:
    return _respond(await answer_thumbnail(request.match_info["session"], int(request.match_info["number"])))


def _respond(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, content_type=answer.kind, headers=answer.headers)
