# SPDX-License-Identifier: MIT
"""What the tests with other people's clients share: a server as a process, what it counted, and which promises held."""
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import traceback

PATIENCE_S = 60


class Server:
    """A program that listens on a free port, from its ready line to SIGTERM."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline()
        found = re.search(r"listening on (http://([^ :]+):(\d+)|unix:(\S+))", ready)
        if not found:
            self.process.kill()
            raise AssertionError(f"no ready line, but {ready!r}")
        self.url, self.host, self.path = found[1], found[2], found[4]
        self.port = int(found[3] or 0)

    def __enter__(self):
        return self

    def __exit__(self, kind, what, where):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process.stdout.close()
        assert kind or status == 0, f"the server left with {status}"

    def ask(self, target, method="GET"):
        """The body of a 200, on a connection of its own."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE_S)
        connection.request(method, target)
        reply = connection.getresponse()
        body = reply.read()
        connection.close()
        assert reply.status == 200, f"{target}: {reply.status}"
        return body

    def counts(self):
        """What tandemd has counted of HTTP."""
        return json.loads(self.ask("/stats"))["http"]


class Counted:
    """with Counted(server) as seen: …; then seen.connections and seen.requests, without those that asked for them."""

    def __init__(self, server):
        self.server = server
        self.connections = self.requests = 0

    def __enter__(self):
        self.before = self.server.counts()
        return self

    def __exit__(self, kind, what, where):
        if not kind:
            after = self.server.counts()
            self.connections = after["accepted"] - self.before["accepted"] - 1
            self.requests = after["requests"] - self.before["requests"] - 1


def run(*command, stdin=None):
    """A client to its end. @return what it said on standard output and standard error; it must be content."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, input=stdin, check=False)
    assert done.returncode == 0, f"{command[0]} left with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout, done.stderr


def number(pattern, text):
    """The number that a line of a client's report gives, which must be there."""
    found = re.search(pattern, text)
    assert found, f"nothing like {pattern} in: {text}"
    return int(found[1])


def equal(got, wanted, of=""):
    assert got == wanted, f"{of}{': ' if of else ''}{got!r}, not {wanted!r}"


def main(promises, missing):
    """Keep each promise: (name of the client, function). @param missing says what a client's name lacks, or ''.
    Ends with N passed, N failed; a client that is not there is named, and in CI, which installs all, a failure."""
    passed = failed = 0
    absent = {}
    for client, promise in promises:
        if client not in absent:
            absent[client] = missing(client)
            if absent[client]:
                print(f"not run: {client} ({absent[client]})")
                failed += bool(os.environ.get("CI"))
        if absent[client]:
            continue
        try:
            promise()
            passed += 1
        except (AssertionError, OSError, subprocess.SubprocessError, ValueError, KeyError):
            failed += 1
            print(f"{promise.__name__}: failed")
            traceback.print_exc(file=sys.stdout)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0 if passed else 77
