"""The instances of the bench, for tests: ``from plan.multifactory import ...``."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_PATH = Path(__file__).parents[2] / "bench" / "multifactory.py"
_SPEC = spec_from_file_location("multifactory", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
_BENCH = module_from_spec(_SPEC)
_SPEC.loader.exec_module(_BENCH)

NOW = _BENCH.NOW
folder = _BENCH.folder
generated = _BENCH.generated
generated_orders = _BENCH.generated_orders
instance_of = _BENCH.instance_of
load = _BENCH.load
load_exact = _BENCH.load_exact
paths = _BENCH.paths
