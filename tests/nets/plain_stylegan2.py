"""StyleGAN2 as the paper writes it down, one operation after the other: what ours is held against.

Weights are modulated per sample and convolved in groups, zeros are put between samples before the
filter, noise, bias, activation and clamp are passes of their own.
"""

import math

import torch
from torch.nn import functional as F


def zeros_between(x):
    batch, channels, height, width = x.shape
    full = x.new_zeros(batch, channels, height * 2, width * 2)
    full[:, :, ::2, ::2] = x
    return full


def filtered(x, taps, front, back):
    kernel = (taps.flip(0, 1) * 4.0)[None, None].repeat(x.shape[1], 1, 1, 1)
    return F.conv2d(F.pad(x, (front, back, front, back)), kernel, groups=x.shape[1])


def modulated_conv(x, weight, style, *, demodulate=True, taps=None, literal=False):
    """``literal`` upsamples before the convolution, else the convolution is transposed."""
    batch, outputs, kernel = len(x), weight.shape[0], weight.shape[2]
    each = weight[None] * style[:, None, :, None, None]  # (B, outputs, inputs, k, k)
    if demodulate:
        each = each * (each.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt()
    if taps is None or literal:
        if taps is not None:
            x = filtered(zeros_between(x), taps, 2, 1)
            each = each.flip(3, 4)
        x = x.reshape(1, -1, *x.shape[2:])
        x = F.conv2d(x, each.flatten(0, 1), padding=kernel // 2, groups=batch)
        return x.reshape(batch, outputs, *x.shape[2:])
    x = x.reshape(1, -1, *x.shape[2:])
    each = each.transpose(1, 2).flatten(0, 1)
    x = F.conv_transpose2d(x, each, stride=2, groups=batch)
    return filtered(x.reshape(batch, outputs, *x.shape[2:]), taps, 1, 1)


def layer(module, x, w, literal):
    taps = module.resample_filter if module.up else None
    x = modulated_conv(x, module.weight, module.affine(w), taps=taps, literal=literal)
    x = x + module.noise_const * module.noise_strength
    x = x + module.bias[:, None, None]
    x = F.leaky_relu(x, 0.2)
    x = x * math.sqrt(2.0)
    return x if module.clamp is None else x.clamp(-module.clamp, module.clamp)


def decode(network, z, y=None, literal=False):
    """What ``network``, a StyleGAN2 of the "skip" architecture, draws."""
    w = network.mapping(z, y)
    image, x = None, None
    for name, _ in network.synthesis.blocks:
        block = network.synthesis.get_submodule(name)
        if block.conv0 is None:
            x = block.const[None].repeat(len(z), 1, 1, 1)
        else:
            x = layer(block.conv0, x, w, literal)
        x = layer(block.conv1, x, w, literal)
        rgb = block.torgb
        gain = 1.0 / math.sqrt(rgb.weight.shape[1])
        drawn = modulated_conv(x, rgb.weight, rgb.affine(w) * gain, demodulate=False)
        drawn = drawn + rgb.bias[:, None, None]
        if rgb.clamp is not None:
            drawn = drawn.clamp(-rgb.clamp, rgb.clamp)
        if image is not None:
            drawn = drawn + filtered(zeros_between(image), block.resample_filter, 2, 1)
        image = drawn
    return image


def with_filter(network):
    """The network with the usual smoothing filter, noise and biases that do something."""
    line = torch.tensor([1.0, 3.0, 3.0, 1.0])
    taps = torch.outer(line, line) / 64.0
    for name, value in network.named_buffers():
        if name.endswith("resample_filter"):
            value.copy_(taps)
    for name, value in network.named_parameters():
        if name.endswith("noise_strength"):
            value.data.fill_(0.3)
        elif name.endswith(".bias") and "affine" not in name:
            value.data.normal_(0.0, 0.1)
    return network


def main(threads):
    """Seconds of CPU per 256 x 256 sample of the published sizes, drawn alone: the best of some."""
    import sys
    import time

    from genviewer.nets.families import build
    from genviewer.nets.folding import folded

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    network = with_filter(build({"type": "stylegan2", "clamp": 256.0})).eval()
    ours, z = folded(network), torch.randn(1, 512)
    for parameter in ours.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    forms = {
        "upsample, then convolve": lambda: decode(network, z, literal=True),
        "transposed convolution, then filter": lambda: decode(network, z),
        "ours": lambda: ours.decode(z),
    }
    for name, draw in forms.items():
        taken = []
        for _ in range(5):
            before = time.process_time()
            with torch.inference_mode():
                draw()
            taken.append(time.process_time() - before)
        sys.stdout.write(f"{name}: {min(taken):.3f} s\n")


if __name__ == "__main__":
    main(1)
