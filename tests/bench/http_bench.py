# SPDX-License-Identifier: MIT
"""What the http benches share: servers on one core, the load on another, and rounds that count.

What is compared is requests per second of the server's own processor time, of all its threads and processes: neither
the client nor an idle moment is in it. A round in which the server's core was less than 90 % busy does not count,
because a server that waits batches less."""
import json
import os
import shutil
import subprocess
import tempfile
import time

import contest
import harness

CONNECTIONS = 64
HEADERS = """Host: 127.0.0.1:8000
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8
Accept-Language: en-US,en;q=0.5
Accept-Encoding: gzip, deflate, br
Connection: keep-alive
Cookie: session=0123456789abcdef0123456789abcdef; theme=dark
Upgrade-Insecure-Requests: 1
"""
ORDER = json.dumps({
    "id": 4711, "name": "a hundred small things", "price": 12.5, "kind": "buy", "urgent": True,
    "tags": ["red", "green", "blue", "small", "large", "new", "used", "rare"],
    "address": {"street": "Main Street 1", "city": "Springfield", "zip": "12345"},
    "note": "x" * 740})
TRIES = 3  # of a round that does not count
BUSY = 0.9


def request(method, target, body=""):
    """The bytes of a request, with eight fields as a browser sends them."""
    more = f"Content-Type: application/json\nContent-Length: {len(body)}\n" if body else ""
    return (f"{method} {target} HTTP/1.1\n{HEADERS}{more}\n".replace("\n", "\r\n") + body).encode()


class Service(harness.Server):
    """tests/bench/http_service.c on one of the transports."""

    def __init__(self, transport):
        super().__init__([harness.program("http_service"), transport])


class Bare(harness.Server):
    """tests/bench/bare.c: the physical limit."""

    def __init__(self):
        super().__init__([harness.program("bare")])


class FastApi(harness.Server):
    """FastAPI on uvicorn, with uvloop and httptools, without an access log."""

    def __init__(self):
        command = ["/usr/bin/python3", "-m", "uvicorn", "--app-dir", harness.HERE, "--loop", "uvloop", "--http",
                   "httptools", "--no-access-log", "--port", "0", "http_fastapi:app"]
        super().__init__(command, speaks_on_stderr=True)


class Nginx(harness.Child):
    """nginx with one worker that answers everything with `return 200`."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        path = os.path.join(self.directory.name, "nginx.conf")
        port = free_port()
        with open(path, "w", encoding="ascii") as conf:
            conf.write(f"""worker_processes 1; daemon off; pid {self.directory.name}/pid; error_log stderr crit;
worker_rlimit_nofile 100000;
events {{ worker_connections 50000; }}
http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {self.directory.name}/body;
  proxy_temp_path {self.directory.name}/proxy; fastcgi_temp_path {self.directory.name}/fastcgi;
  uwsgi_temp_path {self.directory.name}/uwsgi; scgi_temp_path {self.directory.name}/scgi;
  server {{ listen 127.0.0.1:{port}; default_type application/json; return 200 '{{"count":5,"name":"abc"}}'; }} }}
""")
        super().__init__(["nginx", "-c", path, "-e", "stderr"], harness.SERVER_CORE)
        self.url = f"http://127.0.0.1:{port}"
        wait_for(port)

    def __exit__(self, *_):
        super().__exit__()
        self.directory.cleanup()


def has_nginx():
    return shutil.which("nginx") is not None


def nginx_or_none(stack):
    if has_nginx():
        return stack.enter_context(Nginx())
    harness.note(f"nginx is not installed; {contest.HOW_TO_GET}")
    return None


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    import socket
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise SystemExit(f"nobody listens on port {port}")


def port_of(server):
    return server.url.rsplit(":", 1)[1]


def family(pid):
    """A process and its children."""
    children = open(f"/proc/{pid}/task/{pid}/children", encoding="ascii").read().split()
    return [pid, *(int(child) for child in children)]


def cpu_seconds(server):
    """Processor time of all threads of a server, to the nanosecond."""
    total = 0
    for pid in family(server.process.pid):
        for thread in os.listdir(f"/proc/{pid}/task"):
            total += int(open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii").read().split()[0])
    return total / 1e9


def resident_bytes(server):
    """The resident set of all processes of a server, to the page."""
    total = 0
    for pid in family(server.process.pid):
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            total += next(int(line.split()[1]) * 1024 for line in f if line.startswith("Rss:"))
    return total


def core_ticks():
    """(busy, all) of the server's core since the machine started."""
    for line in open("/proc/stat", encoding="ascii"):
        if line.startswith(f"cpu{harness.SERVER_CORE} "):
            ticks = [int(n) for n in line.split()[1:9]]
            return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
    return 0, 1


def drive(server, what, seconds, connections=CONNECTIONS):
    command = [harness.program("http_load"), port_of(server), str(connections), str(seconds)]
    run = subprocess.run(harness.pinned(harness.LOAD_CORE, command), input=what, stdout=subprocess.PIPE, check=False)
    if run.returncode:
        raise SystemExit(f"the load on {server.url} failed")
    return json.loads(run.stdout)


def measure(server, what, seconds, check=False, settle=None):
    """Requests per second of the server's processor time, in a round that counts.

    @param settle called with the server before and after; its results' difference is what is counted, in place of
           requests"""
    for _ in range(TRIES):
        counted = settle(server) if settle else 0
        cpu, (busy, ticks) = cpu_seconds(server), core_ticks()
        got = drive(server, what, seconds)
        busy_now, ticks_now = core_ticks()
        count = settle(server) - counted if settle else got["requests"]
        used = cpu_seconds(server) - cpu
        share = (busy_now - busy) / max(1, ticks_now - ticks)
        if check or share >= BUSY:
            return count / used
        harness.note(f"{server.url}: its core was only {share:.0%} busy; again")
    return None


def versions():
    """Of the baselines."""
    python = contest.DEBIAN_PYTHON
    return {"nginx": contest.said_by("nginx", "-v"), "Python": contest.said_by(python, "--version"),
            **{name: contest.said_by(python, "-c", f"import {name.lower()} as m; print(m.__version__)")
               for name in ("FastAPI", "uvicorn", "uvloop", "httptools")}}


def begin(bench, args):
    return contest.Contest(bench, args, versions=versions())


def compare(bench, ours, baselines, what, wanted=None, count="requests", settle=None):
    """Rounds of all in turn; a figure for each of ours, and a round that does not count is none.

    @param bench what begin() made
    @param ours, baselines {name: server}; a baseline that is not installed is None
    @param wanted {ours: {baseline: ratio}}"""
    check, seconds = bench.args.check, 0.3 if bench.args.check else 3
    servers = {name: server for name, server in {**ours, **baselines}.items() if server}
    seen = {name: [] for name in servers}
    for server in servers.values():
        drive(server, what, seconds / 3)
    for _ in range(bench.args.rounds):
        for name, server in servers.items():
            value = measure(server, what, seconds, check, settle if name != "bare" else None)
            if value is not None:
                seen[name].append(value)
        harness.note("  ".join(f"{name} {values[-1]:.0f}" for name, values in seen.items() if values))
    for name in servers:
        if not seen[name]:
            bench.limits.judge(f"{bench.bench}: rounds of {name} that count", 0, False, "at least 1")
    for name in ours:
        if seen[name]:
            theirs = {base: seen.get(base) or None for base in baselines}
            bench.figure(name, seen[name], f"{count}/cpu-s", theirs, "higher", (wanted or {}).get(name))
