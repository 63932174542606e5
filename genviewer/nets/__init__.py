"""Network code: one file per family, its config beside its module."""
