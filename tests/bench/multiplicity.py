# SPDX-License-Identifier: MIT
"""How many tasks run at once, async on the loop and sync on a pool: Tandem beside FastAPI, driven by the same client.

Every request adds three tasks of 3 s. Tandem has 12 workers; FastAPI is measured with its thread pool limited to 12 and
with its own 40. 1000 sync requests on 12 threads take 750 s, so those rows need --long (a quarter of an hour in
all). --write puts the table into docs/experiments/multiplicity.md. FastAPI's tasks have no ids: its app
(docs/experiments/fastapi_app.py) counts for itself."""
import json
import os
import platform
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import harness

APP_DIR = os.path.join(harness.ROOT, "docs", "experiments")
PAGE = os.path.join(APP_DIR, "multiplicity.md")
MARKS = "<!-- table: begin -->\n", "<!-- table: end -->\n"
DEBIAN_PYTHON = "/usr/bin/python3"
LANES = ("sync", "async")
COUNT = 3
WORKERS = 12
TANDEM, FASTAPI_12, FASTAPI_40 = "Tandem, 12 workers", "FastAPI, 12 threads", "FastAPI, its own 40 threads"
HEAD = ("requests", "tasks", "server", "most at once", "mean", "threads", "all ended after (s)", "ideal (s)",
        "reply p50 (ms)", "reply p99 (ms)", "reply max (ms)")


def fastapi(pool):
    """Debian's uvicorn and FastAPI on a free port."""
    uvicorn = [DEBIAN_PYTHON, "-m", "uvicorn", "--app-dir", APP_DIR, "fastapi_app:app", "--port", "0", "--no-access-log"]
    return harness.Server(uvicorn, env={"POOL": str(pool) if pool else "", "PATH": "/usr/bin:/bin"}, speaks_on_stderr=True)


def ask(url, method="GET"):
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=60) as reply:
        return json.load(reply)


def target(url, lane, period):
    return f"{url}/?as_async={int(lane == 'async')}&count={COUNT}&period={period}"


def on_tandem(url, n, lane, period):
    step = harness.only_step(harness.load("-c", str(n), "--follow", target(url, lane, period)))
    tasks = harness.tasks_of(step)
    if tasks["done"] != n * COUNT:
        raise SystemExit(f"{n * COUNT} tasks, {tasks['done']} done")
    return {**tasks, "latency": step["latency"]}


def on_fastapi(url, n, lane, period):
    ask(url + "/seen/reset", "POST")
    step = harness.only_step(harness.load("-c", str(n), target(url, lane, period)))
    while (seen := ask(url + "/seen"))["seconds"] is None or seen["added"] < n * COUNT:
        time.sleep(0.5 if period >= 1 else 0.05)
    return {**seen, "latency": step["latency"]}


def ideal(n, lane, period, threads):
    """Three tasks in a row for each request; sync, all of them on so many threads."""
    in_a_row = COUNT if lane == "async" else max(COUNT, -(-n * COUNT // threads))
    return in_a_row * period


def cell(value):
    return "" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def row(n, lane, who, seen, best):
    ms = [seen["latency"][k] * 1e3 for k in ("p50", "p99", "max")]
    cells = [f"{n} {lane}", n * COUNT, who, seen["peak"], float(seen["mean"]), seen["threads"], float(seen["seconds"]),
             float(best), *ms]
    return "| " + " | ".join(cell(c) for c in cells) + " |"


def versions():
    code = ("import fastapi, starlette, uvicorn, sys; from uvicorn.config import LOOP_SETUPS\n"
            "def has(m):\n try: __import__(m); return 'with ' + m\n except ImportError: return 'without ' + m\n"
            "print(f'FastAPI {fastapi.__version__}, Starlette {starlette.__version__}, uvicorn {uvicorn.__version__} '"
            "f'({has(\"uvloop\")}, {has(\"httptools\")}), Python {sys.version.split()[0]}')")
    theirs = subprocess.run([DEBIAN_PYTHON, "-c", code], capture_output=True, text=True, check=False)
    if theirs.returncode:
        raise SystemExit("FastAPI and uvicorn of Debian are needed: scripts/setup --bench")
    ours = subprocess.run([harness.TANDEMD, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{ours}; {theirs.stdout.strip()}; Linux {platform.release().split('-')[0]}, {os.cpu_count()} cores"


def write_page(lines):
    with open(PAGE, encoding="utf-8") as f:
        before, rest = f.read().split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(before + MARKS[0] + "\n" + "\n".join(lines) + "\n\n" + MARKS[1] + after)


def measure(n, lane, period, servers, apart):
    """One size and lane on every server, in turn: {who: what was seen}, and the table's rows.

    With `apart`, a server begins so many seconds after the one before, and not after its end: long rows are nothing but
    waiting, and the replies, which are all out by then, are not disturbed."""
    with ThreadPoolExecutor(len(servers)) as crew:
        runs = {}
        for who, (server, drive, _) in servers.items():
            runs[who] = crew.submit(drive, server.url, n, lane, period)
            if apart:
                time.sleep(apart)
            else:
                runs[who].result()
        results = {who: run.result() for who, run in runs.items()}
    rows = [row(n, lane, who, seen, ideal(n, lane, period, servers[who][2])) for who, seen in results.items()]
    harness.note("\n".join(rows))
    return results, rows


def main():
    more = [("--long", {"action": "store_true", "help": "also 1000 sync requests, which take 750 s on 12 threads"}),
            ("--write", {"action": "store_true", "help": "put the table into docs/experiments/multiplicity.md"})]
    args = harness.options(__doc__, rounds=1, more=more)
    period, sizes = (0.1, (4, 20)) if args.check else (3, (4, 20, 1000))
    made_of = versions()
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * 3 + "---:|" * (len(HEAD) - 3)]
    harness.note("\n".join(lines))
    with harness.tandemd("--workers", str(WORKERS)) as tandem, fastapi(WORKERS) as limited, fastapi(None) as default:
        servers = {TANDEM: (tandem, on_tandem, WORKERS), FASTAPI_12: (limited, on_fastapi, WORKERS),
                   FASTAPI_40: (default, on_fastapi, 40)}
        for n in sizes:
            for lane in LANES:
                if n == 1000 and lane == "sync" and not args.long:
                    continue
                apart = 10 if n == 1000 and lane == "sync" else None
                rounds = [measure(n, lane, period, servers, apart) for _ in range(args.rounds)]
                lines += [r for _, rows in rounds for r in rows]
                figures(n, lane, [results for results, _ in rounds])
    lines += ["", f"Measured with {made_of}."]
    if args.write:
        write_page(lines)
    return 0


def figures(n, lane, rounds):
    for key, name, unit, better in (("peak", "most tasks at once", "tasks", "higher"),
                                    ("seconds", "all tasks ended after", "s", "lower")):
        harness.figure("multiplicity", f"{n} {lane}: {name}", [r[TANDEM][key] for r in rounds], unit,
                       [r[FASTAPI_12][key] for r in rounds], better)


if __name__ == "__main__":
    sys.exit(main())
