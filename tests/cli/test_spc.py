"""``fabloop spc`` tells signals, freezes limits, and names what is wrong in a table."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fabloop.base.errors import Invalid
from fabloop.cli.columns import read_columns
from fabloop.cli.root import app


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["spc", *map(str, words)], catch_exceptions=True)


@pytest.fixture
def shafts(tmp_path: Path) -> Path:
    rows = ["hour;diameter"]
    rows += [
        f"{hour};{20 + ((hour * 7 + n * 3) % 5) / 100:.2f}" for hour in range(20) for n in (0, 1, 2)
    ]
    rows += [f"20;{20.2 + n / 100:.2f}" for n in (0, 1, 2)]
    file = tmp_path / "shafts.csv"
    file.write_text("\n".join(rows).replace(".", ","), encoding="utf-8")
    return file


def test_a_shift_signals_against_limits_of_the_first_samples(shafts: Path) -> None:
    done = run("chart", shafts, "--values", "diameter", "--group", "hour", "--first", 20, "--json")
    told = json.loads(done.stdout)
    assert {each["name"] for each in told["signals"] if each["limit"]} == {"20"}
    assert told["baseline"]["samples"] == 20
    assert told["baseline"]["estimator"] == "R/d2"


def test_frozen_limits_judge_later_samples(shafts: Path, tmp_path: Path) -> None:
    limits = tmp_path / "limits.json"
    told = ["chart", shafts, "--values", "diameter", "--group", "hour"]
    assert run(*told, "--first", 10, "--freeze", limits).exit_code == 0
    again = run(*told, "--limits", limits, "--svg", tmp_path / "chart.svg")
    assert "from 10 samples" in again.stdout
    assert "nelson-1" in again.stdout
    assert (tmp_path / "chart.svg").read_text().count("<title>20: 20.21, nelson-1") == 1
    other = run("chart", shafts, "--values", "diameter", "--kind", "i", "--limits", limits)
    assert isinstance(other.exception, Invalid)
    assert "limits of an i chart" in str(other.exception)


def test_capability_and_gauge_are_told_in_words(shafts: Path, tmp_path: Path) -> None:
    done = run("capability", shafts, "--values", "diameter", "--group", "hour", "--upper", "20.5")
    assert "Cpk" in done.stdout
    assert "unknown" in done.stdout
    study = tmp_path / "study.tsv"
    cells = [
        f"{part}\t{who}\t{part * 2 + trial / 10 + (who == 'b') / 5}"
        for part in range(4)
        for who in "ab"
        for trial in range(2)
    ]
    study.write_text("part\tappraiser\tmm\n" + "\n".join(cells))
    for method in ("anova", "ranges"):
        done = run("gauge", study, "--values", "mm", "--method", method)
        assert "classes apart" in done.stdout, done.exception


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--values", "diametr"], "Did you mean 'diameter'?"),
        (["--values", "diameter", "--kind", "q"], "--kind: Expected one of xbar"),
        (["--values", "diameter", "--kind", "xbar"], "the column that tells the subgroups"),
        (["--values", "diameter", "--kind", "i", "--rules", "x"], "nelson, western-electric"),
        (["--values", "diameter", "--kind", "i", "--first", "99"], "samples 1 to 63"),
        (["--values", "diameter", "--kind", "i", "--exclude", "99"], "samples 1 to 63"),
        (["--values", "diameter", "--kind", "i", "--estimator", "x"], "--estimator"),
    ],
)
def test_what_does_not_fit_is_named(shafts: Path, words: list[str], said: str) -> None:
    done = run("chart", shafts, *words)
    assert isinstance(done.exception, Invalid)
    assert said in str(done.exception)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n3\n", "line 3: Expected 2 cells"),
        (b"a,b\n", "a header and 1 to"),
        (b"\xff\xfe,b\n1,2\n", "text in UTF-8"),
    ],
)
def test_a_damaged_table_is_refused_by_line(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    with pytest.raises(Invalid, match=said):
        read_columns(file)


def test_words_among_numbers_are_named_by_line_and_gaps_are_none(tmp_path: Path) -> None:
    file = tmp_path / "table.txt"
    file.write_text("a b\n1 NA\n2 high\n\n3 4\n")
    columns = read_columns(file)
    assert columns.numbers("a", "--values") == [1, 2, 3]
    with pytest.raises(Invalid, match="line 3, column 'b': Expected a number") as raised:
        columns.numbers("b", "--values")
    assert len(raised.value.faults) == 1
