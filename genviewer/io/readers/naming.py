"""What the names of layers suggest. Evidence beside shapes, never instead of them."""

from __future__ import annotations

import re

_LABEL = re.compile(
    r"(?i)(^|[._])(y|c|cls|cond\w*|class\w*|label\w*|emb|embed\w*|one_?hot\w*|attr\w*|\w*_emb\w*"
    r"|\w*label\w*|\w*embed\w*|\w*cond|cls\w*|fc_?y|fc_?c)(\d*)([._]|$)"
)
_ENCODER = re.compile(
    r"(?i)(^|[._])(e\d*|enc\w*|\w*encoder\w*|q|inference\w*|recog\w*|x_?(2|to)_?\w+|img_?(2|to)\w*"
    r"|to_(latent|mu|logvar|mean)\w*)([._]|$)"
)
_DECODER = re.compile(
    r"(?i)(^|[._])(d\d*|dec\w*|\w*decoder\w*|g|gen\w*|\w*generator\w*|p|latent_?(2|to)\w*"
    r"|z_?(2|to)\w*|from_latent\w*|deconv\w*|\w*up\d*|up\w*)([._]|$)"
)
_MEAN = re.compile(r"(?i)(mu|mean|loc|_m\b|fcm\b|avg)")
_SCALE = re.compile(
    r"(?i)(log_?va?r|log_?sigma|logstd|log_?std|var|sigma|std|scale|_s\b|fcs\b|lv\b)"
)
_TRANSPOSED = re.compile(
    r"(?i)(trans|deconv|de_conv|tconv|convt|ct\d|upconv|up_conv|dconv|deconvolution)"
)
_PLAIN = re.compile(r"(?i)(^|[._])(conv(?!t)\w*|conv2d\w*|c\d+)([._]|$)")
_QUANTISED = re.compile(
    r"(?i)(^|[._])_?(vq|vq_\w+|quanti[sz]e\w*|vector_?quanti\w*|codebook\w*|_vq\w*)([._]|$)"
)
_TIME = re.compile(r"(?i)(time_?(emb|mlp|embed|proj)|timestep|t_emb|temb|sinusoidal|noise_?level)")


def is_label(name: str) -> bool:
    """Whether a layer's name says that it takes a class or another condition."""
    return bool(_LABEL.search(name))


def side_of(name: str) -> str:
    """``encoder`` or ``decoder`` if a layer's name says so, else nothing."""
    first = name.split(".")[0]
    encoder, decoder = bool(_ENCODER.search(first)), bool(_DECODER.search(first))
    if encoder == decoder:
        encoder, decoder = bool(_ENCODER.search(name)), bool(_DECODER.search(name))
    return "" if encoder == decoder else "encoder" if encoder else "decoder"


def is_mean(name: str) -> bool:
    """Whether a head's name says that it gives the mean."""
    return bool(_MEAN.search(name)) and not is_scale(name)


def is_scale(name: str) -> bool:
    """Whether a head's name says that it gives a variance."""
    return bool(_SCALE.search(name))


def scale_kind(name: str) -> str:
    """What a head's name says that it gives: logvar, log_sigma, sigma; logvar if it is silent."""
    low = name.lower()
    if re.search(r"log_?(sigma|std|s\b)", low):
        return "logvar" if "sq" in low or "2" in low.rpartition("sigma")[2][:3] else "log_sigma"
    if "log" in low or "lv" in low:
        return "logvar"
    return "sigma" if re.search(r"sigma|std", low) else "logvar"


def transposed_cost(name: str, transposed: bool) -> float:
    """What it costs to read a convolution as transposed, or as plain, given its name."""
    if _TRANSPOSED.search(name):
        return 0.0 if transposed else 2.0
    if _PLAIN.search(name):
        return 1.0 if transposed else 0.0
    return 0.2 if transposed else 0.3


def is_quantised(name: str) -> bool:
    """Whether a name belongs to a vector-quantised model's codebook."""
    return bool(_QUANTISED.search(name))


def is_time(name: str) -> bool:
    """Whether a name belongs to a diffusion model's time embedding."""
    return bool(_TIME.search(name))


def steps_between(first: str, second: str) -> int | None:
    """How many modules without parameters stand between two layers.

    Known only where both are numbered in one Sequential; None otherwise.
    """
    parent, _, number = first.rpartition(".")
    other_parent, _, other = second.rpartition(".")
    if parent != other_parent or not (number.isdecimal() and other.isdecimal()):
        return None
    between = int(other[:6]) - int(number[:6]) - 1
    return between if 0 <= between <= 8 else None


_GENERIC = re.compile(
    r"(?i)^(model|models|weights?|generator|decoder|encoder|checkpoints?|ckpts?|state_?dict|params"
    r"|net|net_?[ged]|[ge]|g_?ema|ema|vae|gan|last|latest|best|final|pytorch|diffusion|adapter|data"
    r"|saved?|trained|epoch|step|iter|new|old|tmp|temp|downloads?|files?|results?|outputs?|runs?"
    r"|logs?|version)$"
)


def is_generic(name: str) -> bool:
    """Whether a file or folder is called as that of any model may be: numbers aside, nothing but
    words such as ``last``, ``checkpoint`` or ``netG``.
    """
    words = [word for word in re.split(r"[-_. =]+|\d+", name[:200]) if word]
    return _GENERIC.match(name) is not None or all(_GENERIC.match(word) for word in words)
