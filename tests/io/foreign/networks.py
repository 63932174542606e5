"""A network of the kinds of layers and attributes that people pickle whole."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(3, 4, 4, 2, 1, bias=False),
            nn.BatchNorm2d(4, 0.8),
            nn.LeakyReLU(0.2),
        )
        self.normed = nn.utils.spectral_norm(nn.Linear(3, 4))
        self.listed = nn.ModuleList([nn.Linear(2, 2)])
        self.parameters_ = nn.ParameterList([nn.Parameter(torch.ones(2))])
        self.named = nn.ParameterDict({"q": nn.Parameter(torch.ones(2))})
        self.register_buffer("kept", torch.ones(3))
        self.register_buffer("dropped", torch.ones(3), persistent=False)
        self.loose = torch.ones(5)
        self.recurrent = nn.LSTM(2, 3)
        self.attention = nn.MultiheadAttention(4, 2)
        self.activation = torch.tanh
        self.function = nn.functional.relu
        self.kind = torch.float16
        self.device = torch.device("cpu")
        self.size = torch.Size([1, 2])
        self.tied = self.listed[0]
