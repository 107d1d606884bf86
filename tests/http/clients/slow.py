# SPDX-License-Identifier: MIT
"""slow.py TRANSPORT TANDEMD FILE_SERVICE: slowhttptest in its four modes. While it holds its connections the service
must answer everybody else, and each of its connections must get what the limits say. What that was the server counts:
the attacker does not see that it was cut off while it reads slowly from what its own side of the connection holds.

In one line at the end: N passed, N failed."""
import csv
import os
import re
import shutil
import sys
import tempfile
import threading
import time

from program import Server, equal, main, run

CONNECTIONS = 100
LENGTH_S = 8  # of an attack at most: those that the limits end are over before
PROBE_S = 5   # the service is available if it answers within this
ALL_CLOSED = "No open connections left"
TRANSPORT, TANDEMD, FILE_SERVICE = sys.argv[1:4]


class Prober(threading.Thread):
    """Somebody else, who asks for the server's counts again and again, each time on a connection of his own."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.stopping = threading.Event()
        self.worst = 0
        self.open = []  # connections, as they were counted
        self.problem = None

    def run(self):
        try:
            while not self.stopping.wait(0.02):
                begin = time.monotonic()
                self.open.append(self.server.counts()["connections"])
                self.worst = max(self.worst, time.monotonic() - begin)
        except (AssertionError, OSError) as e:
            self.problem = e

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, what, where):
        self.stopping.set()
        self.join()
        if not kind:
            assert not self.problem, f"the service did not answer: {self.problem!r}"
            assert self.worst < PROBE_S, f"an answer came after {self.worst:.2f} s"


def attack(server, target, *options):
    """Attack while both its prober and ours are answered. @return why it ended, and ours."""
    with tempfile.TemporaryDirectory() as directory, Prober(server) as prober:
        report = os.path.join(directory, "report")
        out, _ = run("slowhttptest", "-c", str(CONNECTIONS), "-r", str(CONNECTIONS), "-l", str(LENGTH_S), "-i", "1",
                     "-p", str(PROBE_S), "-g", "-o", report, "-u", server.url + target, *options)
        with open(report + ".csv", encoding="ascii") as file:
            rows = list(csv.DictReader(file))
    assert rows and all(int(row["Service Available"]) > 0 for row in rows), rows
    ended = re.search(r"Exit status:\s*(.*)", re.sub(r"\x1b\[[0-9;]*m", "", out))
    assert ended and prober.open, out
    return ended[1].strip(), prober


def tandemd(*options):
    return Server(TANDEMD, "--port", "0", "--transport", TRANSPORT, "--log-level", "warning", *options)


def are_refused(server, target, *options):
    """All of them hold a connection at once, and lose it with a refusal."""
    before = server.counts()["refused"]
    ended, prober = attack(server, target, *options)
    equal(ended, ALL_CLOSED)
    assert max(prober.open) >= CONNECTIONS, max(prober.open)
    equal(server.counts()["refused"] - before, CONNECTIONS)


def slow_heads_are_refused_when_their_time_is_over():
    with tandemd("--head-timeout", "2") as server:
        are_refused(server, "/", "-H")


def slow_bodies_are_refused_when_their_time_is_over():
    with tandemd("--body-timeout", "2") as server:
        are_refused(server, "/stats/reset", "-B")


def slow_readers_are_cut_off():
    with tempfile.TemporaryDirectory() as directory:
        with open(os.path.join(directory, "file"), "wb") as file:
            file.truncate(32 << 20)
        with Server(FILE_SERVICE, TRANSPORT, directory) as server:
            _, prober = attack(server, "/files/file", "-X")
        assert max(prober.open) >= CONNECTIONS, max(prober.open)
        assert prober.open[-1] <= 3, prober.open  # the probers' own


def many_ranges_are_as_none():
    with tempfile.TemporaryDirectory() as directory:
        with open(os.path.join(directory, "file"), "wb") as file:
            file.truncate(1 << 20)
        with Server(FILE_SERVICE, TRANSPORT, directory) as server:
            before = server.counts()
            ended, _ = attack(server, "/files/file", "-R", "-b", "500")
            equal(ended, ALL_CLOSED)
            equal(server.counts()["refused"], before["refused"])
            ended, _ = attack(server, "/files/file", "-R", "-b", "9000")  # so many that the head is too large
            equal(ended, ALL_CLOSED)
            equal(server.counts()["refused"] - before["refused"], CONNECTIONS)


PROMISES = [
    ("slowhttptest", slow_heads_are_refused_when_their_time_is_over),
    ("slowhttptest", slow_bodies_are_refused_when_their_time_is_over),
    ("slowhttptest", slow_readers_are_cut_off),
    ("slowhttptest", many_ranges_are_as_none),
]

if __name__ == "__main__":
    sys.exit(main(PROMISES, lambda client: "" if shutil.which(client) else "not installed"))
