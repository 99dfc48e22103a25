"""What is inside the template's mouth, put where an open mouth shows it."""

from __future__ import annotations

import numpy as np

_TONGUE_DROP_M, _TONGUE_BACK_M = (0.008, 0.014, 0.003), 0.005  # at its root, middle and tip; of its tip
_TONGUE_FLOOR_M = -0.100  # its underside stays there
_BITE_M, _BITE_SLOPE, _FRONT_TEETH_M = -0.0768, 0.232, 0.095  # height between the front teeth; it rises to the back
TEETH_DROP_M = 0.0050  # of the upper teeth under the lip as the jaw opens, so that their edge is seen


def lay_tongue(points: np.ndarray) -> np.ndarray:
    """The template's tongue [N, 3], which fills the mouth up to the palate, laid flat behind the lower teeth."""
    z = points[:, 2]
    drop = np.interp(z, (0.010, 0.050, 0.090), _TONGUE_DROP_M)
    top = (points[:, 1] > _TONGUE_FLOOR_M) * (points[:, 1] - _TONGUE_FLOOR_M)
    moved = points.copy()
    moved[:, 1] -= (drop * np.minimum(top / 0.018, 1)).astype(np.float32)
    moved[:, 2] -= np.interp(z, (0.030, 0.090), (0.0, _TONGUE_BACK_M)).astype(np.float32)
    return moved


def are_upper(teeth: np.ndarray) -> np.ndarray:
    """[N] bool: which of the template's teeth [N, 3] are upper ones."""
    return teeth[:, 1] > _BITE_M + _BITE_SLOPE * (_FRONT_TEETH_M - teeth[:, 2])
