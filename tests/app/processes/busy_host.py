"""A host that starts instances from many threads and tells each answer, until it is killed."""

import sys
import threading

from app.processes.shop import shop
from fabloop import open_host
from fabloop.process.commands import Deploy, StartInstance

host = open_host(sys.argv[1])
host.submit(Deploy(process=shop("weld")))
telling = threading.Lock()


def caller(mine):
    for number in range(1_000_000):
        reply = host.submit(StartInstance(process="shop"), request=f"{mine}-{number}")
        with telling:
            sys.stdout.write(f"{mine}-{number} {reply.instance}\n")
            sys.stdout.flush()


for mine in range(8):
    threading.Thread(target=caller, args=(mine,)).start()
