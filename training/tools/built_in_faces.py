"""Faces of a built-in generator and edits of them by the built-in masks, for scripts that make pictures."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from PIL import Image
from torch import Tensor

from sat3d.generators import LoadedGenerator, TriplaneGenerator, load_generator, z_from_seed
from sat3d.latent import Latent
from sat3d.masks import AttributeMasks, load_masks
from sat3d.networks.built_in import GENERATOR, MASKS
from sat3d.pictures import to_pil
from sat3d.transfer import transfer


@dataclass
class BuiltInFaces:
    """As the nodes make them; ``masks_path``, ``generator_path``: other files. They are read when first asked for."""

    masks_path: Path = MASKS
    generator_path: Path = GENERATOR

    @cached_property
    def loaded(self) -> LoadedGenerator:
        return load_generator(self.generator_path)

    @property
    def network(self) -> TriplaneGenerator:
        return self.loaded.network

    @cached_property
    def masks(self) -> AttributeMasks:
        """Raises FileError, LayoutError: missing, damaged or of another generator."""
        return load_masks(self.masks_path, self.network.layout)

    def styles(self, seed: int, truncation: float = 1.0) -> Tensor:
        """``[1, S]``"""
        z = z_from_seed(seed, self.network.config.backbone.z_dim)
        return self.network.styles(self.network.map(z, truncation_psi=truncation))

    def face(self, seed: int) -> Latent:
        """One face with the frontal camera."""
        network = self.network
        return Latent(self.styles(seed), network.rig.label(), self.loaded.fingerprint, network.layout.fingerprint)

    def edit(self, source: Latent, reference: Latent, attribute: str, intensity: float = 1.0) -> Latent:
        """``source`` with the reference's ``attribute``."""
        return transfer(source, reference, self.masks, [attribute], self.network.layout, intensity)

    def picture(self, face: Latent, yaw_rad: float | None = None, pitch_rad: float | None = None) -> Image.Image:
        """From a camera of the generator's own rig; an angle of None is that of the front."""
        camera = self.network.rig.label(yaw_rad, pitch_rad)
        return to_pil(self.network.synthesize(face.styles, camera).image)[0]
