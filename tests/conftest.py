"""Tiny seeded networks: every layer kind, every super-resolution shape, in milliseconds."""

import os
import signal

import pytest
import torch

from sat3d.generators import (
    BackboneConfig,
    RenderingConfig,
    StyleGAN2Config,
    SuperresolutionConfig,
    TriplaneConfig,
    TriplaneGenerator,
    build_generator,
)

if "PYTEST_XDIST_WORKER" in os.environ:  # several processes share the cores, and so do the scripts that tests start
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # started in a shell's background: Ctrl-C is tested all the same
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter):
    if not os.environ.get("COMFYUI_DIR"):
        terminalreporter.write_line("ComfyUI's page is not driven: COMFYUI_DIR names no tree of it (tests/page).")


def tiny_config(**rendering) -> TriplaneConfig:
    options = {"depth_resolution": 12, "depth_resolution_importance": 12, **rendering}
    return TriplaneConfig(
        BackboneConfig(16, 25, 24, 2, 32, 24, 256, 16),
        RenderingConfig(**options),
        SuperresolutionConfig(16, (12, 8), (True, True)),
        neural_rendering_resolution=16,
    )


def seeded(config, seed: int = 0):
    """A network whose every parameter matters: noise on, biases off zero, opacity that varies between rays."""
    torch.manual_seed(seed)
    network = build_generator(config).eval().requires_grad_(False)
    for name, parameter in network.named_parameters():
        if name.endswith("noise_strength"):
            parameter.fill_(0.2)
        elif name.endswith("bias") and "affine" not in name:
            parameter.normal_(0, 0.2)
    if isinstance(network, TriplaneGenerator):
        network.backbone.mapping.w_avg.normal_()
        _spread_density(network)
    return network


def _spread_density(network: TriplaneGenerator) -> None:
    """Raw density of median -1 and standard deviation 4 in the box, so that some rays are clear and some opaque."""
    planes = network.planes(network.styles(network.map(torch.randn(1, network.config.backbone.z_dim))))
    density, _ = network.query(planes, torch.rand(1, 2000, 3) - 0.5)
    last = network.decoder.net[2]
    last.weight[0] *= 4 / density.std()
    density, _ = network.query(planes, torch.rand(1, 2000, 3) - 0.5)
    last.bias[0] -= density.median() + 1


@pytest.fixture
def triplane() -> TriplaneGenerator:
    return seeded(tiny_config())


@pytest.fixture
def stylegan2():
    return seeded(StyleGAN2Config(BackboneConfig(16, 0, 24, 2, 32, 3, 256, 16, conv_clamp=256)))


@pytest.fixture
def styles(triplane) -> torch.Tensor:
    """``[2, S]``: two faces."""
    z = torch.randn(2, 16, generator=torch.Generator().manual_seed(1))
    return triplane.styles(triplane.map(z))
