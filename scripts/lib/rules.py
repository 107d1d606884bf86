#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rules.py ROOT [RULE...]: the rules of the house that can be seen in the text of the tree.

Prints `FILE:LINE: what, and what would be right` for each violation; exit 1 if there was one. --list names the rules.
Rules about C look at code with its comments and strings blanked out, so that a comment may speak of strcpy."""
import os
import re
import sys

ROOMS = ("tasks", "server", "load", "include", "docs", "tests")
SKIP_DIRS = {".git", ".cache", "__pycache__", "node_modules"}
TEXT = (".c", ".h", ".py", ".md", ".json", ".yml", ".yaml", ".html", ".js", ".css", ".txt", ".sh", ".options")


class File:
    """One file: its path from the root, its lines, and for C its code without comments and strings."""

    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
            self.text = f.read()
        self.lines = self.text.split("\n")
        self.is_c = path.endswith((".c", ".h"))
        self.room = path.split("/")[0]
        if path.startswith("server/daemon/"):
            self.room = "server/daemon"
        elif path.startswith("docs/examples/"):
            self.room = "docs/examples"
        self._code = None

    @property
    def code(self):
        if self._code is None:
            self._code = blank(self.text).split("\n")
        return self._code

    def includes(self):
        """Line number, quoted or not, and name of each #include."""
        for n, line in enumerate(self.lines, 1):
            m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if m:
                yield n, m[1] == '"', m[2]


def blank(text):
    """C text with the insides of comments, strings and characters replaced by spaces; lines stay where they are."""
    def spaces(m):
        return re.sub(r"[^\n]", " ", m[0])
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', spaces, text, flags=re.DOTALL)


def is_text(root, path):
    name = os.path.basename(path)
    if name.endswith(TEXT) or name in ("meson.build", "LICENSE", ".clang-format", ".clang-tidy", ".editorconfig"):
        return True
    try:
        with open(os.path.join(root, path), "rb") as f:
            return f.read(2) == b"#!"
    except OSError:
        return False


def tree(root):
    for at, dirs, names in os.walk(root):
        here = os.path.relpath(at, root)
        dirs[:] = sorted(d for d in dirs if d not in SKIP_DIRS and not (here == "." and d.startswith("build")))
        for name in sorted(names):
            path = os.path.normpath(os.path.join(here, name))
            if not os.path.islink(os.path.join(root, path)) and is_text(root, path):
                yield File(root, path)


# ---- include direction ----

HTTP_HEADERS = {"tandem/app.h", "tandem/request.h", "tandem/route.h", "tandem/tandem.h"}
# Where a room's quoted includes may lead.
MAY_REACH = {
    "tasks": {"tasks"},
    "server": {"server", "tasks"},
    "server/daemon": {"server/daemon"},
    "load": {"load"},
    "include": set(),
    "docs/examples": {"docs/examples"},
}


def room_of(root, file, name):
    """The room that a quoted include leads to: from the root, or else beside the file."""
    beside = os.path.normpath(os.path.join(os.path.dirname(file.path), name))
    path = name if os.path.exists(os.path.join(root, name)) or name.split("/")[0] in ROOMS else beside
    path = os.path.normpath(path)
    if path.startswith("server/daemon/"):
        return "server/daemon"
    if path.startswith("docs/examples/"):
        return "docs/examples"
    return path.split("/")[0]


def include_direction(root, files):
    for f in files:
        if not f.is_c or f.room not in MAY_REACH:
            continue
        reach = MAY_REACH[f.room]
        for n, quoted, name in f.includes():
            first = name.split("/")[0]
            if quoted or first in ("tasks", "server", "load"):
                to = room_of(root, f, name)
                if to not in reach:
                    allowed = ", ".join(sorted(reach)) or "no private header"
                    yield f, n, f"{f.room}/ includes {name} of {to}/; it may include {allowed}, and <tandem/...>"
            elif first == "event2" and f.room not in ("tasks", "server", "load"):
                yield f, n, f"{f.room}/ includes {name}; it is a user of the public headers only: <tandem/...>"
            elif first == "event2" and name.startswith("event2/http") and f.room != "server":
                yield f, n, f"{f.room}/ includes {name}; only server/ knows evhttp"
            elif f.room == "tasks" and name in HTTP_HEADERS:
                yield f, n, f"tasks/ includes {name}; tasks/ knows nothing of HTTP"
            elif name in ("llhttp.h", "cjson/cJSON.h", "cJSON.h") and f.room not in ("tasks", "server", "load"):
                yield f, n, f"{f.room}/ includes {name}; use the library's own <tandem/...>"


# ---- seams: what only one file may know ----

def one_file(files, rooms, pattern, what):
    users = []
    for f in files:
        if f.is_c and (rooms is None or f.path.split("/")[0] in rooms):
            for n, _, name in f.includes():
                if re.match(pattern, name):
                    users.append((f, n))
                    break
    for f, n in users[1:]:
        yield f, n, f"a second file knows {what}; only one may, and that is {users[0][0].path}"


def evhttp_seam(_root, files):
    yield from one_file(files, ("tasks", "server", "load"), r"event2/http|evhttp\.h", "evhttp")


def llhttp_seam(_root, files):
    for room in ("server", "load", "tasks"):
        yield from one_file(files, (room,), r"(.*/)?llhttp\.h", f"llhttp in {room}/")


def cjson_seam(_root, files):
    yield from one_file(files, ("tasks", "server", "load"), r"(.*/)?cJSON\.h", "cJSON")


# ---- functions ----

BANNED = {
    "strcpy": "snprintf or memcpy with a known size", "strcat": "snprintf", "sprintf": "snprintf",
    "vsprintf": "vsnprintf", "gets": "fgets", "atoi": "strtol with its errors checked",
    "atol": "strtol with its errors checked", "atof": "strtod with its errors checked", "strtok": "strsep or a scanner",
    "signal": "sigaction", "rand": "a seeded generator of our own", "srand": "a seeded generator of our own",
}
CLOCKS = {"clock_gettime", "gettimeofday", "time", "clock"}


def calls(files, names):
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(sorted(names)) + r")\s*\(")
    for f in files:
        if f.is_c:
            for n, line in enumerate(f.code, 1):
                for m in pattern.finditer(line):
                    yield f, n, m[1]


def banned_functions(_root, files):
    for f, n, name in calls(files, BANNED):
        yield f, n, f"{name}() is banned; use {BANNED[name]}"


def clock_seam(_root, files):
    for f, n, name in calls(files, CLOCKS):
        if f.path != "tasks/clock.c" and f.room != "tests":  # a test may hold another clock against ours
            yield f, n, f"{name}() reads time past the seam; use tdm_clock_ns() or tdm_clock_wall_ns()"


# Testing mode must see every lock and every wait of the executor. The log stands apart, and sees real time.
SYNC_FILES = {"tasks/" + name for name in ("sync.h", "sync.c", "thread.c", "log.c", "baton.c", "game.c", "testing.c")}
SYNC = {"pthread_mutex_lock": "tdm__lock", "pthread_mutex_unlock": "tdm__unlock", "pthread_join": "tdm__thread_join",
        "pthread_create": "tdm__thread_start"}
SYNC.update((f"pthread_cond_{call}", "tdm__cond_wait") for call in ("wait", "timedwait", "clockwait"))
SYNC.update((f"pthread_cond_{call}", f"tdm__cond_{call}") for call in ("signal", "broadcast"))


def sync_seam(_root, files):
    for f, n, name in calls(files, SYNC):
        if f.room == "tasks" and f.path not in SYNC_FILES:
            yield f, n, f"{name}() goes past the seam of testing mode; use {SYNC[name]}() of tasks/"


# ---- names ----

def public_names(_root, files):
    for f in files:
        if f.room != "include":
            continue
        for n, line in enumerate(f.code, 1):
            m = re.search(r"\bTDM_API\b(.*)", line)
            if m and not re.match(r"\s*#", line):
                name = re.search(r"(\w+)\s*(\(|;|\[|=)", m[1] or "")
                if name and not re.match(r"tdm_[a-z0-9]", name[1]):
                    yield f, n, f"{name[1]} is exported; public names are tdm_noun_verb"
            m = re.match(r"\s*#\s*define\s+(\w+)", line)
            if m and not re.match(r"TDM_|TANDEM_\w+_H$|tdm_", m[1]):
                yield f, n, f"{m[1]} is a public macro; they are called TDM_..."


# ---- the look of a file ----

def spdx(_root, files):
    for f in files:
        if f.is_c and f.lines[0] != "/* SPDX-License-Identifier: MIT */":
            yield f, 1, "the first line should be /* SPDX-License-Identifier: MIT */"
        is_script = f.lines[0].startswith("#!")
        if (is_script or f.path.endswith((".py", ".sh", "meson.build"))) and f.text.strip():
            if "# SPDX-License-Identifier: MIT" not in f.lines[:2]:
                yield f, 1, "one of the first two lines should be # SPDX-License-Identifier: MIT"


def design(_root, files):
    for f in files:
        if f.path.endswith(".c") and f.room in ("tasks", "server", "server/daemon", "load"):
            m = re.search(r"/\*(.*?)\*/", "\n".join(f.lines[1:]), re.DOTALL)
            if not m or "DESIGN:" not in m[1]:
                yield f, 2, "no DESIGN paragraph; open with /* DESIGN: what the room is for, what it hides ... */"


MAX_LINES = 500


def file_size(_root, files):
    for f in files:
        lines = len(f.lines) - 1
        if f.path.endswith((".c", ".h", ".py", ".sh")) and lines > MAX_LINES:
            yield f, lines, f"{lines} lines; at most {MAX_LINES}: one room or two?"


def leftovers(_root, files):
    pattern = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    for f in files:
        if not f.path.endswith("LICENSE"):
            for n, line in enumerate(f.lines, 1):
                m = pattern.search(line)
                if m:
                    yield f, n, f"{m[1]} left in the tree; do it, or write an issue"


def whitespace(_root, files):
    for f in files:
        for n, line in enumerate(f.lines, 1):
            if line != line.rstrip():
                yield f, n, "space at the end of the line; remove it"
            if "\t" in line and f.is_c:
                yield f, n, "a tab; indent with four spaces"
        if f.text and not f.text.endswith("\n"):
            yield f, len(f.lines), "no newline at the end of the file; add one"
        if f.text.endswith("\n\n"):
            yield f, len(f.lines), "empty lines at the end of the file; remove them"


def machine_paths(_root, files):
    pattern = re.compile(r"(?<![\w./-])/(?:work|farm|root|Users|home/[a-z]\w*|tmp/[a-z]\w*)/")
    for f in files:
        for n, line in enumerate(f.lines, 1):
            m = pattern.search(line)
            if m:
                yield f, n, f"{m[0]} is a path of one machine; use a path from the root of the project, or mktemp"


RULES = {
    "include-direction": include_direction, "evhttp-seam": evhttp_seam, "llhttp-seam": llhttp_seam,
    "cjson-seam": cjson_seam, "banned-functions": banned_functions, "clock-seam": clock_seam, "sync-seam": sync_seam,
    "public-names": public_names, "spdx": spdx, "design": design, "file-size": file_size, "leftovers": leftovers,
    "whitespace": whitespace, "machine-paths": machine_paths,
}


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(RULES))
        return 0
    root, names = sys.argv[1], sys.argv[2:] or list(RULES)
    files = list(tree(root))
    found = 0
    for name in names:
        for f, line, what in RULES[name](root, files):
            print(f"{f.path}:{line}: {what} [{name}]")
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
