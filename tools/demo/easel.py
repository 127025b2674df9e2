"""Carries out an order on the device: crops, pasted objects, light, and what is where. Nothing here waits for the device."""
import torch
import torch.nn.functional as F

from . import captions, clip, pictures


class Easel:
    def __init__(self, store, device):
        self.device = device
        self.planes, self.classes, self.colour, self.both = (torch.from_numpy(a).to(device) for a in
                                                             (store.planes, store.classes, store.colour, store.both))
        self.mean, self.std = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (clip.MEAN, clip.STD))
        self.eye, self.grey = torch.eye(3, device=device), torch.full((3, 3), 1 / 3, device=device)

    def grid(self, window, u):
        """Where the points (u right, u down) of each window lie, x and y [N, R, R]; over the edge the picture goes on mirrored."""
        m = window[:, :, :, None, None]
        at = m[:, :, 0] * u + m[:, :, 1] * u[:, None] + m[:, :, 2]
        return at.clamp(-1, 1) * 2 - at

    def crops(self, row, window, side):
        """f32 [N, 4, side, side] of 0 to 255, and classes u8 [N, side / 4, side / 4] (every fourth pixel's)"""
        fine = (torch.arange(2 * side, device=self.device) + 0.5) / side - 1
        planes = F.grid_sample(self.planes.index_select(0, row).float(), self.grid(window, fine).permute(0, 2, 3, 1), padding_mode="border",
                               align_corners=False)
        coarse = (torch.arange(2, side, 4, device=self.device) + 0.5) * 2 / side - 1
        x, y = ((self.grid(window, coarse) + 1) * (pictures.EDGE / 2)).long().clamp(0, pictures.EDGE - 1).unbind(1)
        return F.avg_pool2d(planes, 2), self.classes[row[:, None, None], y, x]

    def lit(self, rgb, light):
        """rgb [N, 3, R, R] of 0 to 1, light [7, M]: the first M pictures in random light, contrast, saturation and tint. Normalised as CLIP has it."""
        n, m = len(rgb), light.shape[1]
        saturation = torch.where(light[0] < 0.08, 0.0, 0.4 + 1.1 * light[1])[:, None, None]
        gain = (0.65 + 0.7 * light[2])[:, None, None]
        matrix = gain * (self.grey + saturation * (self.eye - self.grey)) * (0.92 + 0.16 * light[3:6].t())[:, None, :]
        average = rgb[:m].mean((1, 2, 3))[:, None, None]
        offset = average - gain * average + (light[6][:, None, None] - 0.5) * 0.35
        matrix = torch.cat([matrix, self.eye.expand(n - m, 3, 3)])
        offset = torch.cat([offset, torch.zeros(n - m, 1, 1, device=self.device)])
        x = torch.baddbmm(offset, matrix.transpose(1, 2), rgb.flatten(2)).clamp_(0, 1).view_as(rgb)
        return (x - self.mean) / self.std

    def patch_shares(self, quarter):
        """u8 [N, R/4, R/4] -> share of each class and the background in each patch [N, P, C + 1], and in the picture [N, C + 1]."""
        n, p = quarter.shape[0], quarter.shape[1] // 4
        label = quarter.view(n, p, 4, p, 4).transpose(2, 3).reshape(n, p * p, 16).long()
        label = torch.where(label >= pictures.BACKGROUND, label - pictures.BACKGROUND + pictures.N_CLASSES, label)
        share = torch.zeros(n, p * p, pictures.N_CLASSES + 2, device=self.device)
        share = share.scatter_add_(2, label, torch.full(label.shape, 1 / 16, device=self.device))[..., :-1]
        return share, share.mean(1)

    def paint(self, order, side):
        """(normalised pictures, share of each class in each patch, target of each text)"""
        planes, classes = self.crops(order["row"], order["window"], side)
        over, over_classes = self.crops(order["over"], order["over_window"], side)
        count = len(over)
        alpha = over[:, 3:] / 255
        alpha = alpha * ((alpha.mean((1, 2, 3), True) > 0.04) & (alpha.mean((1, 2, 3), True) < 0.6))
        rgb = torch.cat([torch.lerp(planes[:count, :3], over[:, :3], alpha), planes[count:, :3]]) / 255
        covers = (over_classes < pictures.SHAPE_BASE) & (alpha.amax((1, 2, 3)) > 0)[:, None, None]
        classes = torch.cat([torch.where(covers, over_classes, classes[:count]), classes[count:]])
        share, present = self.patch_shares(classes)
        target = captions.targets(present, self.colour[order["scene"]], self.both[order["scene"]], order["pair"], order["tinted"])
        return self.lit(rgb, order["light"]), share, target
