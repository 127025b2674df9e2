#!/usr/bin/env python3
"""The figures of an evaluation against an independent text in numpy, on random data, within 1e-6: check_metrics.py METRICS_TOOL"""
import subprocess, sys
import numpy as np

VOID, LIMIT = 255, 1e-6


def explain(maps, n_classes):
    """(mIoU, threshold, mIoU by class, mSC) of [(class, map, mask, wanted)]."""
    best = None
    for k in range(101):
        ious, both, union = [], np.zeros(n_classes), np.zeros(n_classes)
        for c, m, mask, wanted in maps:
            valid = mask != VOID
            predicted, truth = m[valid].astype(np.float64) >= k / 100, mask[valid] == wanted
            i, u = np.sum(predicted & truth), np.sum(predicted | truth)
            ious.append(i / u if u else 0)
            both[c] += i
            union[c] += u
        mean = np.mean(ious)
        if best is None or mean > best[0] + 1e-12:
            best = mean, k / 100, np.mean(both[union > 0] / union[union > 0])
    contrasts = []
    for c, m, mask, wanted in maps:
        valid = mask != VOID
        inside, outside = m[valid & (mask == wanted)], m[valid & (mask != wanted)]
        contrasts.append((inside.mean(dtype=np.float64) if inside.size else 0) - (outside.mean(dtype=np.float64) if outside.size else 0))
    return [*best, np.mean(contrasts)]


def segmentation(pictures, n_classes):
    confusion = np.zeros((n_classes, n_classes))
    for predicted, mask in pictures:
        valid = (mask != VOID) & (mask < n_classes)
        np.add.at(confusion, (mask[valid], predicted[valid]), 1)
    both, union = np.diag(confusion), confusion.sum(0) + confusion.sum(1) - np.diag(confusion)
    iou = np.where(union > 0, both / np.maximum(union, 1), np.nan)
    return [np.nanmean(iou), np.nanmean(iou[1:])]


def precision(scores, positive):
    order = np.argsort(-scores, kind="stable")
    hits = positive[order].astype(np.float64)
    return np.sum(np.cumsum(hits) / np.arange(1, len(hits) + 1) * hits) / hits.sum()


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def class_scores(s, surgery):
    s = s.astype(np.float64)
    if surgery:
        p = softmax(2 * s)
        w = p / p.mean()
        s = w * s - np.mean(w * s)
    return softmax(10 * len(s) * s)


def check(rng, tool, round_):
    n_classes = int(rng.integers(3, 12))
    data, maps, pictures = np.int32(n_classes).tobytes(), [], []
    for _ in range(int(rng.integers(5, 30))):
        pixels, c = int(rng.integers(1, 400)), int(rng.integers(0, n_classes))
        mask = rng.integers(0, n_classes + 1, pixels).astype(np.uint16)
        mask[rng.random(pixels) < 0.1] = VOID
        m = np.clip(rng.random(pixels) * 0.7 + 0.4 * (mask == c + 1), 0, 1).astype(np.float32)
        if round_ % 2:
            m = (np.round(m * 100) / 100).astype(np.float32)  # on the thresholds themselves
        maps.append((c, m, mask, c + 1))
    data += np.int32(len(maps)).tobytes()
    for c, m, mask, wanted in maps:
        data += np.array([c, len(m), wanted], np.int32).tobytes() + m.tobytes() + mask.tobytes()
    for _ in range(int(rng.integers(1, 8))):
        pixels = int(rng.integers(1, 500))
        mask = rng.integers(0, n_classes, pixels).astype(np.uint16)
        mask[rng.random(pixels) < 0.1] = VOID
        predicted = np.where(rng.random(pixels) < 0.5, np.minimum(mask, n_classes - 1), rng.integers(0, n_classes, pixels)).astype(np.uint16)
        pictures.append((predicted, mask))
    data += np.int32(len(pictures)).tobytes()
    for predicted, mask in pictures:
        data += np.int32(len(mask)).tobytes() + predicted.tobytes() + mask.tobytes()
    n = int(rng.integers(2, 200))
    scores, positive = rng.standard_normal(n).astype(np.float32), (rng.random(n) < 0.3).astype(np.uint8)
    if round_ % 3 == 0:
        scores = np.round(scores).astype(np.float32)  # ties
    positive[0] = 1
    cosines = (rng.standard_normal(n_classes) * 0.3).astype(np.float32)
    data += np.array([n, n_classes], np.int32).tobytes() + scores.tobytes() + positive.tobytes() + cosines.tobytes()

    lines = subprocess.run([tool], input=data, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    got = [np.array(line.split(), np.float64) for line in lines]
    want = [explain(maps, n_classes), segmentation(pictures, n_classes), [precision(scores, positive)],
            class_scores(cosines, False), class_scores(cosines, True)]
    return max(float(np.max(np.abs(g - np.array(w)))) for g, w in zip(got, want, strict=True))


def main():
    rng = np.random.default_rng(8)
    worst = max(check(rng, sys.argv[1], i) for i in range(40))
    print(f"40 rounds of random data: the largest difference is {worst:.2e}, the limit {LIMIT:.0e}")
    sys.exit(worst > LIMIT)


if __name__ == "__main__":
    main()
