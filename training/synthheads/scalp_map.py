"""The head seen from its inside: for each direction the triangle of the bare skin that is met. Used by ``bake``."""

from __future__ import annotations

import numpy as np

CENTRE_M = np.array([0.0, 0.030, 0.0], np.float32)
AZIMUTHS, POLARS = 192, 96
POLAR_END_RAD = float(np.deg2rad(156))
_OUTSIDE_M = 0.4


def directions() -> np.ndarray:
    """Unit vectors ``[AZIMUTHS, POLARS, 3]`` of the map's cells."""
    azimuth = (np.arange(AZIMUTHS) + 0.5) / AZIMUTHS * 2 * np.pi - np.pi
    polar = np.linspace(0, POLAR_END_RAD, POLARS)
    return direction(azimuth[:, None], polar[None])


def direction(azimuth_rad: np.ndarray, polar_rad: np.ndarray) -> np.ndarray:
    """Unit vectors ``[..., 3]``: azimuth 0 to the front and π/2 to +x, polar 0 up."""
    sine, cosine = np.sin(polar_rad), np.broadcast_to(np.cos(polar_rad), np.broadcast(azimuth_rad, polar_rad).shape)
    return np.stack([sine * np.sin(azimuth_rad), cosine, sine * np.cos(azimuth_rad)], -1).astype(np.float32)


def cast_scalp(rest: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rays from outside towards ``CENTRE_M``: triangle met ``[A, P]`` int32 (−1: none), barycentric ``[A, P, 3]``."""
    import warp as wp

    @wp.kernel
    def cast(
        mesh: wp.uint64,
        start: wp.array(dtype=wp.vec3),
        ray: wp.array(dtype=wp.vec3),
        face: wp.array(dtype=int),
        weight: wp.array(dtype=wp.vec3),
    ):
        i = wp.tid()
        hit = wp.mesh_query_ray(mesh, start[i], ray[i], 1.0)
        face[i] = -1
        if hit.result:
            face[i] = hit.face
            weight[i] = wp.vec3(hit.u, hit.v, 1.0 - hit.u - hit.v)

    ray = -directions().reshape(-1, 3)
    count = len(ray)
    points = wp.array(np.ascontiguousarray(rest, np.float32), dtype=wp.vec3, device="cpu")
    mesh = wp.Mesh(points, wp.array(triangles.ravel().astype(np.int32), dtype=int, device="cpu"))
    face, weight = wp.empty(count, dtype=int, device="cpu"), wp.zeros(count, dtype=wp.vec3, device="cpu")
    start = wp.array(CENTRE_M - ray * _OUTSIDE_M, dtype=wp.vec3, device="cpu")
    wp.launch(
        cast, dim=count, inputs=[mesh.id, start, wp.array(ray, dtype=wp.vec3, device="cpu"), face, weight], device="cpu"
    )
    shape = (AZIMUTHS, POLARS)
    return face.numpy().reshape(shape), weight.numpy().reshape(*shape, 3).astype(np.float16)
