# SPDX-License-Identifier: MIT
"""What idle-connections and crowd share: connections that are held (crowd.c), and how many this machine bears."""
import json
import resource
import signal

import harness
import http_bench as http

SPARE = 200  # descriptors that a process needs besides
ASK = http.request("GET", "/json?count=5&name=abc")


def borne(wanted, besides=0):
    """So many connections, or as many as a process may have descriptors for, `besides` apart; says so where that is
    fewer. Servers and clients inherit the limit, whose soft part is raised here."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    there = hard if hard != resource.RLIM_INFINITY else wanted + besides + SPARE
    bears = max(1, min(wanted, there - besides - SPARE))
    if bears < wanted:
        harness.note(f"a process may have {hard:,} descriptors: {bears:,} connections, not {wanted:,}")
    return bears


class Crowd(harness.Child):
    """crowd.c on one server; ready when all of it is there.

    @param spread seconds over which the slow ones come"""

    def __init__(self, server, idle, slow=0, spread=0.0):
        command = [harness.program("crowd"), http.port_of(server), str(idle), str(slow), str(spread), ASK.decode()]
        super().__init__(command, harness.LOAD_CORE)
        self.there = json.loads(self.line())

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        """How it went."""
        return json.loads(self.finish())
