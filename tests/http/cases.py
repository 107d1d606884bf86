#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cases.py OUT.c CASES.json...: HTTP message cases as a table in C, for the test programs.

In the data a text is latin-1: one character, one byte; `${rep:STR:N}` is STR N times, innermost first."""
import json
import re
import sys

REPEAT = re.compile(r"\$\{rep:((?:(?!\$\{rep:)[\s\S])*?):(\d+)\}")
FIELDS = {"name", "category", "rfc", "why", "level", "layer", "request", "expect_status", "must_close", "max_responses",
          "n_responses", "statuses", "uris", "uris_alt", "no_uri", "body_len", "body_not", "has_header", "need_100",
          "no_100", "valid_status_line", "head", "half_close", "bytewise", "idle_ms", "segments", "drip", "abort"}


def expand(text):
    while (found := REPEAT.search(text)):
        text = text[:found.start()] + found[1] * int(found[2]) + text[found.end():]
    return text


def literal(data):
    """Bytes as a C string, in lines of moderate length."""
    out = []
    for i in range(0, len(data), 64):
        out.append('"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}"
                                 for b in data[i:i + 64]) + '"')
    return " ".join(out) or '""'


def text(value):
    return "NULL" if value is None else literal(expand(value).encode("latin-1"))


def blob(value):
    data = expand(value or "").encode("latin-1")
    return f"{{{literal(data)}, {len(data)}}}"


def numbers(values):
    return "(const int[]){" + ", ".join(str(v) for v in [*values, 0]) + "}"


def words(values):
    return "(const char *const[]){" + ", ".join([text(v) for v in values] + ["NULL"]) + "}"


def case(c):
    wrong = set(c) - FIELDS
    if wrong:
        raise SystemExit(f"{c['name']}: nobody looks at {', '.join(sorted(wrong))}")
    statuses = [s for s in c["expect_status"] if isinstance(s, int)]
    segments = [f"{{{blob(s['send'])}, {s.get('wait_status', 0)}, {s.get('wait_ms', 0)}}}" for s in c.get("segments", [])]
    drip = c.get("drip")
    uris = c.get("uris_alt") or ([c["uris"]] if "uris" in c else [])
    parts = {
        "name": text(c["name"]), "layer": text(c["layer"]), "why": text(c["why"]), "request": blob(c["request"]),
        "expect_status": numbers(statuses),
        "may_close": int("close" in c["expect_status"]), "may_stay_open": int("open" in c["expect_status"]),
        "must_close": int(c.get("must_close", False)), "max_responses": c.get("max_responses", 0),
        "n_responses": c.get("n_responses", 0), "body_len": c.get("body_len", -1),
        "idle_ms": c.get("idle_ms", 0), "no_uri": text(c.get("no_uri")), "body_not": text(c.get("body_not")),
        "has_header": text(c.get("has_header")), "abort": int(bool(c.get("abort"))),
        "statuses": numbers(c["statuses"]) if "statuses" in c else "NULL",
        "uris": "(const char *const *const[]){" + ", ".join([words(u) for u in uris] + ["NULL"]) + "}",
        "segments": "(const http_segment[]){" + ", ".join(segments) + "}" if segments else "NULL",
        "segment_count": len(segments),
    }
    for flag in ("need_100", "no_100", "valid_status_line", "head", "half_close", "bytewise"):
        parts[flag] = int(bool(c.get(flag, False)))
    if drip:
        parts["drip"] = (f"&(const http_drip){{{blob(drip['start'])}, {blob(drip['piece'])}, {drip['every_ms']}, "
                         f"{drip['until_ms']}, {int(bool(drip.get('no_read')))}}}")
    return "    {" + ",\n     ".join(f".{k} = {v}" for k, v in parts.items()) + "},"


def main():
    out, *paths = sys.argv[1:]
    cases = [c for path in paths for c in json.load(open(path, encoding="utf-8"))]
    names = [c["name"] for c in cases]
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        raise SystemExit(f"cases there twice: {', '.join(sorted(twice))}")
    with open(out, "w", encoding="ascii") as f:
        f.write('/* SPDX-License-Identifier: MIT */\n/* Made by cases.py. */\n#include "tests/http/cases.h"\n\n')
        f.write("const http_case http_cases[] = {\n" + "\n".join(case(c) for c in cases) + "\n};\n")
        f.write(f"const size_t http_case_count = {len(cases)};\n")


if __name__ == "__main__":
    main()
