"""The files of a folder of goldens: written, or held against new figures. Name -> float32 array (.npy), RGB picture (.png) or
object (.json)."""
import json, os
import numpy as np
from PIL import Image


def write(figures, folder):
    os.makedirs(folder, exist_ok=True)
    for name, value in figures.items():
        path = os.path.join(folder, name)
        if name.endswith(".json"):
            with open(path, "w", encoding="utf-8") as f:
                f.write(json.dumps(value) + "\n")
        elif name.endswith(".png"):
            Image.fromarray(np.ascontiguousarray(value)).save(path, optimize=True)
        else:
            np.save(path, np.ascontiguousarray(value, dtype="<f4"))


def compare(figures, folder):
    """Print the largest difference of every file; the largest of all is returned."""
    worst = 0.0
    for name, value in sorted(figures.items()):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            print(f"{name:34} is not there")
        elif name.endswith(".json"):
            with open(path, encoding="utf-8") as f:
                old = json.load(f)
            differ = [k for k in old if k in value and old[k] != value[k]]
            print(f"{name:34} {'equal' if not differ else 'differs in ' + ', '.join(differ)}")
            worst = max(worst, float(len(differ)))
        else:
            old = np.load(path) if name.endswith(".npy") else np.asarray(Image.open(path).convert("RGB"))
            value = np.asarray(value)
            d = float(np.abs(old.astype(float) - value.astype(float)).max()) if old.shape == value.shape else np.inf
            print(f"{name:34} largest difference {d:.3g}")
            worst = max(worst, d)
    return worst
