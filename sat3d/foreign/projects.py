"""Projects whose networks are recognised but cannot be used here: one sentence each.

By the module that a class lies in, as its file names it; networks whose classes come with their source are told by
their parts (``generators/official``).
"""

from ..errors import FileError

_WANTED = "an EG3D, PanoHead, SphereHead or StyleGAN2 network"
_OWN = "use it in its own project, or choose another network"
_TENSORFLOW = (
    "The file was written by the TensorFlow version of StyleGAN, which cannot be read here",
    "convert it with legacy.py of the official stylegan2-ada-pytorch, or download the PyTorch version",
)
_NEXT3D = ("This is a network of Next3D, which is driven by the FLAME head model and cannot be used here", _OWN)
_GAUSSIANS = ("This is a network of Gaussian heads ({}), which have neither planes nor a volume to be used here", _OWN)
_IDE3D = ("This is a network of IDE-3D, whose generator is known to its own file alone and cannot be used here", _OWN)
_STYLEGAN3 = ("This is a StyleGAN3 network, whose layers are not those of StyleGAN2 and cannot be used here", _OWN)

# First words of a class's module.
_BY_MODULE = {
    "dnnlib.tflib": _TENSORFLOW,
    "training_avatar_texture": _NEXT3D,
    "gghead": (_GAUSSIANS[0].format("GGHead"), _OWN),
    "training.cgs_generator": (_GAUSSIANS[0].format("CGS-GAN"), _OWN),
    "training.gaussian3d_splatting": (_GAUSSIANS[0].format("CGS-GAN"), _OWN),
    "training.point_generator": (_GAUSSIANS[0].format("CGS-GAN"), _OWN),
}


class OtherProjectError(FileError):
    """A file that is what it should be, of a project whose networks cannot be used."""


def project_of(module: str) -> FileError | None:
    """The error for a class of one of these projects; None for any other module."""
    for start, told in _BY_MODULE.items():
        if module == start or module.startswith(start + "."):
            return _error(told, f"a reference to {start}")
    return None


def next3d(got: str) -> FileError:
    return _error(_NEXT3D, got)


def ide3d(got: str) -> FileError:
    return _error(_IDE3D, got)


def stylegan3(got: str) -> FileError:
    return _error(_STYLEGAN3, got)


def gaussian_heads(got: str) -> FileError:
    return _error((_GAUSSIANS[0].format("as in GGHead, CGS-GAN or AGORA"), _OWN), got)


def _error(told: tuple[str, str], got: str) -> FileError:
    what, next_step = told
    return OtherProjectError(what, got, _WANTED, next_step)
