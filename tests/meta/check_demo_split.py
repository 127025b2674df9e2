#!/usr/bin/env python3
"""The demo model's held-out pictures are never trained on: the lists, and the rule by which training picks its pictures."""
import os, sys, tempfile, unittest

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(SOURCE, "tools"))
sys.dont_write_bytecode = True
from demo import split

HELD_OUT = split.read_list(os.path.join(SOURCE, "tools", "demo", "held_out.txt"))
TRAINING = split.read_list(os.path.join(SOURCE, "tools", "demo", "training.txt"))


class Split(unittest.TestCase):
    def test_no_held_out_picture_is_in_the_training_list(self):
        self.assertEqual(set(HELD_OUT) & set(TRAINING), set())

    def test_every_tenth_picture_is_held_out(self):
        self.assertEqual(split.every_tenth(HELD_OUT + TRAINING), HELD_OUT)
        self.assertEqual(len(set(HELD_OUT + TRAINING)), len(HELD_OUT + TRAINING))

    def test_training_leaves_them_out_of_any_folder(self):
        names = sorted(HELD_OUT + TRAINING)
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "SegmentationClass"))
            for name in names:
                open(os.path.join(folder, "SegmentationClass", name + ".png"), "w").close()
            self.assertEqual(split.training(folder, HELD_OUT), TRAINING)
            os.makedirs(os.path.join(folder, "ImageSets", "Segmentation"))
            with open(os.path.join(folder, "ImageSets", "Segmentation", "train.txt"), "w") as f:
                f.write("\n".join(names[:100]) + "\n")
            self.assertEqual(split.training(folder, HELD_OUT), [n for n in names[:100] if n in TRAINING])


if __name__ == "__main__":
    unittest.main()
