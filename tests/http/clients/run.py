# SPDX-License-Identifier: MIT
"""run.py TRANSPORT ECHO TANDEMD: programs that people use to talk HTTP, against docs/examples/echo.c and tandemd. Each
must get what it asks for, and those that keep connections must get them kept: the server counts.

In one line at the end: N passed, N failed. A client that is not installed is named."""
import http.client
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile

from program import Counted, PATIENCE_S, Server, equal, main, number, run

HERE = os.path.dirname(os.path.abspath(__file__))
PER_CONNECTION = 1000  # requests, then the server closes it
TRANSPORT, ECHO, TANDEMD = sys.argv[1:4]


def echo():
    return Server(ECHO, "--port", "0", "--transport", TRANSPORT)


def tandemd(*options):
    return Server(TANDEMD, "--port", "0", "--transport", TRANSPORT, "--log-level", "warning", *options)


def curl(*arguments, stdin=None):
    return run("curl", "-sS", "--noproxy", "*", "--max-time", str(PATIENCE_S), *arguments, stdin=stdin)


# ---- curl ----

def curl_keeps_its_connection():
    with tandemd() as server:
        urls = [server.url + "/health"] * 5
        with Counted(server) as seen:
            out, _ = curl("-w", "\n%{num_connects} %{http_version}\n", *urls)
        equal(out.split("\n")[1::2], ["1 1.1"] + ["0 1.1"] * 4)
        equal((seen.connections, seen.requests), (1, 5))


def curl_as_an_http_1_0_client_is_served_and_keeps_its_connection_if_it_asks():
    with tandemd() as server:
        urls = [server.url + "/health"] * 3
        with Counted(server) as closing:
            curl("--http1.0", *urls)
        with Counted(server) as keeping:
            curl("--http1.0", "-H", "Connection: keep-alive", *urls)
        equal((closing.connections, keeping.connections), (3, 1))


def curl_asks_for_a_head_and_goes_on_on_its_connection():
    with tandemd() as server:
        url = server.url + "/health"
        out, _ = curl("-I", url, "--next", "-sS", "--noproxy", "*", "-i", "-w", "%{num_connects}", url)
        heads = [part.lower() for part in out.split("\n\n")]
        equal(len(heads), 3)
        lengths = [[line for line in head.split("\n") if line.startswith("content-length")] for head in heads[:2]]
        equal(lengths[0], lengths[1])
        equal(heads[2], '{"status":"ok"}0')


def curl_uploads_after_it_was_told_to_go_on():
    with echo() as server, tempfile.NamedTemporaryFile() as file:
        file.write(b"x" * 1000000)
        file.flush()
        out, err = curl("-v", "--http1.1", "-H", "Expect: 100-continue", "--expect100-timeout", str(PATIENCE_S), "-T",
                        file.name, "-D", "-", server.url + "/up")
        assert "< HTTP/1.1 100 Continue" in err, err
        assert "x-body-len: 1000000\n" in out.lower(), out


def curl_uploads_in_chunks():
    with echo() as server:
        out, _ = curl("-T", "-", "-D", "-", server.url + "/up", stdin="y" * 300000)
        assert "x-body-len: 300000\n" in out.lower(), out


def curl_is_told_that_a_body_is_too_large_before_it_sends_it():
    with echo() as server, tempfile.NamedTemporaryFile() as file:
        file.truncate(2 << 20)
        out, _ = curl("-H", "Expect: 100-continue", "--expect100-timeout", str(PATIENCE_S), "-T", file.name, "-o",
                      os.devnull, "-w", "%{http_code} %{size_upload}", server.url + "/up")
        equal(out, "413 0")


def curl_reads_the_refusal_of_a_body_that_it_sends_all_the_same():
    with echo() as server, tempfile.NamedTemporaryFile() as file:
        file.truncate(3 << 20)
        out, _ = curl("-H", "Expect:", "-T", file.name, "-o", os.devnull, "-w", "%{http_code}", server.url + "/up")
        equal(out, "413")


def curl_gets_a_large_reply_whole():
    with echo() as server:
        out, _ = curl("-o", os.devnull, "-w", "%{http_code} %{size_download}", server.url + "/big")
        equal(out, f"200 {32 << 20}")


def curl_asks_many_things_at_once():
    with echo() as server:
        out, _ = curl("-Z", "--parallel-max", "20", "-o", os.devnull, "-w", "%{http_code}\n",
                      server.url + "/slow?ms=[1-60]")
        equal(out.split(), ["200"] * 60)


def curl_comes_through_a_unix_socket():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "socket")
        with Server(TANDEMD, "--unix", path, "--unix-mode", "600", "--transport", TRANSPORT):
            equal(stat.filemode(os.stat(path).st_mode), "srw-------")
            url = "http://localhost/health"
            out, _ = curl("--unix-socket", path, "-w", "%{num_connects}", url, url)
            equal(out, '{"status":"ok"}1{"status":"ok"}0')


# ---- load generators ----

def ab_keeps_its_connections():
    with tandemd() as server:
        with Counted(server) as seen:
            out, _ = run("ab", "-k", "-n", "2000", "-c", "8", server.url + "/health")
        equal(number(r"Complete requests: +(\d+)", out), 2000)
        equal(number(r"Failed requests: +(\d+)", out), 0)
        equal(number(r"Keep-Alive requests: +(\d+)", out), 2000)
        assert "Non-2xx" not in out, out
        equal((seen.connections, seen.requests), (8, 2000))


def ab_without_keep_alive_has_a_connection_for_each_request():
    with tandemd() as server:
        with Counted(server) as seen:
            out, _ = run("ab", "-n", "300", "-c", "8", server.url + "/health")
        equal(number(r"Failed requests: +(\d+)", out), 0)
        equal(seen.requests, 300)
        assert 300 <= seen.connections <= 300 + 8, seen.connections  # it may connect once more before it sees the end


def ab_sends_bodies_and_asks_for_heads():
    with echo() as server, tempfile.NamedTemporaryFile() as file:
        file.write(b"z" * 10000)
        file.flush()
        out, _ = run("ab", "-k", "-n", "500", "-c", "4", "-p", file.name, "-T", "text/plain", server.url + "/up")
        equal(number(r"Failed requests: +(\d+)", out), 0)
        assert "Non-2xx" not in out, out
        out, _ = run("ab", "-k", "-i", "-n", "500", "-c", "4", server.url + "/a")
        equal(number(r"Keep-Alive requests: +(\d+)", out), 500)
        assert "Non-2xx" not in out, out


def wrk_run(server, *more):
    """A second of wrk on 8 connections, which are replaced when each has had its number of requests; and on one more, with
    which it tries the address before it starts."""
    with Counted(server) as seen:
        out, _ = run("wrk", "-t1", "-c8", "-d1s", *more, server.url + "/health")
    assert "Socket errors" not in out and "Non-2xx" not in out, out
    assert number(r"(\d+) requests in", out) > 0
    assert seen.connections <= 1 + 8 + seen.requests // PER_CONNECTION, (seen.connections, seen.requests)


def wrk_keeps_its_connections():
    with tandemd() as server:
        wrk_run(server)


def wrk_sends_sixteen_requests_at_once():
    with tandemd() as server:
        wrk_run(server, "-s", os.path.join(HERE, "pipeline.lua"))


def h2load_run(*more):
    with tandemd() as server:
        with Counted(server) as seen:
            out, _ = run("h2load", "--h1", "-n", "4000", "-c", "8", "-t", "1", *more, server.url + "/health")
        equal(number(r" (\d+) succeeded", out), 4000, out)
        equal(number(r"status codes: (\d+) 2xx", out), 4000, out)
        equal((seen.connections, seen.requests), (8, 4000))


def h2load_keeps_its_connections():
    h2load_run()


def h2load_sends_ten_requests_ahead():
    h2load_run("-m", "10")


# ---- Python and Node ----

def http_client_keeps_its_connection():
    with tandemd() as server:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=PATIENCE_S)
        with Counted(server) as seen:
            for method in ("GET", "HEAD", "POST", "OPTIONS", "GET"):
                connection.request(method, "/health")
                reply = connection.getresponse()
                body = reply.read()
                equal(reply.status, {"POST": 405, "OPTIONS": 204}.get(method, 200), method)
                assert bool(body) == (method in ("GET", "POST")), (method, body)
        equal((seen.connections, seen.requests), (1, 5))
        connection.close()


def http_client_sends_bodies_whole_and_in_chunks():
    with echo() as server:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=PATIENCE_S)
        pieces = [b"a" * 10, b"b" * 70000, b"c"]
        for body, chunked in ((b"".join(pieces), False), (iter(pieces), True)):
            headers = {"Transfer-Encoding": "chunked"} if chunked else {}
            connection.request("PUT", "/x", body=body, headers=headers, encode_chunked=chunked)
            reply = connection.getresponse()
            reply.read()
            equal((reply.status, reply.headers["X-Body-Len"]), (200, "70011"))
        connection.close()


def http_client_reads_pipelined_replies_in_order():
    count = 300
    with echo() as server, socket.create_connection((server.host, server.port), PATIENCE_S) as stream:
        requests = [f"GET /{i} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for i in range(count)]
        stream.sendall(b"".join(requests))
        with stream.makefile("rb") as replies:
            for i in range(count):
                equal(replies.readline(), b"HTTP/1.1 200 OK\r\n")
                headers = http.client.parse_headers(replies)
                equal(headers["X-Uri"], f"/{i}")
                replies.read(int(headers["Content-Length"]))


def scripted(*command):
    with echo() as first, tandemd() as second:
        with Counted(second) as seen:
            run(*command, first.url, second.url)
        return seen


def aiohttp_keeps_its_connections_and_gets_what_it_asks_for():
    seen = scripted("/usr/bin/python3", os.path.join(HERE, "with_aiohttp.py"))
    equal(seen.requests, 240)
    assert seen.connections <= 1 + 10, seen.connections  # of one session and of another


def fetch_keeps_its_connections_and_gets_what_it_asks_for():
    seen = scripted("node", os.path.join(HERE, "with_fetch.mjs"))
    equal(seen.requests, 120)
    assert seen.connections <= 40, seen.connections  # ten at once, and Node opens more than it needs


# ---- which there are ----

def missing(client):
    if client == "http.client":
        return ""
    if client == "aiohttp":
        found = subprocess.run(["/usr/bin/python3", "-c", "import aiohttp"], capture_output=True, check=False)
        return "" if found.returncode == 0 else "python3-aiohttp is not installed"
    if client == "fetch":
        if not shutil.which("node"):
            return "nodejs is not installed"
        found = subprocess.run(["node", "-e", "fetch"], capture_output=True, check=False)
        return "" if found.returncode == 0 else "this Node has no fetch"
    return "" if shutil.which(client) else "not installed"


PROMISES = [
    ("curl", curl_keeps_its_connection),
    ("curl", curl_as_an_http_1_0_client_is_served_and_keeps_its_connection_if_it_asks),
    ("curl", curl_asks_for_a_head_and_goes_on_on_its_connection),
    ("curl", curl_uploads_after_it_was_told_to_go_on),
    ("curl", curl_uploads_in_chunks),
    ("curl", curl_is_told_that_a_body_is_too_large_before_it_sends_it),
    ("curl", curl_reads_the_refusal_of_a_body_that_it_sends_all_the_same),
    ("curl", curl_gets_a_large_reply_whole),
    ("curl", curl_asks_many_things_at_once),
    ("curl", curl_comes_through_a_unix_socket),
    ("ab", ab_keeps_its_connections),
    ("ab", ab_without_keep_alive_has_a_connection_for_each_request),
    ("ab", ab_sends_bodies_and_asks_for_heads),
    ("wrk", wrk_keeps_its_connections),
    ("wrk", wrk_sends_sixteen_requests_at_once),
    ("h2load", h2load_keeps_its_connections),
    ("h2load", h2load_sends_ten_requests_ahead),
    ("http.client", http_client_keeps_its_connection),
    ("http.client", http_client_sends_bodies_whole_and_in_chunks),
    ("http.client", http_client_reads_pipelined_replies_in_order),
    ("aiohttp", aiohttp_keeps_its_connections_and_gets_what_it_asks_for),
    ("fetch", fetch_keeps_its_connections_and_gets_what_it_asks_for),
]

if __name__ == "__main__":
    sys.exit(main(PROMISES, missing))
