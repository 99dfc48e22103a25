"""Answers to the studio's page: pictures of what its sliders say, made beside the queue by one thread of their own.

Nothing here knows how questions arrive; ``studio_routes`` does. A newer question of a session puts an end to the older
one, at the next layer or chunk of rays.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from ..sat3d.errors import Sat3dError
from . import images
from .studio_session import SESSIONS, Gone, HostBusy, Session
from .studio_state import LONGEST, StudioState, check_state

log = logging.getLogger("sat3d")
LARGEST_BODY = 4 * LONGEST  # bytes
MOST_RUNGS = 8
_QUALITY = 90  # of JPEG
_OK, _BAD, _GONE, _SUPERSEDED, _FAILED, _BUSY = 200, 400, 404, 409, 500, 503
_drawing = ThreadPoolExecutor(1, "sat3d-studio")


class Superseded(Exception):
    """There is a newer question."""


@dataclass(frozen=True)
class Answer:
    """A status of HTTP, and a JPEG or JSON."""

    status: int
    body: bytes
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=lambda: {"Cache-Control": "no-store"})


async def answer_picture(key: str, body: bytes) -> Answer:
    """A JPEG of the state in ``body``, ``{"state": {…}, "rung": 0}``; its header ``X-Sat3d-Finest`` says whether there
    is a finer one. 404: no such session; 409: there was a newer question; 503: the host is busy, ask again."""
    session = SESSIONS.find(key)
    if session is None:
        return _gone()
    try:
        state, rung = read_question(body)
    except Sat3dError as error:
        return _explain(_BAD, error.what, str(error))
    session.newest += 1
    draw = partial(_picture, session, state, rung, session.newest)
    return await asyncio.get_running_loop().run_in_executor(_drawing, _answer, draw, session)


async def answer_thumbnail(key: str, number: int) -> Answer:
    """A small JPEG of a reference, counted from 1, or of the source, 0."""
    session = SESSIONS.find(key)
    if session is None or not 0 <= number <= len(session.faces.references):
        return _gone()
    if number in session.thumbnails:
        return Answer(_OK, session.thumbnails[number], "image/jpeg")
    return await asyncio.get_running_loop().run_in_executor(_drawing, _thumbnail, session, number)


def _thumbnail(session: Session, number: int) -> Answer:
    """Drawn once, however many ask for it meanwhile."""
    if number not in session.thumbnails:
        answer = _answer(lambda: (session.draw_thumbnail(number), True), session)
        if answer.status != _OK:
            return answer
        session.thumbnails[number] = answer.body
    return Answer(_OK, session.thumbnails[number], "image/jpeg")


def read_question(body: bytes) -> tuple[StudioState, int]:
    """
    Raises:
        ConfigError: not what the page sends.
    """
    try:
        found = json.loads(body if len(body) <= LARGEST_BODY else b"0")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or type(rung := found.get("rung", 0)) is not int:
        return check_state(None), 0  # which is refused, in words
    return check_state(found.get("state")), min(max(rung, 0), MOST_RUNGS)


def _picture(session: Session, state: StudioState, rung: int, number: int) -> tuple[Tensor, bool]:
    def check() -> None:
        if session.newest != number:
            raise Superseded

    check()
    return session.draw(state, rung, check)


def _answer(draw: Callable[[], tuple[Tensor, bool]], session: Session) -> Answer:
    try:
        with torch.inference_mode():
            picture, finest = draw()
            return Answer(_OK, _jpeg(picture), "image/jpeg",
                          {"X-Sat3d-Finest": str(int(finest)), "Cache-Control": "no-store"})  # fmt: skip
    except Superseded:
        return _explain(_SUPERSEDED, "There is a newer question")
    except Gone:
        SESSIONS.drop(session)
        return _gone()
    except HostBusy:
        return _explain(_BUSY, "The queue runs; the picture follows when it has ended")
    except Sat3dError as error:
        return _explain(_BAD, error.what, str(error))
    except Exception as error:  # such as memory that the queue has taken; the page says so, the host goes on
        log.warning("SAT3D: no picture for the studio: %r", error)
        return _explain(_FAILED, "There is no picture", repr(error)[:300])


def _jpeg(picture: Tensor) -> bytes:
    file = io.BytesIO()
    images.to_preview(picture).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def _gone() -> Answer:
    return _explain(_GONE, "The faces are not in memory any more", "Press Run.")


def _explain(status: int, what: str, detail: str = "") -> Answer:
    return Answer(status, json.dumps({"error": what, "detail": detail}).encode())
