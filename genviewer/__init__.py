"""genviewer: drag through the latent space and the classes of trained image generators, live.

``genviewer.export(decoder, encoder, spec, out)`` writes a trained network of any architecture as a
bundle that opens anywhere without its code; :mod:`genviewer.engine.architecture_export` has it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from genviewer.engine.architecture_export import export

__all__ = ["__version__", "export"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # Imported by name when it is asked for: importing the package loads nothing else.
    if name == "export":
        import importlib

        return importlib.import_module("genviewer.engine.architecture_export").export
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
