"""A small convolutional network that learns the same patch labels beside the transformer and is imitated by its middle tokens.

From few photographs a transformer learns slowly what a convolution has built in, that near pixels belong together wherever they are. So a
network that has it goes first, on the same batch, and the transformer's middle tokens are drawn towards its features and its opinion as
well as to the labels (locality guidance, Li et al., ECCV 2022). Thrown away after training, like the head.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from . import words

FIRST, LAST = words.CLASSES.index(words.STREET[0]), words.CLASSES.index(words.STREET[-1])  # they stand together


def patch_loss(logits, share):
    """Cross entropy of logits [N, P, C + 1] with the share of each class in each patch, background last. VOC's background may be what only
    street scenes have labels for: there these classes are as right as background."""
    known = F.log_softmax(logits.float(), -1)
    either = torch.logsumexp(torch.cat([known[..., FIRST:LAST + 1], known[..., -1:]], -1), -1)
    return -((known[..., :-1] * share[..., :-1]).sum() + (either * share[..., -1]).sum()) / share.sum()


class Residual(nn.Module):
    def __init__(self, before, width, stride):
        super().__init__()
        self.first, self.norm_1 = nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.second, self.norm_2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.skip = nn.Conv2d(before, width, 1, bias=False) if before != width else nn.Identity()
        self.pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        y = self.norm_2(self.second(F.relu(self.norm_1(self.first(x)))))
        return F.relu(y + self.skip(self.pool(x)))


class Guide(nn.Module):
    """Pictures [N, 3, R, R] -> features [N, P, 256] and logits [N, P, classes] of the P patches of 16 x 16, and logits [N, overall] of the
    whole picture."""

    def __init__(self, token_width, classes, overall, widths=(64, 128, 256)):
        super().__init__()
        a, b, c = widths
        self.stem, self.norm = nn.Conv2d(3, a, 5, 4, 2, bias=False), nn.BatchNorm2d(a)
        self.body = nn.Sequential(Residual(a, a, 1), Residual(a, b, 2), Residual(b, b, 1), Residual(b, c, 2), Residual(c, c, 1))
        self.head, self.whole = nn.Linear(c, classes), nn.Linear(c, overall)
        self.imitate = nn.Linear(token_width, c)

    def forward(self, x):
        x = F.relu(self.norm(self.stem(x.contiguous(memory_format=torch.channels_last))))
        x = self.body(x).flatten(2).transpose(1, 2)
        return x, self.head(F.dropout(x, 0.2, self.training)), self.whole(F.dropout(x.mean(1), 0.3, self.training))

    def losses(self, x, tokens, logits, share):
        """Its own loss, how far the tokens' features and logits are from its own, and what it says of the whole picture."""
        feature, opinion, whole = self(x)
        opinion, logits = opinion.float(), logits.float()
        own = patch_loss(opinion, share)
        wanted = F.layer_norm(feature.detach().float(), feature.shape[-1:])
        apart = 1 - F.cosine_similarity(self.imitate(tokens).float(), wanted, dim=-1).mean()
        differ = F.kl_div(F.log_softmax(logits, -1), F.log_softmax(opinion.detach(), -1), reduction="none", log_target=True).sum(-1).mean()
        return own, apart, differ, whole.float()
