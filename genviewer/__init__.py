"""genviewer: drag through the latent space and the classes of trained image generators, live."""

__version__ = "0.1.0"
