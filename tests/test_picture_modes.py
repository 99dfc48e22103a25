"""Every PIL mode: a pixel whose colour is known, and what is refused rather than clipped."""

import io
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sat3d.errors import ShapeError
from sat3d.inversion.align import photo_from
from sat3d.picture_modes import rgb_picture, rgb_values

ROOT = Path(__file__).resolve().parents[1]
# A fifth of white is 51 of 255 and 13107 of 65535; a fifth of opacity leaves four fifths of the white below.
FIFTH, OVER_WHITE = (51, 51, 51), (0.2 * 51 + 204, 0.2 * 102 + 204, 0.2 * 153 + 204)
PIXELS = [
    ("1", 1, (255, 255, 255)), ("1", 0, (0, 0, 0)), ("L", 51, FIFTH), ("RGB", (51, 102, 153), (51, 102, 153)),
    ("RGBX", (51, 102, 153, 0), (51, 102, 153)), ("RGBA", (51, 102, 153, 51), OVER_WHITE),
    ("RGBa", (10, 20, 30, 51), (214, 224, 234)), ("LA", (51, 51), (0.2 * 51 + 204,) * 3), ("La", (10, 51), (214,) * 3),
    ("CMYK", (255, 0, 0, 0), (0, 255, 255)), ("CMYK", (0, 0, 0, 51), (204, 204, 204)),
    ("YCbCr", (76, 85, 255), (254, 0, 0)), ("HSV", (85, 255, 255), (0, 255, 0)),
    ("I;16", 13107, FIFTH), ("I;16", 65535, (255,) * 3), ("I;16L", 13107, FIFTH), ("I;16B", 13107, FIFTH),
    ("I;16N", 13107, FIFTH), ("I", 13107, FIFTH), ("I", 65535, (255,) * 3), ("I", 255, (255 / 257,) * 3),
    ("F", 0.2, FIFTH), ("F", 1.0, (255,) * 3), ("F", 51.0, FIFTH), ("F", 255.0, (255,) * 3),
]  # fmt: skip


def seen(picture: Image.Image, x: int = 0) -> list[float]:
    """A pixel of the first row, in levels of 8 bits."""
    return (rgb_values(picture)[0, x] * 255).tolist()


@pytest.mark.parametrize(("mode", "pixel", "colour"), PIXELS)
def test_a_pixel_of_every_mode(mode, pixel, colour):
    picture = Image.new(mode, (3, 2))
    picture.putpixel((0, 0), pixel)
    values = rgb_values(picture)
    assert values.shape == (2, 3, 3) and values.dtype == np.float32
    assert seen(picture) == pytest.approx(colour, abs=0.51 if mode == "RGBa" else 0.01)
    assert photo_from(picture)[0, :, 0, 0].tolist() == pytest.approx([level / 127.5 - 1 for level in seen(picture)])
    assert rgb_picture(picture).mode == "RGB"
    assert rgb_picture(picture).getpixel((0, 0)) == tuple(map(round, seen(picture)))


def test_lab_of_a_neutral_grey():
    """L* 53.7 of 100 (137 of 255) is the grey of sRGB 128.4: 116 · cube root of its luminance 0.2171, less 16."""
    assert seen(Image.new("LAB", (2, 2), (137, 128, 128))) == pytest.approx([128] * 3, abs=1)


@pytest.mark.parametrize("mode", ["P", "PA"])
def test_palettes(mode):
    picture = Image.new("P", (2, 1))
    picture.putpalette([51, 102, 153, 255, 0, 0])
    picture.putpixel((1, 0), 1)
    picture = picture.convert(mode)
    assert seen(picture) == [51, 102, 153] and seen(picture, 1) == [255, 0, 0]
    picture.info["transparency"] = bytes([51, 255])
    if mode == "P":
        assert seen(picture) == pytest.approx(OVER_WHITE, abs=0.01) and seen(picture, 1) == [255, 0, 0]


@pytest.mark.parametrize(("mode", "level", "clear"), [("L", 51, 51), ("RGB", (9, 8, 7), (9, 8, 7)), ("I;16", 300, 300)])
def test_the_one_colour_of_a_png_that_is_clear(mode, level, clear):
    picture = Image.new(mode, (2, 1))
    picture.putpixel((0, 0), level)
    picture.info["transparency"] = clear
    assert seen(picture) == [255, 255, 255] and seen(picture, 1) == [0, 0, 0]


def png(depth: int, kind: int, rows: list[bytes], width: int, extra: bytes = b"") -> Image.Image:
    """A PNG by hand: ``kind`` 0 grey, 2 RGB, 6 RGBA."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, len(rows), depth, kind, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    return Image.open(io.BytesIO(data))


def test_pngs_of_sixteen_bits():
    """A ramp of all levels, and colours: no level is clipped, and all are right to a level of 8 bits."""
    ramp = np.arange(65536, dtype=">u2").reshape(256, 256)
    values = rgb_values(png(16, 0, [row.tobytes() for row in ramp], 256))
    np.testing.assert_allclose(values[..., 0], ramp / 65535, atol=1e-6)
    assert photo_from(png(16, 0, [row.tobytes() for row in ramp], 256)).mean().abs() < 1e-3
    colour = np.array([13107, 26214, 52428], ">u2")
    assert seen(png(16, 2, [colour.tobytes()], 1)) == pytest.approx([51, 102, 204], abs=1)
    clear = np.array([13107, 26214, 52428, 13107], ">u2")
    assert seen(png(16, 6, [clear.tobytes()], 1)) == pytest.approx([0.2 * v + 204 for v in (51, 102, 204)], abs=2)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_its_first_frame(kind):
    frames, buffer = [Image.new("RGB", (8, 8), colour) for colour in ((255, 0, 0), (0, 0, 255))], io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], lossless=True)
    assert seen(Image.open(buffer)) == pytest.approx([255, 0, 0], abs=2)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK", "LAB", "I;16", "I;16B", "I", "F", "La"])
def test_every_mode_is_turned_as_its_exif_says(mode):
    picture = Image.new(mode, (3, 2))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.info["exif"] = exif.tobytes()
    assert photo_from(picture).shape == (1, 3, 3, 2)


@pytest.mark.parametrize(("mode", "values", "said"), [
    ("I", [0, 65536], r"not known what is black and white.*mode I, values 0 to 65536"),
    ("I", [-1, 5], "values -1 to 5"),
    ("F", [0, 256], r"0 to 256.*0 to 1, or 0 to 255"), ("F", [-0.5, 0.5], "values -0.5 to 0.5"),
    ("F", [0, float("nan")], "NaN"), ("F", [0, float("inf")], "NaN or infinite"),
])  # fmt: skip
def test_values_without_a_known_white_are_refused(mode, values, said):
    picture = Image.fromarray(np.array([values], {"I": np.int32, "F": np.float32}[mode]))
    assert picture.mode == mode
    with pytest.raises(ShapeError, match=said + ".*Next step"):
        rgb_values(picture)


def test_no_pixels_unknown_modes_and_cut_files_are_refused():
    with pytest.raises(ShapeError, match="no pixels"):
        rgb_values(Image.new("RGB", (0, 5)))
    strange = Image.new("RGB", (2, 2))
    strange._mode = "XYZ"
    with pytest.raises(ShapeError, match=r"mode are not known.*XYZ"):
        rgb_values(strange)
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(buffer, "PNG")
    for data in (buffer.getvalue()[:900], buffer.getvalue()[:60]):
        with pytest.raises(ShapeError, match="cannot be read"):
            rgb_values(Image.open(io.BytesIO(data)))


def test_nothing_else_converts_pictures():
    """One place knows how modes are scaled; Pillow's own conversion clips."""
    converting = re.compile(r"""\.convert\(\s*["']""")
    paths = [path for folder in ("nodes", "sat3d") for path in (ROOT / folder).rglob("*.py")]
    found = [path.name for path in paths if converting.search(path.read_text(encoding="utf-8"))]
    assert found == ["picture_modes.py"]
