"""The shared library, and what C and Python exchange: errors, strings, arrays."""
import os
import sys

import numpy as np

from ._header import ffi


class Error(Exception):
    """What the library says in one sentence; `status` is a number of the header's enum csg_status."""

    def __init__(self, status, sentence):
        super().__init__(sentence)
        self.status = status


def _abi(major, minor):
    return str(major) if major else f"0.{minor}"  # as the library's own soname


def _open():
    constants = ffi.dlopen(None)
    wanted = _abi(constants.CSG_BUILT_MAJOR, constants.CSG_BUILT_MINOR)
    named = os.environ.get("CLIP_SURGEON_LIBRARY")
    names = [named] if named else [f"libclip-surgeon.{wanted}.dylib"] if sys.platform == "darwin" else [f"libclip-surgeon.so.{wanted}"]
    library = ffi.dlopen(names[0])
    found = ffi.string(library.csg_version()).decode()
    if _abi(*map(int, found.split(".")[:2])) != wanted:
        raise ImportError(f"this module was built for clip-surgeon {wanted}, but the library is {found}")
    return library


lib = _open()


def text(pointer):
    return ffi.string(pointer).decode() if pointer else None


def string(value):
    """A C string of a str or path, or NULL of None."""
    return ffi.NULL if value is None else ffi.new("char[]", os.fspath(value).encode())


def strings(values):
    """A C array of strings; the second is what keeps them alive."""
    kept = [string(v) for v in values]
    return ffi.new("const char *[]", kept), kept


def call(function, *arguments):
    """Calls with a struct csg_error behind the arguments; a failure is raised."""
    error = ffi.new("struct csg_error *")
    status = function(*arguments, error)
    if status:
        raise Error(status, text(error.sentence))


def array(pointer, *shape, dtype=np.float32):
    """A copy of what the library owns."""
    count = int(np.prod(shape))
    return np.frombuffer(ffi.buffer(pointer, count * np.dtype(dtype).itemsize), dtype).reshape(shape).copy() if count else np.empty(shape, dtype)


def new_array(ctype, *shape, dtype=np.float32):
    """An array that the library writes into, and its address."""
    out = np.empty(shape, dtype)
    return out, ffi.cast(ctype, out.ctypes.data)


def table(name_of):
    """The rows of one of the library's tables of names."""
    rows, name = [], text(name_of(0))
    while name is not None:
        rows.append(name)
        name = text(name_of(len(rows)))
    return tuple(rows)
