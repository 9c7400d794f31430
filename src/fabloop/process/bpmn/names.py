"""What can be the name of a variable."""

import re

_NAME = re.compile(r"[^\W\d][\w .]*$")


def is_name(text: str) -> bool:
    """Tell whether a text can name a variable, or a path into one."""
    return _NAME.match(text) is not None
