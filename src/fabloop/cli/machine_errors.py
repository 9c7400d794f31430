"""What the operating system refuses: a wrong path, no right, a full disk. No bug, so no trace."""

import errno

_PATHS = frozenset(
    {
        errno.EACCES,
        errno.EEXIST,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ENOTEMPTY,
        errno.EPERM,
        errno.EROFS,
    }
)
_MEANS = frozenset({errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOSPC})


def of_the_machine(error: OSError) -> bool:
    """Tell whether an error is one of a path that was named, or of what the machine has left."""
    return error.errno in _MEANS or (error.filename is not None and error.errno in _PATHS)


def machine_sentence(error: OSError) -> str:
    """Return what was expected, what was found, and what to do."""
    found = error.strerror or type(error).__name__
    if error.filename is None:
        return f"Expected room and means to write and read, but found: {found}. Free some first."
    return (
        f"Expected '{_name(error.filename)}' to be usable, but found: {found}. "
        "Name another place, or set its rights."
    )


def _name(filename: object) -> str:
    return filename.decode(errors="replace") if isinstance(filename, bytes) else str(filename)
