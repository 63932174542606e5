"""A linear-Gaussian VAE, in which log p(x) and the posterior are known exactly."""

import numpy as np
import torch


class LinearGaussian:
    """x = z W + b + y V + sigma * noise with z standard normal; the prior of classes is uniform.

    The encoder is the exact posterior with its covariance's off-diagonal left out (W has
    orthogonal rows, so there is none), widened by ``widen`` and moved by ``shift``.
    """

    likelihood = "gaussian"
    bin_width = 0.0
    device = "cpu"

    def __init__(self, dim=3, side=4, classes=0, sigma=0.5, widen=1.0, shift=0.0, seed=0):
        rng = np.random.default_rng(seed)
        self.side, self.sigma, self.dim = side, sigma, dim
        basis = np.linalg.qr(rng.standard_normal((side * side, dim)))[0].T
        self.w = basis * rng.uniform(0.5, 2.0, (dim, 1))
        self.b = rng.standard_normal(side * side)
        self.v = rng.standard_normal((classes, side * side)) if classes else None
        self.widen, self.shift = widen, shift
        self.calls = 0

    def mean_of(self, y):
        return self.b if y is None else self.b + y @ self.v

    def sample(self, count, y=None, seed=1):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((count, self.dim)) @ self.w + self.mean_of(y)
        x = x + self.sigma * rng.standard_normal(x.shape)
        return x.reshape(count, 1, self.side, self.side).astype(np.float32)

    def exact_log_px(self, x, y=None):
        flat = x.reshape(len(x), -1) - self.mean_of(y)
        covariance = self.w.T @ self.w + self.sigma**2 * np.eye(flat.shape[1])
        _, logdet = np.linalg.slogdet(covariance)
        squared = (flat @ np.linalg.inv(covariance) * flat).sum(1)
        return -0.5 * (squared + logdet + flat.shape[1] * np.log(2 * np.pi))

    def exact_posterior(self, x, y=None):
        """Mean (N, D) and covariance (D, D) of p(z | x, y)."""
        flat = x.reshape(len(x), -1) - self.mean_of(y)
        covariance = np.linalg.inv(np.eye(self.dim) + self.w @ self.w.T / self.sigma**2)
        return flat @ self.w.T @ covariance / self.sigma**2, covariance

    def encode(self, x, y):
        mean, covariance = self.exact_posterior(x.double().numpy(), _array(y))
        logvar = np.log(np.diag(covariance) * self.widen**2) * np.ones_like(mean)
        return torch.from_numpy(mean + self.shift).float(), torch.from_numpy(logvar).float()

    def log_likelihood(self, x, z, y):
        self.calls += 1
        drawn = z.double().numpy() @ self.w + self.mean_of(_array(y))
        error = (x.double().numpy().reshape(len(x), -1) - drawn) / self.sigma
        terms = 0.5 * error**2 + np.log(self.sigma) + 0.5 * np.log(2 * np.pi)
        return torch.from_numpy(-terms.sum(1))


def _array(y):
    return None if y is None else y.double().numpy()
