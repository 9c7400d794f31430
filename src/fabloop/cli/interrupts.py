"""Ctrl-C ends a command at once, even where it computes in native code that does not look."""

import contextlib
import os
import signal
import socket
import sys
import threading
from types import FrameType

PATIENCE_S = 1.5
"""How long Python may take to notice; a solver does not return to it before it is done."""
INTERRUPTED = 128 + signal.SIGINT


def obey_interrupts() -> None:
    """Watch for Ctrl-C beside the command.

    As long as Python runs, Ctrl-C raises KeyboardInterrupt as ever, and the command clears up.
    Where it is not heard in time the program ends: whatever has to last is durable before.
    Commands with an end of their own (hosts, services) take the signal over.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    heard = threading.Event()

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        heard.set()
        raise KeyboardInterrupt

    near, far = socket.socketpair()
    far.setblocking(False)
    signal.signal(signal.SIGINT, interrupted)
    signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
    os.register_at_fork(after_in_child=_forget)  # a child's signals are not ours
    watcher = threading.Thread(
        target=_watch, args=(near, far, heard, interrupted), name="interrupts", daemon=True
    )
    watcher.start()


def _watch(near: socket.socket, _far: socket.socket, heard: threading.Event, ours: object) -> None:
    """Wait for the number of a signal, which is written when it comes, whoever computes."""
    with contextlib.suppress(OSError):
        while numbers := near.recv(64):
            if signal.SIGINT not in numbers or signal.getsignal(signal.SIGINT) is not ours:
                continue
            if not heard.wait(PATIENCE_S):
                sys.stderr.write("Interrupted.\n")
                sys.stderr.flush()
                os._exit(INTERRUPTED)
            heard.clear()


def _forget() -> None:
    signal.set_wakeup_fd(-1)
