#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_readme.py TANDEMD LOAD: what README says is what happens.

Every `$ command` of its console blocks is run, in order, against a daemon that the tour itself starts, and must print
the lines that stand below it; `…` stands for anything within a line. Its first program must be docs/examples/hello.c,
and every file it links to must be there. Ends with N passed, N failed."""
import os
import re
import shlex
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TIMEOUT_S = 120


def blocks(text, language):
    return re.findall(r"^```" + language + r"\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def steps(text):
    """Each command of the tour with the lines it should print."""
    for block in blocks(text, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = part.rstrip("\n").split("\n")
            yield command, lines


def fits(expected, printed):
    if len(expected) != len(printed):
        return False
    return all(re.fullmatch(".*".join(map(re.escape, want.split("…"))), got) for want, got in zip(expected, printed))


class Tour:
    def __init__(self, tandemd, load):
        self.programs = {"build/server/daemon/tandemd": tandemd, "build/load/tandem-load": load}
        self.daemon, self.address = None, None
        self.passed, self.failed = 0, 0

    def judge(self, what, good, detail=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        if not good:
            print(f"FAILED: {what}\n{detail}")

    def start_daemon(self):
        # On a free port: the tour's own may be taken. It writes elsewhere what README shows at 8000.
        self.daemon = subprocess.Popen([self.programs["build/server/daemon/tandemd"], "--port", "0"], text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.daemon.stdout.readline()
        self.address = re.search(r"127\.0\.0\.1:\d+", line)[0]
        return re.sub(r"workers=\d+", "workers=6", line.replace(self.address, "127.0.0.1:8000"))

    def stop_daemon(self):
        self.daemon.send_signal(signal.SIGTERM)
        out, _ = self.daemon.communicate(timeout=TIMEOUT_S)
        return out

    def run(self, command):
        if command == "build/server/daemon/tandemd &":
            return self.start_daemon()
        if command == "kill -TERM %1; wait %1":
            return self.stop_daemon()
        for name, path in self.programs.items():
            command = command.replace(name, shlex.quote(path))
        done = subprocess.run(command.replace("127.0.0.1:8000", self.address), shell=True, text=True, timeout=TIMEOUT_S,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.stdout.replace("\r\n", "\n")

    def follow(self, text):
        for command, expected in steps(text):
            printed = self.run(command).rstrip("\n").split("\n")
            if expected:
                self.judge(command, fits(expected, printed), "expected:\n{}\nprinted:\n{}".format(
                    "\n".join(expected), "\n".join(printed)))
            else:
                self.judge(command, "nothing was lost and nothing failed" in printed, "\n".join(printed))


def main():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        text = f.read()
    tour = Tour(*sys.argv[1:3])
    try:
        with open(os.path.join(ROOT, "docs/examples/hello.c"), encoding="utf-8") as f:
            tour.judge("the first program is docs/examples/hello.c", blocks(text, "c")[0].strip() in f.read())
        for link in re.findall(r"\]\((?!http)([^)#]+)", text):
            tour.judge(f"link to {link}", os.path.exists(os.path.join(ROOT, link)))
        tour.follow(text)
    finally:
        if tour.daemon and tour.daemon.poll() is None:
            tour.stop_daemon()
    print(f"{tour.passed} passed, {tour.failed} failed")
    return 1 if tour.failed else 0


if __name__ == "__main__":
    sys.exit(main())
