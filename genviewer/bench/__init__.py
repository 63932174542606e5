"""How fast the program is, measured on the machine at hand.

Every figure is a median of several repeats, and every ratio compares what was measured in the
same run: times do not carry over from one machine to another, ratios do.
"""

from genviewer.bench.suite import NAMES, run

__all__ = ["NAMES", "run"]
