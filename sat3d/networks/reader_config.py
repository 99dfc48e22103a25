"""Configuration of an attribute reader: its categories and numbers, and the sizes of its network."""

from dataclasses import dataclass

from ..checks import check_number, check_whole
from ..errors import ConfigError

ZOOM, TWO_LOOKS = "zoom", "two looks"
ARCHITECTURES = (ZOOM, TWO_LOOKS)
_MOST_CELLS = 16
_ZOOM_CELLS = (4, 8)  # a side, fewest and most: faces are registered, so where something is matters
_SHAPE_STEP = 4  # a close look is three quarters as wide as it is high

Fields = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class ReaderConfig:
    """``categories``: (name, its values) each; ``numbers``: (name, how many numbers: 3 for a colour) each.

    ``architecture``: "zoom" sees a picture of which the face gets most (``face_zoom``: how much more room than
    elsewhere, 0: none, see ``face_zoom.py``); "two looks" sees the whole and the face apart (see ``two_looks.py``) and
    compares them in ``attention_blocks``. Pictures are brought to ``source_px`` (None: ``input_px``), from which the
    network's own view of ``input_px`` is taken. ``widths`` are the channels at a half, a quarter, … of ``input_px``;
    ``depths`` the residual blocks there. A reader that zooms may have a close look at the face beside the zoom (see
    ``close_look.py``): it goes through the same first ``close_levels`` (0: there is none), then to half the size with
    ``close_width`` channels and ``close_depth`` residual blocks of its own. ``told``: into how many numbers what the
    landmark network sees (see ``seen_faces.py``) is pressed together before it is added (0: it is not asked).

    Raises:
        ConfigError: a size out of range, levels that do not fit together, names that are not different.
    """

    categories: tuple[tuple[str, tuple[str, ...]], ...]
    numbers: Fields
    identity_size: int = 64
    input_px: int = 128
    widths: tuple[int, ...] = (24, 48, 96, 160, 192)
    depths: tuple[int, ...] = (0, 1, 1, 1, 0)
    squeezed: int = 64
    hidden: int = 256
    face_zoom: float = 0.0
    architecture: str = ZOOM
    source_px: int | None = None
    attention_blocks: int = 0
    close_levels: int = 0
    close_width: int = 64
    close_depth: int = 1
    close_squeezed: int = 16
    told: int = 0

    def __post_init__(self):
        object.__setattr__(self, "categories", tuple((name, tuple(values)) for name, values in self.categories))
        object.__setattr__(self, "numbers", tuple((name, size) for name, size in self.numbers))
        for name in ("widths", "depths"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        self._check_sizes()
        self._check_levels()
        names = [name for name, _ in self.categories] + [name for name, _ in self.numbers]
        if len(set(names)) != len(names) or not all(values for _, values in self.categories):
            raise ConfigError(
                "The reader's names are not usable", names, "different names with values", "check the file"
            )

    def _check_sizes(self) -> None:
        sizes = (self.identity_size, self.squeezed, self.hidden, self.close_width, self.close_squeezed, *self.widths)
        for size in (*sizes, *(size for _, size in self.numbers)):
            check_whole("A size of the reader", size, 1, 4096)
        for depth in (*self.depths, self.close_depth, self.attention_blocks):
            check_whole("A depth of the reader", depth, 0, 16)
        check_whole("What the reader is told of faces", self.told, 0, 4096)
        check_whole("The reader's input_px", self.input_px, 16, 1024)
        check_whole("The reader's source_px", self.picture_px, self.input_px, 2048)
        check_number("The reader's face_zoom", self.face_zoom, 0, 8)
        if self.architecture not in ARCHITECTURES:
            wanted = f"one of: {', '.join(ARCHITECTURES)}"
            raise ConfigError("The reader's architecture is unknown", self.architecture, wanted, "update this package")

    def _check_levels(self) -> None:
        few, most = _ZOOM_CELLS if self.architecture == ZOOM else (1, _MOST_CELLS)
        fits = self.input_px % 2 ** len(self.widths) == 0 and few <= self.cells <= most
        if not fits or len(self.depths) != len(self.widths):
            wanted = f"one depth per width, input_px = {few} to {most} times 2^widths"
            raise ConfigError("The reader's levels do not fit together", self, wanted, "check the file")
        if self.architecture == TWO_LOOKS and (self.face_zoom or self.close_levels):
            got, wanted = (self.face_zoom, self.close_levels), "face_zoom 0 and close_levels 0"
            raise ConfigError("A reader of two looks has no zoom and no third look", got, wanted, "check the file")
        check_whole("The reader's close_levels", self.close_levels, 0, len(self.widths))
        if self.close_levels and self.input_px % (_SHAPE_STEP * self.close_shrinking):
            wanted = "input_px a multiple of 4 times 2^(close_levels + 1)"
            raise ConfigError("The reader's close look does not fit together", self, wanted, "check the file")

    @property
    def picture_px(self) -> int:
        """The size that pictures are brought to before the network looks at them."""
        return self.input_px if self.source_px is None else self.source_px

    @property
    def cells(self) -> int:
        """How many cells wide the last feature map is."""
        return self.input_px // 2 ** len(self.widths)

    @property
    def close_shrinking(self) -> int:
        """How many pixels wide a cell of the close look's last feature map is."""
        return 2 ** (self.close_levels + 1)

    @property
    def class_counts(self) -> list[int]:
        return [len(values) for _, values in self.categories]

    @property
    def number_sizes(self) -> list[int]:
        return [size for _, size in self.numbers]
