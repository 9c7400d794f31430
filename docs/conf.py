"""How the documentation is built: MyST, tables read off the code; every warning is an error."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from fabloop import __version__

project = "fabloop"
author = "the fabloop authors"
release = __version__
extensions = ["myst_parser", "code_tables", "loop_diagram"]
myst_enable_extensions = ["deflist", "fieldlist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_ext"]
nitpicky = True
html_theme = "furo"
html_title = f"fabloop {release}"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
