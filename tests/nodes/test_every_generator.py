"""Every kind of generator that is accepted, through every node that takes one: it works, or is refused in words."""

import dataclasses
import json

import pytest
import torch

from sat3d.clip.built_in_clip import KIND
from sat3d.generators import (
    BackboneConfig,
    RenderingConfig,
    StyleGAN2Config,
    SuperresolutionConfig,
    TriplaneConfig,
)
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.parts.field import save_parts
from sat3d.sliders import save_sliders
from tests.conftest import seeded
from tests.generators.full_heads import CASES, tiny_full_head_config
from tests.nodes.conftest import hosted_pack
from tests.nodes.host_stub import run
from tests.nodes.test_qmm_node import save_tiny
from tests.nodes.transfer.setup import masks_of
from tests.parts.setup import LABELS, tiny_field
from tests.sliders.setup import tiny_sliders

EXPRESSIVE = ("beard", "expression")


def flat(channels=3, c_dim=0, resolution=16, **changes) -> StyleGAN2Config:
    fields = {
        "z_dim": 5,
        "c_dim": c_dim,
        "w_dim": 7,
        "num_mapping_layers": 1,
        "resolution": resolution,
        "img_channels": channels,
        "channel_base": max(64, resolution),
        "channel_max": 6,
        **changes,
    }
    return StyleGAN2Config(BackboneConfig(**fields))


def solid(c_dim=25, side=8, up=(True, True), into=8, backbone=None, decoder=None, **rendering) -> TriplaneConfig:
    planes = {
        "z_dim": 5,
        "c_dim": c_dim,
        "w_dim": 7,
        "num_mapping_layers": 1,
        "resolution": 8,
        "img_channels": 12,
        "channel_base": 64,
        "channel_max": 6,
        **(backbone or {}),
    }
    samples = {"depth_resolution": 6, "depth_resolution_importance": 4, **rendering}
    shape = SuperresolutionConfig(into, (6, 4)[: len(up)], up)
    parts = {"decoder_hidden": 3, **(decoder or {})}
    return TriplaneConfig(BackboneConfig(**planes), RenderingConfig(**samples), shape, side, **parts)


GENERATORS = {
    **{f"flat {n} channels, {c} classes": flat(n, c) for n in (1, 3, 4) for c in (0, 10)},
    "flat 4 px": flat(1, resolution=4),
    "flat 64 px": flat(4, 10, 64, conv_clamp=256),
    "flat one number": flat(z_dim=1, w_dim=1, channel_max=1),
    "solid conditioned": solid(),
    "solid of zero conditioning": solid(c_gen_conditioning_zero=True),
    "solid unconditioned": solid(c_dim=0, c_scale=0.0),
    "solid odd side": solid(side=7),
    "solid side above its super-resolution": solid(side=24, up=(False, True)),
    "solid smallest": solid(side=4, into=4, up=(False,), depth_resolution=4),
    "solid without importance": solid(depth_resolution_importance=0),
    "solid one importance sample": solid(depth_resolution_importance=1),
    "solid automatic limits, white": solid(ray_start="auto", ray_end="auto", white_back=True),
    "solid disparity from the camera on": solid(ray_start=0, disparity_space_sampling=True),
    "solid noise": solid(superresolution_noise_mode="random", plane_warp=0.2),
    "solid background": solid(decoder={"background_hidden": 3, "edit_torgb": True, "decoder_hidden": 1}),
    "solid of the encoder's width": solid(backbone={"w_dim": 512, "z_dim": 4}, avg_camera_pivot=(0.0, 0.0, 0.1)),
    "solid 64 px": solid(into=16, side=16),
    **{f"{case} all around": tiny_full_head_config(case) for case in CASES},
}


class Walk:
    """One generator through the nodes; each method is a story of its own."""

    def __init__(self, part, config, model, models):
        self.part, self.config, self.model, self.models = part, config, model, models
        self.is_3d, self.side = config.family != "stylegan2", config.img_resolution
        self.all_around = config.family in ("panohead", "spherehead")
        self.sat3d_error = part("sat3d.errors").Sat3dError

    def told(self):
        """What Load EG3D says of it."""
        backbone = self.config.backbone
        if self.all_around:
            balls = ["SphereHead, two balls, 360°", "5 parts"]
            return balls if self.config.in_balls else [f"PanoHead, tri-grid depth {self.config.grid_depth}, 360°"]
        if self.is_3d:
            return ["EG3D"]
        kinds = {1: "grey: shown as RGB", 3: "StyleGAN2", 4: "opacity comes as alpha"}
        return [kinds[backbone.img_channels], *(["10 classes"] if backbone.c_dim else [])]

    def run(self, module, node, **inputs):
        return run(getattr(self.part(f"nodes.{module}"), node), **inputs)

    def refused(self, module, node, **inputs):
        with pytest.raises(self.sat3d_error) as caught:
            self.run(module, node, **inputs)
        assert caught.value.next_step

    def check_picture(self, picture, count=1):
        assert picture.shape == (count, self.side, self.side, 3) and torch.isfinite(picture).all()
        if not self.is_3d and self.config.backbone.img_channels == 1:
            assert torch.equal(picture[..., 0], picture[..., 1]) and torch.equal(picture[..., 0], picture[..., 2])

    def check_alpha(self, alpha, count=1):
        assert alpha.shape == (count, self.side, self.side) and alpha.min() >= 0 and alpha.max() <= 1
        if not self.is_3d and self.config.backbone.img_channels != 4:
            assert (alpha == 1).all()
        elif not self.is_3d:
            assert alpha.std() > 0

    def sample(self):
        face = self.run("sample", "SAT3DSampleFace", model=self.model, seed=3, truncation=0.7, batch_size=2)[0]
        assert face.styles.shape == (2, self.model.network.layout.num_channels)
        assert not torch.equal(face.styles[0], face.styles[1])
        return dataclasses.replace(face, styles=face.styles[:1]), dataclasses.replace(face, styles=face.styles[1:])

    def render(self, face):
        def orbit(**changes):
            return {
                "model": self.model,
                "latent": face,
                "path": "still",
                "frames": 2,
                "yaw_deg": 9.0,
                "pitch_deg": 3.0,
                "fov_deg": 0.0,
                "neural_resolution": 0,
                "fps": 8,
                **changes,
            }

        pictures, _, depth, alpha, normals, _ = self.run("orbit", "RenderOrbit", **orbit())
        self.check_picture(pictures)
        self.check_picture(depth)
        assert normals.shape == pictures.shape and normals.min() >= 0 and normals.max() <= 1
        self.check_alpha(alpha)
        if self.is_3d:
            path = "turn" if self.all_around else "orbit"
            pictures, *_, alpha, _, _ = self.run("orbit", "RenderOrbit", **orbit(path=path, neural_resolution=40))
            self.check_picture(pictures, 2)
            self.check_alpha(alpha, 2)
        else:
            self.refused("orbit", "RenderOrbit", **orbit(path="orbit"))
        pictures, alpha, _ = self.run("render_source_view", "SAT3DRenderAsTaken", model=self.model, latent=face)
        self.check_picture(pictures)
        self.check_alpha(alpha)
        return pictures

    def invert(self, photo):
        for method in ["tune", *(["encoder"] if self.config.backbone.w_dim == 512 else [])]:
            face, preview, _ = self.run(
                "invert", "InvertImage", model=self.model, image=photo, method=method, steps=1, seed=0
            )
            self.check_picture(preview)
            again = self.run("render_source_view", "SAT3DRenderAsTaken", model=self.model, latent=face)[0]
            if not (self.is_3d and self.config.rendering.superresolution_noise_mode == "random"):
                torch.testing.assert_close(again, preview, atol=0.05, rtol=0)

    def transfer(self, face, reference):
        masks = masks_of(self.model.network, EXPRESSIVE, domain="synthheads")
        masks = self.part("sat3d.masks").AttributeMasks(**vars(masks))
        edit = {"model": self.model, "source": face, "reference": reference, "masks": masks}
        edited = self.run("transfer", "SAT3DTransfer", **edit, attribute="beard", intensity=1.0)[0]
        assert not torch.equal(edited.styles, face.styles)
        found = self.run(
            "transfer",
            "SAT3DTransfer",
            **edit,
            attribute="beard",
            intensity=1.0,
            auto_intensity="smallest that arrives",
        )[2]
        assert 0 <= found <= 3
        sliders = dict.fromkeys(self.part("nodes.masks").FACE_ATTRIBUTES, 0.0) | {"expression": 1.0}
        sliders |= {"picture_resolution": 16, "yaw_deg": 0.0}
        self.check_picture(self.run("multi_transfer", "SAT3DMultiTransfer", **edit, **sliders)[1])
        edit["reference_1"] = edit.pop("reference")
        state = {"state": '{"edits": {"expression": 1}}', "picture_resolution": 16}
        _, picture, _, changed, told = self.run("studio", "SAT3DStudio", **edit, **state)
        self.check_picture(picture)
        assert changed.shape == picture.shape[:3] and "expression" in told

    def parts(self, face, reference):
        """Parts of one face on another, and their masks from two sides."""
        swap = {"model": self.model, "source": face, "reference": reference, "parts": "hair", "feather": 0.4}
        orbit = {"model": self.model, "path": "swing", "frames": 2, "yaw_deg": 9.0, "pitch_deg": 0.0, "fov_deg": 0.0}
        orbit |= {"neural_resolution": 0, "fps": 8}
        if not self.is_3d:
            self.refused("parts", "SAT3DSwapParts", **swap)
            parts = self.run("orbit", "RenderOrbit", **orbit | {"latent": face, "path": "still"})[5]
            self.refused("parts", "SAT3DPartMasks", parts=parts, choose="hair", edge="soft")
            return
        swapped, told = self.run("parts", "SAT3DSwapParts", **swap)
        assert swapped.layers and torch.equal(swapped.styles, face.styles) and "hair" in told
        found = self.run("orbit", "RenderOrbit", **orbit | {"latent": swapped})
        self.check_picture(found[0], 2)
        mask, labels, names = self.run("parts", "SAT3DPartMasks", parts=found[5], choose="hair, skin", edge="soft")
        assert mask.shape == (2, self.side, self.side) and mask.min() >= 0 and mask.max() <= 1
        self.check_picture(labels, 2)
        assert names.split("\n") == list(LABELS)
        for node in ("SAT3DPartMasks", "SAT3DSwapParts"):
            wrong = {"parts": found[5], "choose": "beak", "edge": "hard"} if node == "SAT3DPartMasks" else {}
            self.refused("parts", node, **(wrong or swap | {"parts": "beak"}))

    def slide(self, face):
        """Sliders of its own; none are found without."""
        given = {"model": self.model, "source": face, "slider": "none", "position": 0.5, "values": '{"jaw": 1}'}
        given |= {"as_in_reference": "", "picture_resolution": 16, "yaw_deg": 0.0}
        self.refused("sliders", "SAT3DSliders", **given)
        path = self.models / "sat3d_sliders" / "any.safetensors"
        save_sliders(path, tiny_sliders(self.model.network, reach=3))
        try:
            edited, picture, told, _ = self.run("sliders", "SAT3DSliders", **given)
            assert json.loads(told) == json.loads(
                self.run("sliders", "SAT3DReadParameters", model=self.model, latent=edited)[0]
            )
        finally:
            path.unlink()
        self.check_picture(picture)
        assert not torch.equal(edited.styles, face.styles)

    def mesh(self, face):
        cells = 32 if self.all_around else 8  # their random volumes are made of smaller blobs
        export = {
            "model": self.model,
            "latent": face,
            "format": "ply",
            "resolution": cells,
            "density_level": 0.0,
            "filename_prefix": "sat3d/head",
        }
        if self.is_3d:
            assert self.run("mesh", "SAT3DExportMesh", **export)[0][0].endswith(".ply")
        else:
            self.refused("mesh", "SAT3DExportMesh", **export)

    def paste(self, photo, pictures):
        place = json.dumps({"left": 10, "top": 5, "side": 60})
        for area in ("head", "whole crop"):
            pasted = self.run(
                "paste", "SAT3DPasteBack", photo=photo, place=place, edited=pictures, area=area, feather=4
            )[0]
            assert pasted.shape == photo.shape and torch.isfinite(pasted).all()

    def score(self, pictures):
        wanted = {"source": pictures, "domain": "synthheads", "attribute": "all", "clip": "synthheads-clip (built-in)"}
        if self.side < 64:
            self.refused("qmm", "QMMScore", **wanted)
            return
        text = self.run("qmm", "QMMScore", **wanted)[1]
        assert json.loads(text)["pictures"][0]["scores"]["source"]


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """The pack once for all generators, since loading it takes longer than all else."""
    folder = tmp_path_factory.mktemp("host")
    with pytest.MonkeyPatch.context() as patch, hosted_pack(patch, folder / "models") as part:
        patch.setattr(part("nodes.library"), "ASSETS", folder)
        save_tiny(folder / KIND.asset)

        def walk(config):
            tensors = {name: tensor.contiguous() for name, tensor in seeded(config).state_dict().items()}
            save_checkpoint(folder / "models" / "eg3d" / "any.safetensors", config, tensors, {}, overwrite=True)
            model, info = run(part("nodes.load").LoadEG3D, checkpoint="any.safetensors")
            if config.family != "stylegan2":
                made_for = model.loaded.fingerprint, model.network.layout.fingerprint
                save_parts(folder / "tiny-parts.safetensors", tiny_field(model.network), *made_for)
            return Walk(part, model.network.config, model, folder / "models"), info

        yield walk


@pytest.mark.slow
@pytest.mark.parametrize("name", GENERATORS)
def test_every_node_works_or_says_why_not(walk, name):
    walk, info = walk(GENERATORS[name])
    assert f"{walk.side} x {walk.side}" in info and all(words in info for words in walk.told())
    face, reference = walk.sample()
    pictures = walk.render(face)
    photo = torch.rand(1, 72, 80, 3, generator=torch.Generator().manual_seed(0))
    walk.invert(photo)
    walk.transfer(face, reference)
    walk.parts(face, reference)
    walk.slide(face)
    walk.mesh(face)
    walk.paste(photo, pictures)
    walk.score(pictures)
