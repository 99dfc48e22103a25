"""Types of the wires between the nodes."""

from comfy_api.latest import io

EG3D_MODEL = io.Custom("EG3D_MODEL")  # a host.HostModel
EG3D_LATENT = io.Custom("EG3D_LATENT")  # a sat3d.latent.Latent
SAT3D_ENCODER = io.Custom("SAT3D_ENCODER")  # an encoders.HostEncoder
SAT3D_MOTION = io.Custom("SAT3D_MOTION")  # a sat3d.animation.motion.Motion
SAT3D_PARTS = io.Custom("SAT3D_PARTS")  # a sat3d.parts.masks.PartViews
SAT3D_MASKS = io.Custom("SAT3D_MASKS")  # a sat3d.masks.AttributeMasks
