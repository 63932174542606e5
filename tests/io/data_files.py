"""Small image files and data sets for tests."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, height: int = 6, width: int = 5, channels: int = 1) -> np.ndarray:
    """A random image uint8 (H, W, C)."""
    shape = (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(pixels: np.ndarray, form: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.save(buffer, form, **options)
    return buffer.getvalue()


def write_tree(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def classes(counts: dict[str, int]) -> dict[str, bytes]:
    """Files of so many images in a folder for each class, all different."""
    return {
        f"{name}/{i}.png": encoded(picture(1000 * place + i))
        for place, (name, count) in enumerate(counts.items())
        for i in range(count)
    }
