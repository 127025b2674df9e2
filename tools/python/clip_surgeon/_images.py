"""Pictures: uint8 arrays [height, width, 3], or whatever file the library reads."""
import numpy as np

from ._library import array, call, ffi, lib, string


class Image:
    """One of the library's pictures while it is needed."""

    def __init__(self, source):
        self._at = ffi.new("struct csg_image **")
        if isinstance(source, np.ndarray):
            if source.ndim != 3 or source.shape[2] != 3 or source.dtype != np.uint8:
                raise ValueError(f"a picture is an array of uint8 [height, width, 3], not of {source.dtype} {list(source.shape)}")
            packed = np.ascontiguousarray(source)
            call(lib.csg_image_from_rgb, self._at, ffi.cast("const uint8_t *", packed.ctypes.data), packed.shape[1], packed.shape[0], 0)
        elif source is not None:
            call(lib.csg_image_load, self._at, string(source))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        lib.csg_image_destroy(self._at)

    @property
    def pointer(self):
        return self._at[0]

    @property
    def out(self):
        return self._at

    def pixels(self):
        height, width = lib.csg_image_height_px(self.pointer), lib.csg_image_width_px(self.pointer)
        return array(lib.csg_image_rgb(self.pointer), height, width, 3, dtype=np.uint8)


def load_image(path):
    """The picture's pixels as the engine sees them, upright, uint8 [height, width, 3]."""
    with Image(path) as image:
        return image.pixels()


def save_png(path, pixels, overwrite=False):
    with Image(pixels) as image:
        call(lib.csg_image_write_png, image.pointer, string(path), overwrite)
