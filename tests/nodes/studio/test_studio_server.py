"""The studio's answers: pictures of every fineness, hostile questions, stale ones, and the queue beside."""

import asyncio
import io
import json
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.nodes.host_stub import Interrupted
from tests.nodes.studio.conftest import state_of


@pytest.fixture
def ask(studio, part):
    """``ask(beard=(1, 1), rung=1)`` -> the server's answer for the session of a studio that has run."""
    studio()
    module = part("nodes.studio_server")

    async def later(rung=0, key=None, body=None, **state):
        body = json.dumps({"state": state_of(**state), "rung": rung}).encode() if body is None else body
        return await module.answer_picture(key or studio.session["session"], body)

    def ask(**question):
        return asyncio.run(later(**question))

    ask.later, ask.module, ask.studio = later, module, studio
    return ask


def picture_of(answer) -> Image.Image:
    assert answer.status == 200 and answer.kind == "image/jpeg", answer.body
    return Image.open(io.BytesIO(answer.body))


def test_pictures_get_finer_and_the_last_says_so(ask):
    found = [ask(beard=(1.0, 1), rung=rung) for rung in range(3)]
    assert [picture_of(answer).size for answer in found] == [(8, 8), (64, 64), (64, 64)]
    assert [answer.headers["X-Sat3d-Finest"] for answer in found] == ["0", "1", "1"]
    assert found[1].body == found[2].body != ask(beard=(0.5, 1), rung=1).body


def test_the_finest_is_the_picture_of_the_node(ask):
    state = {"beard": (1.5, 2), "yaw_deg": 15.0}
    shown = torch.from_numpy(np.array(picture_of(ask(**state, rung=8)))).float() / 255
    assert (shown - ask.studio(**state).picture[0]).abs().mean() < 0.05  # it is a JPEG


def test_before_and_after_do_not_disturb_each_other(ask, monkeypatch, part):
    drawn = []
    network = part("sat3d.generators").TriplaneGenerator
    planes = network.planes
    monkeypatch.setattr(network, "planes", lambda *given: drawn.append(1) or planes(*given))
    for state in ({"beard": (1.0, 1)}, {}, {"beard": (1.0, 1), "yaw_deg": 5.0}, {"yaw_deg": 5.0}):
        ask(**state)
    assert len(drawn) == 2


HOSTILE = [
    b"",
    b"\xff\xfe",
    b"null",
    b"[]",
    b'"state"',
    b"{}",
    b'{"state": null}',
    b'{"state": {}, "rung": "0"}',
    b'{"state": {}, "rung": 1e9}',
    b'{"state": {}, "rung": true}',
    b'{"state": {"view": {"yaw_deg": NaN}}}',
    b'{"state": {"edits": {"beard": Infinity}}}',
    b'{"state": {"edits": {"tail": 1}}}',
    b'{"state": {"edits": {"beard": {"intensity": 1, "reference": 9}}}}',
    b"[" * 70_000,
    b'{"state": {}, "more": "' + b"x" * 100_000 + b'"}',
]


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: body[:40].decode("latin1"))
def test_hostile_questions_are_refused_in_words(ask, body):
    answer = ask(body=body)
    said = json.loads(answer.body)
    assert answer.status == 400 and said["error"] and len(answer.body) < 2000
    assert ask().status == 200


@pytest.mark.parametrize("rung", [-5, 10**30])
def test_rungs_that_are_none_are_the_nearest(ask, rung):
    assert picture_of(ask(rung=rung)).size == ((8, 8) if rung < 0 else (64, 64))


@pytest.mark.parametrize("key", ["nobody", "../../etc/passwd", "x" * 10_000])
def test_sessions_that_there_are_not(ask, key):
    assert ask(key=key).status == 404
    assert asyncio.run(ask.module.answer_thumbnail(key, 0)).status == 404


def test_thumbnails(ask, monkeypatch, part):
    key, session = ask.studio.session["session"], part("nodes.studio_session").Session
    found = [asyncio.run(ask.module.answer_thumbnail(key, number)) for number in range(4)]
    assert [picture_of(answer).size for answer in found[:3]] == [(8, 8)] * 3 and found[3].status == 404
    assert len({answer.body for answer in found[:3]}) == 3
    assert asyncio.run(ask.module.answer_thumbnail(key, -1)).status == 404
    monkeypatch.setattr(session, "draw_thumbnail", None)  # drawn once
    assert asyncio.run(ask.module.answer_thumbnail(key, 1)) == asyncio.run(ask.module.answer_thumbnail(key, 1))


def test_a_thumbnail_is_drawn_once_however_many_ask(ask, monkeypatch, part):
    session, drawn = part("nodes.studio_session").Session, []
    draw = session.draw_thumbnail
    monkeypatch.setattr(session, "draw_thumbnail", lambda self, number: drawn.append(number) or draw(self, number))

    async def scene():
        key = ask.studio.session["session"]
        return await asyncio.gather(*(ask.module.answer_thumbnail(key, 1) for _ in range(9)))

    answers = asyncio.run(scene())
    assert drawn == [1] and {answer.body for answer in answers} == {answers[0].body}


@pytest.fixture
def slow(ask, monkeypatch):
    """A layer that waits for ``go`` in the first picture; ``begun`` is set when it gets there."""
    gate = SimpleNamespace(begun=threading.Event(), go=threading.Event(), calls=0)

    def wait(*_):
        gate.calls += 1
        if gate.calls == 1:
            gate.begun.set()
            assert gate.go.wait(20)

    handle = ask.studio.model.network.decoder.register_forward_pre_hook(wait)
    yield gate
    handle.remove()


def test_the_newest_question_wins(ask, slow):
    """The running one stops at its next layer, and those that wait are never drawn."""

    async def scene():
        first = asyncio.create_task(ask.later(beard=(0.1, 1), rung=1))
        while not slow.begun.is_set():
            await asyncio.sleep(0.005)
        waiting = [asyncio.create_task(ask.later(beard=(0.01 * i, 1), rung=1)) for i in range(20)]
        await asyncio.sleep(0.05)
        slow.go.set()
        return await asyncio.gather(first, *waiting)

    answers = asyncio.run(scene())
    assert [answer.status for answer in answers] == [409] * 20 + [200]
    assert ask(beard=(0.19, 1), rung=1).body == answers[-1].body


def test_the_loop_goes_on_while_a_picture_is_drawn(ask, slow):
    async def scene():
        task = asyncio.create_task(ask.later())
        turns = 0
        while not slow.begun.is_set() or turns < 10:
            await asyncio.sleep(0.001)
            turns += 1
        assert not task.done()
        slow.go.set()
        return (await task).status

    assert asyncio.run(scene()) == 200


def test_an_interrupt_of_the_queue_is_the_queues_own(ask):
    """It neither stops the studio nor is it taken away from the queue."""
    state = sys.modules["comfy.model_management"].state
    state.checks, state.interrupt_after = 0, 0
    assert ask(beard=(1.0, 1), rung=1).status == 200 and state.checks == 0
    with pytest.raises(Interrupted):
        ask.studio(beard=(0.7, 1))


def test_hooks_of_one_thread_are_nothing_to_another(ask, part):
    """Of two that draw with one network, each is asked only for itself."""
    network, asked = ask.studio.model.network, []
    with part("nodes.host").cancellable(network, lambda: asked.append(threading.get_ident())):
        assert ask(beard=(1.0, 1)).status == 200 and not asked
        network.synthesize(ask.studio.faces[0].styles)
    assert set(asked) == {threading.get_ident()}
    assert not any(module._forward_pre_hooks for module in network.modules())


@pytest.fixture
def queue():
    running = sys.modules["server"].PromptServer.instance.prompt_queue.currently_running
    running[0] = "a prompt"
    yield running
    running.clear()


def test_beside_the_queue_nothing_is_moved(ask, queue, monkeypatch, part):
    monkeypatch.setattr(part("nodes.host").HostModel, "ready", None)
    assert ask().status == 200
    monkeypatch.setattr(part("nodes.host").HostedNetwork, "device", torch.device("meta"))
    busy = ask()
    assert busy.status == 503 and "queue" in json.loads(busy.body)["error"]


def test_what_fails_is_said_and_the_session_lives(ask, monkeypatch, part):
    def no_memory(*_):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(part("sat3d.generators").PreviewLadder, "pictures", no_memory)
        answer = ask()
        assert answer.status == 500 and "out of memory" in json.loads(answer.body)["detail"]
    assert ask().status == 200


def test_the_routes(part, ask):
    """What the host's server is given: a body of any length is read no farther than allowed."""
    part("nodes.studio_routes").add_routes()
    found = sys.modules["server"].PromptServer.instance.routes.found
    assert all(path.startswith("/sat3d/studio/") for _, path in found) and len(found) == 2
    post = next(handler for (method, _), handler in found.items() if method == "POST")
    read = []

    async def endless(most):
        read.append(most)
        return b"x" * min(most, 4096)

    request = SimpleNamespace(content=SimpleNamespace(read=endless), match_info=ask.studio.session)
    assert asyncio.run(post(request)).status == 400 and len(read) < 30
    parts = [json.dumps({"state": state_of()}).encode()[:20], json.dumps({"state": state_of()}).encode()[20:], b""]

    async def in_parts(_):
        return parts.pop(0)

    request.content.read = in_parts
    response = asyncio.run(post(request))
    assert response.status == 200 and response.content_type == "image/jpeg"
    get = next(handler for (method, _), handler in found.items() if method == "GET")
    request.match_info = {**ask.studio.session, "number": "1"}
    assert asyncio.run(get(request)).status == 200
