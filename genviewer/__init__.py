"""genviewer: drag through the latent space and the classes of trained image generators, live.

``genviewer.export(decoder, encoder, spec, out)`` writes a trained network of any architecture as a
bundle that opens anywhere without its code; :mod:`genviewer.engine.architecture_export` has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genviewer.engine.architecture_export import export

__all__ = ["__version__", "export"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: `import genviewer` stays cheap.
    if name == "export":
        from genviewer.engine.architecture_export import export

        return export
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
