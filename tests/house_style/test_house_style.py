"""House rules that no linter knows."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "fabloop"
MODULES = sorted(SOURCE.rglob("*.py"))
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
BANNED_NAMES = {"utils", "helpers", "common", "manager", "service_layer", "misc"}
CORE = {"base", "feel", "model", "process", "services", "plan", "run", "sense", "trace", "adapt"}


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.Module):
    return (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_opens_with_a_sentence(path):
    said = ast.get_docstring(parsed(path)) or ""
    first = said.split("\n\n")[0].replace("\n", " ").strip()
    assert first.endswith((".", "?", ":")), f"{name_of(path)} does not say what it is for"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_file_is_a_sitting_and_a_function_a_screen(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES_MAX
    for function in functions(parsed(path)):
        body = function.body
        if ast.get_docstring(function) is not None:
            body = body[1:]
        lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
        assert lines <= FUNCTION_LINES_MAX, f"{function.name} has {lines} lines"


def test_no_module_is_named_after_nothing():
    names = {part for path in MODULES for part in path.relative_to(SOURCE).with_suffix("").parts}
    assert not names & BANNED_NAMES


@pytest.mark.parametrize("path", [p for p in MODULES if p.relative_to(SOURCE).parts[0] in CORE])
def test_the_core_does_not_wait(path):
    assert not [n.name for n in functions(parsed(path)) if isinstance(n, ast.AsyncFunctionDef)]


def test_help_starts_without_planner_arrays_or_solver():
    code = (
        "import sys, fabloop.cli\n"
        "heavy = {'ortools', 'numpy', 'pint', 'jsonschema', 'lxml', 'apsw'} & set(sys.modules)\n"
        "sys.exit(f'loaded too early: {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_imports_point_down():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(linter), "--no-cache"],
        cwd=SOURCE.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_public_names_are_pinned():
    import fabloop

    assert fabloop.__all__ == [
        "BusinessError",
        "Job",
        "NoRetry",
        "Worker",
        "__version__",
        "connect",
        "open_host",
        "worker",
    ]
