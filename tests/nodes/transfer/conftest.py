"""Two faces, masks in their folders, and the node that moves an attribute."""

import pytest

from tests.nodes.host_stub import run
from tests.nodes.transfer.setup import masks_of


@pytest.fixture
def own_masks(models, triplane, part):
    """``models/sat3d_masks/mine.safetensors``."""
    masks_of(triplane, ("beard", "freckles"), name="mine", licence="test").save(
        models / "sat3d_masks" / "mine.safetensors"
    )
    return models / "sat3d_masks"


@pytest.fixture
def faces(graph):
    model = graph.load()[0]
    return model, graph.sample(model, seed=1), graph.sample(model, seed=2)


@pytest.fixture
def move(part, triplane, assets):
    masks_of(triplane, name="shipped", generator_fingerprint=triplane.fingerprint()).save(
        assets / "tiny-masks.safetensors"
    )

    def move(model, source, reference, attribute="beard", intensity=1.0, **more):
        return run(
            part("nodes.transfer").SAT3DTransfer,
            model=model,
            source=source,
            reference=reference,
            attribute=attribute,
            intensity=intensity,
            **more,
        )

    return move
