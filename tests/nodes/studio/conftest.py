"""A studio with tiny networks: a model, faces, and masks that come with the pack."""

import json
from types import SimpleNamespace

import pytest

from sat3d.parsing.labels import LABEL_NAMES
from tests.nodes.host_stub import run
from tests.nodes.test_multi_transfer_node import NAMES, masks_of


@pytest.fixture
def studio(part, graph, triplane, assets, monkeypatch):
    """``studio(beard=(1.0, 2), yaw_deg=20)`` runs the node; ``studio.session`` is what it told the page last."""
    masks_of(triplane, name="shipped", generator_fingerprint=triplane.fingerprint()).save(
        assets / "tiny-masks.safetensors"
    )
    monkeypatch.setattr(part("sat3d.generators.preview"), "SIDES", (8,))
    monkeypatch.setattr(part("nodes.studio"), "parse", even_shares)
    model = graph.load()[0]
    faces = [graph.sample(model, seed=seed) for seed in (1, 2, 3)]

    def studio(**changes):
        state = state_of(**{key: changes.pop(key) for key in list(changes) if key in (*NAMES, "yaw_deg", "pitch_deg")})
        given = {"source": faces[0], "reference_1": faces[1], "reference_2": faces[2], **changes}
        node, told = part("nodes.studio").SAT3DStudio, []
        call = part("nodes.studio").describe_session
        monkeypatch.setattr(part("nodes.studio"), "describe_session", lambda *a: told.append(call(*a)) or told[-1])
        made = run(node, **{"model": model, "state": json.dumps(state), "picture_resolution": 16, **given})
        monkeypatch.setattr(part("nodes.studio"), "describe_session", call)
        studio.session = told[-1]
        return SimpleNamespace(**dict(zip(("latent", "picture", "camera", "changed", "provenance"), made, strict=True)))

    studio.model, studio.faces, studio.node = model, faces, part("nodes.studio").SAT3DStudio
    return studio


def state_of(yaw_deg=0.0, pitch_deg=0.0, **edits) -> dict:
    """``beard=(1.0, 2)``: all of the second reference's."""
    changes = {name: {"intensity": change[0], "reference": change[1]} for name, change in edits.items()}
    return {"version": 1, "edits": changes, "view": {"yaw_deg": yaw_deg, "pitch_deg": pitch_deg}}


def even_shares(pictures):
    """A parser that sees the same everywhere, and no head."""
    shares = pictures.new_zeros(len(pictures), len(LABEL_NAMES), *pictures.shape[2:])
    shares[:, 0] = 1
    return shares
