"""The engine and what it answers."""
import threading
from dataclasses import dataclass

import numpy as np

from ._images import Image
from ._library import Error, array, call, ffi, lib, new_array, string, strings, text


@dataclass(frozen=True)
class TextResult:
    text: str
    score: float  # cosine of the picture's CLS token and the text
    raw_min: float
    raw_max: float
    raw_mean: float
    peak_x_px: int
    peak_y_px: int
    constant: bool


class Result:
    """Maps of texts in one picture. Arrays are float32 copies.

    texts: a TextResult each; similarity [texts, grid_h, grid_w]: before min-max; grid_map: after it;
    tokens [1 + grid_h * grid_w, embed_dim]: L2-normalised, row 0 is CLS.
    """

    def __init__(self, engine, at):
        self._engine, self._at = engine, ffi.gc(at, lib.csg_result_destroy)
        r = at[0]
        self.method, self.mode, self.fit, self.first_block = text(r.method), text(r.mode), text(r.fit), r.first_block
        self.image_size_px, self.input_size_px = (r.image_width_px, r.image_height_px), (r.input_width_px, r.input_height_px)
        self.texts = [TextResult(*(text(v) if k == "text" else v for k, v in ((f, getattr(t, f)) for f in TextResult.__dataclass_fields__)))
                      for t in r.texts[0:r.n_texts]]
        shape = (r.n_texts, r.grid_h, r.grid_w)
        self.similarity, self.grid_map = array(r.similarity, *shape), array(r.grid_map, *shape)
        self.tokens = array(r.tokens, 1 + r.grid_h * r.grid_w, r.embed_dim)
        self.stages_ms = {text(s.stage): s.ms for s in r.stages[0:r.n_stages]}

    def map(self, index, size_px=None):
        """The finished map, 0..1, [height, width] of the picture or of size_px = (width, height)."""
        width, height = size_px or self.image_size_px
        out, at = new_array("float *", height, width)
        self._engine._call(lib.csg_result_map, self._at[0], index, width, height, at)
        return out

    def points(self, index, threshold=0.8):
        """Points for SAM: (x, y) in pixels int32 [n, 2], and uint8 [n]: 1 in it, 0 not."""
        points, labels, count = ffi.new("const int (**)[2]"), ffi.new("const uint8_t **"), ffi.new("size_t *")
        self._engine._call(lib.csg_result_points, self._at[0], index, float(threshold), points, labels, count)
        return array(points[0], count[0], 2, dtype=np.intc), array(labels[0], count[0], dtype=np.uint8)

    def overlay(self, index, image, colormap=None, opacity=0.0, legend=False):
        """The picture with the heat map over it, uint8 [height, width, 3]; opacity 0: the default, 0.6."""
        name = string(colormap)
        params = ffi.new("struct csg_draw_params *", {"colormap": name, "opacity": opacity, "legend": legend})
        with Image(image) as picture, Image(None) as drawn:
            self._engine._call(lib.csg_draw_overlay, self._at[0], picture.pointer, index, params, drawn.out)
            return drawn.pixels()

    def classes(self, scale=0.0, background=0.0):
        """Per pixel 1 + the index of the text that fits best, 0: background; uint16. See csg_result_classes."""
        width, height = self.image_size_px
        out, at = new_array("uint16_t *", height, width, dtype=np.uint16)
        self._engine._call(lib.csg_result_classes, self._at[0], scale, background, at)
        return out


class Engine:
    """A model on a device. Calls of several threads wait for each other; the interpreter goes on while the device works.

    Parameters are those of struct csg_engine_params; None: the default. warn(sentence) gets the library's warnings.
    """

    def __init__(self, model=None, device=None, precision=None, templates=None, cache_dir=None, fallback=None, warn=None):
        self._lock = threading.Lock()
        given = {"model": model, "device": device, "precision": precision, "templates": templates, "cache_dir": cache_dir,
                 "fallback": fallback}
        kept = {k: string(v) for k, v in given.items()}
        params = ffi.new("struct csg_engine_params *", kept)
        if warn:
            self._log = ffi.callback("csg_log_fn", lambda user, level, message: warn(text(message))
                                     if level == lib.CSG_LOG_WARNING else None)
            params.log = self._log
        at = ffi.new("struct csg_engine **")
        call(lib.csg_engine_create, at, params)
        self._at = ffi.gc(at, lib.csg_engine_destroy)
        info = self._look()
        self.model, self.architecture = text(info.model_path), text(info.architecture)
        self.image_size_px, self.patch_px, self.embed_dim = info.image_size_px, info.patch_px, info.embed_dim

    def _look(self):
        """What computes now: another device than at first where that failed and a fallback was allowed."""
        info = ffi.new("struct csg_engine_info *")
        lib.csg_engine_info(self._at[0], info)
        names = "device", "platform", "driver", "precision", "fallback_reason"
        self._where = {n: text(getattr(info, n)) if getattr(info, n) else None for n in names}
        return info

    def _say(self, name):
        with self._lock:
            if self._at:
                self._look()
        return self._where[name]

    device = property(lambda self: self._say("device"))
    platform = property(lambda self: self._say("platform"))
    driver = property(lambda self: self._say("driver"))
    precision = property(lambda self: self._say("precision"))
    fallback_reason = property(lambda self: self._say("fallback_reason"), doc="Why another device than the wanted one computes, or None.")

    def _call(self, function, *arguments):
        with self._lock:
            if not self._at:
                raise ValueError("the engine is closed")
            call(function, self._at[0], *arguments)

    def close(self):
        """Frees the device's memory. Results that were made go on to have their arrays."""
        with self._lock:
            if self._at:
                lib.csg_engine_destroy(self._at)
                self._at = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _map_params(self, options):
        kept = {k: string(v) if k in ("method", "labels", "redundant", "fit") else v for k, v in options.items()}
        return ffi.new("struct csg_map_params *", {k: v for k, v in kept.items() if v is not None}), kept

    def map(self, image, texts, method=None, labels=None, redundant=None, fit=None, size_px=None, first_block=None, pyramid=None):
        """A Result of the texts in the picture, an array or a file. Options are those of struct csg_map_params."""
        params, _kept = self._map_params({"method": method, "labels": labels, "redundant": redundant, "fit": fit, "size_px": size_px,
                                          "first_block": first_block, "pyramid": pyramid})
        words, _words = strings([texts] if isinstance(texts, str) else texts)
        at = ffi.new("struct csg_result **")
        with Image(image) as picture:
            self._call(lib.csg_map, picture.pointer, words, len(_words), params, at)
        return Result(self, at)

    def map_tokens(self, image, sentence, method=None, fit=None, size_px=None, first_block=None):
        """A Result of every token of the sentence."""
        params, _kept = self._map_params({"method": method, "fit": fit, "size_px": size_px, "first_block": first_block})
        at = ffi.new("struct csg_result **")
        with Image(image) as picture:
            self._call(lib.csg_map_tokens, picture.pointer, string(sentence), params, at)
        return Result(self, at)

    def embed_texts(self, texts):
        """Normalised features of the texts' ensembles over the templates, float32 [texts, embed_dim]."""
        words, kept = strings([texts] if isinstance(texts, str) else texts)
        out, at = new_array("float *", len(kept), self.embed_dim)
        self._call(lib.csg_embed_texts, words, len(kept), at)
        return out

    def embed_image(self, image):
        """The normalised feature of the picture, float32 [embed_dim]."""
        out, at = new_array("float *", self.embed_dim)
        with Image(image) as picture:
            self._call(lib.csg_embed_image, picture.pointer, at)
        return out

    def classify(self, image, labels, feature_surgery=True, size_px=0):
        """(softmax scores, cosines) of the labels, float32 [labels] each; size_px as in csg_classify."""
        words, kept = strings(labels)
        scores, scores_at = new_array("float *", len(kept))
        cosines, cosines_at = new_array("float *", len(kept))
        with Image(image) as picture:
            self._call(lib.csg_classify, picture.pointer, words, len(kept), size_px, feature_surgery, scores_at, cosines_at)
        return scores, cosines


__all__ = ["Engine", "Error", "Result", "TextResult"]
