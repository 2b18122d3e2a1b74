#!/usr/bin/env python3
"""partaware.h from Python through ctypes, and the .npy files of the programs in NumPy. Optional.

Results of embed, in five lines:

    import numpy as np
    x = np.load("features/cls.npy")                      # [images, width], float32
    names = open("features/files.txt").read().splitlines()
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    print(names[0], "is most like", names[np.argsort(-(x @ x[0]))[1]])

The header as a shared library, and class tokens of images, the same bytes as embed's:

    cc -O2 -shared -fPIC -DPARTAWARE_IMPLEMENTATION -x c partaware.h -o libpartaware.so \\
        -lsleef -lm -lpthread
    tools/use_from_python.py ./libpartaware.so WEIGHTS cls.npy IMAGE...
"""
import ctypes as c
import sys

import numpy as np


class Image(c.Structure):  # paw_image
    _fields_ = [("px", c.c_void_p), ("w", c.c_int), ("h", c.c_int)]


class Info(c.Structure):  # paw_model_info
    _fields_ = [("recipe", c.c_char_p)] + [
        (name, c.c_int)
        for name in "image_px patch_px dim depth heads mlp tokens classes projected bottleneck "
        "predicted dtype".split()
    ] + [(name, c.c_size_t) for name in "parameters packed_bytes rounded".split()]


class Encoder:
    def __init__(self, library, weights):
        self.paw = c.CDLL(library)
        self.paw.paw_message.restype = c.c_char_p
        self.context, self.model = c.c_void_p(), c.c_void_p()
        if self.paw.paw_create(None, c.byref(self.context)):
            raise MemoryError("paw_create")
        self.check(self.paw.paw_model_load(self.context, weights.encode(), None,
                                           c.byref(self.model)))
        self.info = Info()
        self.paw.paw_model_describe(self.model, c.byref(self.info))

    def check(self, error):
        if error:
            raise OSError(self.paw.paw_message(self.context).decode())

    def embed(self, path):
        """Class token of an image file: float32 [dim]."""
        image, cls = Image(), np.empty(self.info.dim, np.float32)
        self.check(self.paw.paw_image_load(self.context, path.encode(), c.byref(image)))
        error = self.paw.paw_embed(self.model, self.context, c.byref(image), None,
                                   cls.ctypes.data_as(c.c_void_p))
        self.paw.paw_image_free(self.context, c.byref(image))
        self.check(error)
        return cls

    def __del__(self):
        self.paw.paw_model_free(self.model)
        self.paw.paw_destroy(self.context)


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    library, weights, out, *images = sys.argv[1:]
    try:
        encoder = Encoder(library, weights)
        np.save(out, np.stack([encoder.embed(path) for path in images]))
    except OSError as error:
        sys.exit(f"use_from_python: {error}")
    print(f"{out}: {len(images)} x {encoder.info.dim}, {encoder.info.recipe.decode()}")


if __name__ == "__main__":
    main()
