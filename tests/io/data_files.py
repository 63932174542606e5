"""Small image files and data sets for tests."""

import io
import json
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


def write_table(
    path: Path,
    images: list,
    labels: list | None = None,
    *,
    names: list[str] | None = None,
    label: str = "label",
    told: bool = True,
    **options,
) -> Path:
    """A Parquet table as the Hub's own library writes one: ``image`` as bytes and a path.

    ``names`` are those of its classes; without ``told`` it says nothing about its columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    rows = [{"bytes": i, "path": None} if isinstance(i, bytes) else i for i in images]
    columns = {"image": pa.array(rows, kind)}
    features = {"image": {"_type": "Image"}}
    if labels is not None:
        columns[label] = pa.array(labels)
        if names is not None:
            features[label] = {"names": names, "_type": "ClassLabel"}
    table = pa.table(columns)
    if told:
        told_features = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": told_features})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, **options)
    return path
