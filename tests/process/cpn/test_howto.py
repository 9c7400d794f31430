"""The examples of "Model your workstation" run, and print what the page says."""

import contextlib
import io
import re
from pathlib import Path

from process.cpn.cpn_files import COLOURS, cpn, page, place, put, take, transition

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "model-your-workstation.md"


def test_the_examples_of_the_page_run_and_print_what_it_says(tmp_path):
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", text, re.DOTALL)
    assert len(blocks) >= 9
    names: dict[str, object] = {}
    for source, printed in blocks:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(source, str(PAGE), "exec"), names)
        assert out.getvalue() == printed
    file = tmp_path / "line.cpn"
    net = page("P", place("a", "INT", "1"), place("z", "INT"), transition("t"),
               take("a", "t", "n"), put("z", "t", "n"))  # fmt: skip
    file.write_bytes(cpn(COLOURS, net))
    assert names["verified"](file) is False, "a net of CPN Tools does not say what its end is"
