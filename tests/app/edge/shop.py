"""Apps that tests deploy: some behave, some do not."""

import os
import socket
from pathlib import Path

from fabloop.app.edge import Lane, Manifest, Output


class Mean:
    manifest = Manifest(
        inputs=("x.force",), outputs=(Output(name="mean"),), window_samples=100, every_samples=50
    )

    def __init__(self, settings):
        self.scale = settings.get("scale", 1.0)
        self.windows = 0

    def on_window(self, window, out):
        assert window.series == ("x.force",)
        assert window.values.shape == (1, 100)
        self.windows += 1
        out.reading("mean", float(window.values.mean()) * self.scale, window.end)
        out.reading("mean", float(self.windows), window.end)


class Doubled:
    manifest = Manifest(inputs=("mean:mean",), outputs=(Output(name="doubled"),))

    def __init__(self, settings):
        del settings

    def on_message(self, message, out):
        out.reading("doubled", 2 * message.value, message.at)


class SlowDoubled(Doubled):
    manifest = Manifest(
        inputs=("mean:mean",), outputs=(Output(name="doubled"),), lane=Lane.SLOW,
        variables=("R1",),
    )  # fmt: skip

    def on_message(self, message, out):
        super().on_message(message, out)
        out.set_variable("R1", message.value)


class Circular(Doubled):
    manifest = Manifest(inputs=("doubled:doubled",), outputs=(Output(name="mean"),))


class Echo:
    """Does what it is told by its settings, once."""

    manifest = Manifest(inputs=("x.force",), outputs=(Output(name="seen"),), variables=("R1",))

    def __init__(self, settings):
        self.deed = getattr(self, settings.get("deed", "nothing"))

    def on_bulk(self, bulk, out):
        self.deed(bulk, out)
        out.reading("seen", float(bulk.values[0, 0]), bulk.start)

    def nothing(self, bulk, out):
        pass

    def write_other_output(self, bulk, out):
        out.reading("secret", 1.0, bulk.start)

    def set_other_variable(self, bulk, out):
        out.set_variable("R999", 1.0)

    def set_variable(self, bulk, out):
        out.set_variable("R1", 42.0)

    def read_file(self, bulk, out):
        Path("/etc/hostname").read_text()

    def write_file(self, bulk, out):
        Path("/tmp/edge-app-wrote-this").write_text("x")

    def open_socket(self, bulk, out):
        socket.socket().connect(("127.0.0.1", 9))

    def start_program(self, bulk, out):
        os.system("true")

    def write_samples(self, bulk, out):
        bulk.values[0, 0] = 5.0

    def raise_error(self, bulk, out):
        raise ZeroDivisionError("nothing to divide")

    def be_nan(self, bulk, out):
        out.reading("seen", float("inf"), bulk.start)

    def take_memory(self, bulk, out):
        self.memory = bytearray(400 * 2**20)

    def crash(self, bulk, out):
        os.kill(os.getpid(), 9)  # refused by the guard

    def hang(self, bulk, out):
        while True:
            pass


class Crash:
    """Takes its process with it, in a way that no guard sees."""

    manifest = Manifest(inputs=("x.force",), outputs=())

    def __init__(self, settings):
        import ctypes

        self.abort = ctypes.CDLL(None).abort

    def on_bulk(self, bulk, out):
        self.abort()


class Greedy:
    manifest = Manifest(inputs=("*",), outputs=())

    def __init__(self, settings):
        del settings

    def on_bulk(self, bulk, out):
        pass


class NoManifest:
    def __init__(self, settings):
        del settings


class NoHandler:
    manifest = Manifest(inputs=("x.force",))

    def __init__(self, settings):
        del settings
