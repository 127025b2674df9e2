"""CLIP Surgery on any OpenCL device: heat maps of texts in pictures, from and to NumPy arrays.

    import clip_surgeon
    with clip_surgeon.Engine() as engine:
        result = engine.map("photo.jpg", ["dog", "person"])
        heat = result.map(0)            # float32 [height, width], 0..1
        points, inside = result.points(0)
"""
from dataclasses import dataclass

from ._engine import Engine, Error, Result, TextResult
from ._images import load_image, save_png
from ._library import call, ffi, lib, string, table, text

__version__ = text(lib.csg_version())
METHODS = table(lib.csg_method_name)
COLORMAPS = table(lib.csg_colormap_name)
PRECISIONS = table(lib.csg_precision_name)


@dataclass(frozen=True)
class Device:
    """A row of `clip-surgeon devices`; `index` is what Engine(device=...) takes."""
    index: int
    name: str
    platform: str
    vendor: str
    driver: str
    version: str
    type: str
    compute_units: int
    global_memory_bytes: int
    usable: bool
    chosen: bool
    verdict: str


def devices():
    """Every OpenCL device."""
    rows, count = ffi.new("struct csg_device_info **"), ffi.new("size_t *")
    call(lib.csg_devices_list, rows, count)
    try:
        def value(row, field):
            v = getattr(row, field)
            return text(v) if isinstance(v, ffi.CData) else v
        return [Device(**{f: value(row, f) for f in Device.__dataclass_fields__}) for row in rows[0][0:count[0]]]
    finally:
        lib.csg_devices_free(rows)


def labels(name):
    """The labels of a set: demo, pascal59, coco80, voc20, imagenet1000, or a file with one a line."""
    made = ffi.new("struct csg_label_set *")
    call(lib.csg_label_set_load, made, string(name))
    try:
        return [text(made.labels[i]) for i in range(made.count)]
    finally:
        lib.csg_label_set_free(made)


def data_dir():
    """The folder with the demo model, the demo pictures and the label sets."""
    path = ffi.new("char[]", 4096)
    call(lib.csg_data_dir, path, len(path))
    return text(path)


__all__ = ["COLORMAPS", "Device", "Engine", "Error", "METHODS", "PRECISIONS", "Result", "TextResult", "data_dir", "devices", "labels",
           "load_image", "save_png"]
