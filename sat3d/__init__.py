"""SAT3D: semantic attribute transfer in 3D, in the style space of EG3D and StyleGAN2 generators.

The core knows nothing of ComfyUI and nothing of training scripts: ``nodes -> sat3d <- training``.
Images are ``[B, 3, H, W]`` float32 RGB in -1..1; cameras are 25-number labels (see :mod:`sat3d.camera`).
"""

__version__ = "0.2.0"
