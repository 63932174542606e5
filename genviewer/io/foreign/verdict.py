"""Whether something a pickle would call may be kept as an inert record, or ends the reading.

Nothing is ever called, so every file could be read on. But a file that would run a command or a
function of Python or of a library is no model that somebody saved: it is refused, and the
function named.
"""

from __future__ import annotations

import sys
from typing import Literal

from genviewer.io.foreign.inert import Global

Verdict = Literal["record", "function", "refuse"]

_OLD_STDLIB = frozenset(
    {"__builtin__", "copy_reg", "commands", "cPickle", "exceptions", "popen2", "urllib2", "httplib"}
)
_STDLIB = frozenset(sys.stdlib_module_names) | _OLD_STDLIB

_LIBRARIES = frozenset(
    {
        "PIL", "PySide6", "_distutils_hack", "av", "cffi", "distutils", "fsspec", "google",
        "huggingface_hub", "jinja2", "joblib", "matplotlib", "ml_dtypes", "msgspec", "networkx",
        "numba", "numpy", "onnx", "onnxruntime", "onnxscript", "pandas", "pip", "pkg_resources",
        "platformdirs", "psygnal", "pydantic", "requests", "rich", "safetensors", "scipy",
        "setuptools", "shiboken6", "sklearn", "sympy", "torch", "torchgen", "torchvision",
        "transformers", "triton", "typer", "wheel", "yaml",
    }
)  # fmt: skip
"""Libraries whose functions are likely to be there; classes of theirs stay inert records."""

HARMLESS = frozenset(
    Global(module, name)
    for module, names in {
        "builtins": "complex slice range object property staticmethod classmethod type",
        "__builtin__": "complex slice xrange object property staticmethod classmethod",
        "argparse": "Namespace", "types": "SimpleNamespace MappingProxyType GenericAlias",
        "collections": "UserDict UserList ChainMap", "functools": "partial",
        "datetime": "datetime date time timedelta timezone", "decimal": "Decimal",
        "fractions": "Fraction", "uuid": "UUID SafeUUID", "enum": "Enum IntEnum Flag IntFlag",
        "random": "Random", "logging": "Logger getLogger _loggerClass RootLogger",
        "itertools": "count repeat cycle chain", "re": "_compile", "string": "Template",
        "inspect": "Signature Parameter", "_io": "BytesIO StringIO", "io": "BytesIO StringIO",
        "array": "array _array_reconstructor", "time": "struct_time", "zoneinfo": "ZoneInfo",
        "dataclasses": "Field", "weakref": "WeakKeyDictionary WeakValueDictionary WeakSet",
        "threading": "Lock RLock Event", "ipaddress": "IPv4Address IPv6Address",
        "operator": "attrgetter itemgetter getitem",
        "_operator": "attrgetter itemgetter getitem",
        "numpy.random._pickle": "__randomstate_ctor __generator_ctor __bit_generator_ctor",
        "numpy.random.bit_generator": "__pyx_unpickle_SeedSequence "
        "__pyx_unpickle_SeedlessSequence",
        "numpy.ma.core": "_mareconstruct",
        "numpy.core.multiarray": "_reconstruct scalar",
        "numpy._core.multiarray": "_reconstruct scalar",
        "numpy.core.numeric": "_frombuffer", "numpy._core.numeric": "_frombuffer",
        "numpy": "dtype ndarray float16 float32 float64 int8 int16 int32 int64 uint8 uint16 "
        "uint32 uint64 bool_ str_ bytes_ void record recarray",
        "torch._utils": "_rebuild_sparse_tensor _rebuild_sparse_csr_tensor _rebuild_qtensor "
        "_rebuild_nested_tensor _rebuild_meta_tensor_no_storage _rebuild_wrapper_subclass "
        "_rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor "
        "_rebuild_xla_tensor _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 "
        "_rebuild_parameter _rebuild_parameter_with_state",
        "torch._tensor": "_rebuild_from_type _rebuild_from_type_v2",
        "torch": "device dtype layout memory_format finfo iinfo",
        "torch.serialization": "_get_layout",
        "torch.nn.backends.thnn": "_get_thnn_function_backend",
        "numpy.core": "_ufunc_reconstruct", "numpy._core": "_ufunc_reconstruct",
        "pandas._libs.internals": "_unpickle_block",
        "pandas._libs.arrays": "__pyx_unpickle_NDArrayBacked",
        "pandas.core.indexes.base": "_new_Index",
        "scipy.sparse.csr": "csr_matrix", "scipy.sparse._csr": "csr_matrix",
        "torch.storage": "_load_from_bytes",
    }.items()
    for name in names.split()
)  # fmt: skip
"""What real files call in the standard library and in libraries, and we keep as a record."""


def judge(callee: Global) -> Verdict:
    """What to do with something that would be called: keep a record, note it, or refuse.

    Returns:
        ``record`` for classes, ``function`` for unknown functions of unknown modules, which could
        have done anything and are told to the user, ``refuse`` for everything else.
    """
    if callee in HARMLESS:
        return "record"
    top, first = callee.module.partition(".")[0], callee.name.partition(".")[0]
    if top in ("builtins", "__builtin__", "exceptions") and callee.name.endswith(
        ("Error", "Exception", "Warning")
    ):
        return "record"
    if top in _STDLIB or not callee.name or not callee.module:
        return "refuse"
    if "." in callee.name and (first in _STDLIB or first in _LIBRARIES):
        return "refuse"
    is_class = callee.name.rpartition(".")[2].lstrip("_")[:1].isupper()
    if top in _LIBRARIES and not is_class:
        return "refuse"
    return "record" if is_class else "function"
