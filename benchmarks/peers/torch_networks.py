"""The larger networks in PyTorch's own words, without the last activation."""

from __future__ import annotations

from functools import partial

import torch
from networks import IMAGE_SIZES
from torch import nn


class _Block(nn.Module):
    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(channels, filters, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(filters),
            nn.ReLU(),
            nn.Conv2d(filters, filters, 3, padding=1, bias=False),
            nn.BatchNorm2d(filters),
        )
        self.skip = nn.Identity()
        if stride != 1:
            self.skip = nn.Sequential(
                nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters)
            )

    def forward(self, x):
        return torch.relu(self.skip(x) + self.path(x))


def resnet20() -> nn.Module:
    modules = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for filters, first in ((16, 1), (32, 2), (64, 2)):
        for stride in (first, 1, 1):
            modules.append(_Block(channels, filters, stride))
            channels = filters
    return nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def plain_convnet(size: int = 64) -> nn.Module:
    modules, channels = [], 3
    for filters in (32, 64, 128, 128):
        modules += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels = filters
    return nn.Sequential(
        *modules, nn.Flatten(), nn.Linear(128 * (size // 16) ** 2, 128), nn.ReLU(), nn.Linear(128, 10)
    )


class _LastStep(nn.Module):
    def __init__(self, before: nn.Module, recurrent: nn.Module, units: int) -> None:
        super().__init__()
        self.before, self.recurrent, self.last = before, recurrent, nn.Linear(units, 1)

    def forward(self, x):
        return self.last(self.recurrent(self.before(x))[0][:, -1])


def lstm() -> nn.Module:
    return _LastStep(nn.Embedding(10000, 32), nn.LSTM(32, 32, batch_first=True), 32)


def gru() -> nn.Module:
    return _LastStep(nn.Identity(), nn.GRU(16, 64, num_layers=2, batch_first=True), 64)


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(128, 4, batch_first=True)
        self.norm1, self.norm2 = nn.LayerNorm(128), nn.LayerNorm(128)
        self.inner = nn.Sequential(nn.Linear(128, 256), nn.ReLU(), nn.Linear(256, 128))
        self.last = nn.Linear(128, 1)

    def forward(self, x):
        x = self.norm1(x + self.attention(x, x, x, need_weights=False)[0])
        return self.last(self.norm2(x + self.inner(x)).mean(dim=1))


NETWORKS = {
    "resnet20": resnet20,
    "plain_convnet": plain_convnet,
    "lstm": lstm,
    "gru": gru,
    "attention": _Encoder,
} | {f"plain_convnet_{size}": partial(plain_convnet, size=size) for size in IMAGE_SIZES}
