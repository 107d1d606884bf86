# SPDX-License-Identifier: MIT
"""scripts/lint finds a violation of each of its rules, planted in a small tree, and leaves the same tree alone without."""
import os
import shutil
import subprocess
import sys
import tempfile

C = "/* SPDX-License-Identifier: MIT */\n"
ROOM = C + "/* DESIGN: a room. */\n"
SH = "#!/usr/bin/env bash\n# SPDX-License-Identifier: MIT\n"

# A tree that keeps every rule. Comments and strings may speak of what code may not do.
CLEAN = {
    "meson.build": "# SPDX-License-Identifier: MIT\nproject('x', 'c')\nstatic_library('x', 'tasks/a.c')\n",
    "include/tandem/base.h": C + "#define TDM_API\nTDM_API int tdm_base_count(void);\n",
    "tasks/a.h": C + "int tdm__a(void);\n",
    "tasks/a.c": ROOM + '#include "tasks/a.h"\n\nint tdm__a(void) /* not strcpy( */\n{\n    return sizeof "atoi(" > 1;\n}\n',
    "tasks/clock.c": ROOM + "#include <time.h>\n\nlong tdm__now(void);\nlong tdm__now(void)\n{\n    return time(NULL);\n}\n",
    "tasks/json.c": ROOM + "#include <cjson/cJSON.h>\n",
    "server/wire.c": ROOM + '#include "tasks/a.h"\n#include <event2/http.h>\n',
    "server/rules.c": ROOM + "#include <llhttp.h>\n",
    "server/daemon/main.c": ROOM + "#include <tandem/base.h>\n",
    "load/client.c": ROOM + "#include <event2/event.h>\n#include <llhttp.h>\n#include <tandem/base.h>\n",
    "docs/examples/hello.c": C + "#include <tandem/base.h>\n",
    "scripts/run": SH + "echo \"$HOME\"\n",
}

# promise: (rule, {file: text} to plant, what the first message must begin with)
PLANTED = {
    "tasks_never_includes_server": ("include-direction", {"tasks/b.c": ROOM + '#include "server/wire.h"\n'}, "tasks/b.c:3:"),
    "tasks_never_includes_load": ("include-direction", {"tasks/b.c": ROOM + '#include "load/plan.h"\n'}, "tasks/b.c:3:"),
    "tasks_knows_nothing_of_http": ("include-direction", {"tasks/b.c": ROOM + "#include <tandem/app.h>\n"}, "tasks/b.c:3:"),
    "server_never_includes_load": ("include-direction", {"server/b.c": ROOM + '#include "load/plan.h"\n'}, "server/b.c:3:"),
    "a_way_round_by_dots_is_seen": ("include-direction", {"tasks/b.c": ROOM + '#include "../server/b.h"\n'}, "tasks/b.c:3:"),
    "load_never_includes_tasks": ("include-direction", {"load/b.c": ROOM + '#include "tasks/a.h"\n'}, "load/b.c:3:"),
    "load_never_includes_server": ("include-direction", {"load/b.c": ROOM + '#include "server/b.h"\n'}, "load/b.c:3:"),
    "load_knows_no_evhttp": ("include-direction", {"load/b.c": ROOM + "#include <event2/http.h>\n"}, "load/b.c:3:"),
    "the_daemon_uses_public_headers": ("include-direction", {"server/daemon/b.c": ROOM + '#include "server/b.h"\n'}, "server/daemon/b.c:3:"),
    "the_daemon_knows_no_libevent": ("include-direction", {"server/daemon/b.c": ROOM + "#include <event2/event.h>\n"}, "server/daemon/b.c:3:"),
    "examples_use_public_headers": ("include-direction", {"docs/examples/b.c": C + '#include "tasks/a.h"\n'}, "docs/examples/b.c:2:"),
    "public_headers_show_no_libevent": ("include-direction", {"include/tandem/b.h": C + "#include <event2/event.h>\n"}, "include/tandem/b.h:2:"),
    "one_file_knows_evhttp": ("evhttp-seam", {"server/x.c": ROOM + "#include <event2/http_struct.h>\n"}, "server/x.c:3:"),
    "one_file_of_the_server_knows_llhttp": ("llhttp-seam", {"server/x.c": ROOM + "#include <llhttp.h>\n"}, "server/x.c:3:"),
    "one_file_of_load_knows_llhttp": ("llhttp-seam", {"load/x.c": ROOM + "#include <llhttp.h>\n"}, "load/x.c:3:"),
    "one_file_knows_cjson": ("cjson-seam", {"server/x.c": ROOM + "#include <cjson/cJSON.h>\n"}, "tasks/json.c:3:"),
    "strcpy_is_banned": ("banned-functions", {"load/b.c": ROOM + "void f(void)\n{\n    strcpy(a, b);\n}\n"}, "load/b.c:5:"),
    "signal_is_banned": ("banned-functions", {"tests/b.c": C + "void f(void)\n{\n    signal(1, 0);\n}\n"}, "tests/b.c:4:"),
    "time_is_read_in_one_file": ("clock-seam", {"server/b.c": ROOM + "int x = clock_gettime(0, 0);\n"}, "server/b.c:3:"),
    "locks_of_the_executor_are_counted": ("sync-seam", {"tasks/b.c": ROOM + "void b(void)\n{\n    pthread_mutex_lock(&l);\n}\n"}, "tasks/b.c:5:"),
    "waits_of_the_executor_are_seen": ("sync-seam", {"tasks/b.c": ROOM + "int b = pthread_cond_timedwait(c, l, t);\n"}, "tasks/b.c:3:"),
    "exported_names_have_the_prefix": ("public-names", {"include/tandem/b.h": C + "TDM_API int tandem_go(void);\n"}, "include/tandem/b.h:2:"),
    "public_macros_have_the_prefix": ("public-names", {"include/tandem/b.h": C + "#define SECOND 1\n"}, "include/tandem/b.h:2:"),
    "a_licence_stands_first": ("spdx", {"tasks/b.c": "/* DESIGN: b. */\n"}, "tasks/b.c:1:"),
    "scripts_have_a_licence": ("spdx", {"scripts/b": "#!/bin/sh\n"}, "scripts/b:1:"),
    "a_room_says_its_design": ("design", {"load/b.c": C + "int b;\n"}, "load/b.c:2:"),
    "files_stay_small": ("file-size", {"tasks/b.c": ROOM + "int b;\n" * 600}, "tasks/b.c:602:"),
    "nothing_is_left_to_do": ("leftovers", {"docs/a.md": "# A\n" + "TO" + "DO: more\n"}, "docs/a.md:2:"),
    "lines_end_clean": ("whitespace", {"docs/a.md": "# A \n"}, "docs/a.md:1:"),
    "files_end_with_a_newline": ("whitespace", {"docs/a.md": "# A"}, "docs/a.md:1:"),
    "no_path_of_one_machine": ("machine-paths", {"docs/a.md": "see " + "/home" + "/ann/x\n"}, "docs/a.md:1:"),
    "code_is_formatted": ("format", {"tasks/b.c": ROOM + "int  b;\n"}, "tasks/b.c:3:"),
    "scripts_pass_shellcheck": ("shellcheck", {"scripts/b": SH + "echo $1\n"}, "scripts/b:3:"),
    "code_passes_cppcheck": ("cppcheck", {"tasks/b.c": ROOM + "int b(void)\n{\n    int *p = 0;\n    return *p;\n}\n"}, "tasks/b.c:6:"),
    "code_passes_clang_tidy": ("tidy", {"tasks/a.c": ROOM + "int b(void)\n{\n    int *p = 0;\n    return *p;\n}\n"}, "tasks/a.c:6:"),
}
TOOLS = {"format": "clang-format", "shellcheck": "shellcheck", "cppcheck": "cppcheck", "tidy": "clang-tidy"}


def lint(root, tree, rule):
    run = subprocess.run([os.path.join(root, "scripts", "lint"), "--root", tree, "--only", rule],
                         capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return run.returncode, run.stdout + run.stderr


def plant(root, at, files):
    for name in (".clang-format", ".clang-tidy"):
        shutil.copy(os.path.join(root, name), at)
    for path, text in {**CLEAN, **files}.items():
        os.makedirs(os.path.dirname(os.path.join(at, path)), exist_ok=True)
        with open(os.path.join(at, path), "w", encoding="utf-8") as f:
            f.write(text)


def export_a_wrong_symbol(tree):
    os.makedirs(os.path.join(tree, "build", "server"))
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", os.path.join(tree, "build/server/libtandem.so")],
                   input="int tdm_right; int tdm__wrong;\n", text=True, check=True)


def main():
    root = os.path.abspath(sys.argv[1])
    passed = failed = 0

    def judge(name, good, said):
        nonlocal passed, failed
        if good:
            passed += 1
        else:
            failed += 1
            print(f"{name}: lint said:\n{said}")

    present = {rule for rule in {r for r, _, _ in PLANTED.values()} if rule not in TOOLS or shutil.which(TOOLS[rule])}
    with tempfile.TemporaryDirectory() as tree:
        plant(root, tree, {})
        for rule in sorted(present):
            status, said = lint(root, tree, rule)
            judge(f"a_clean_tree_passes_{rule}", status == 0, said)
    for name, (rule, files, want) in PLANTED.items():
        if rule not in present:
            continue
        with tempfile.TemporaryDirectory() as tree:
            plant(root, tree, files)
            status, said = lint(root, tree, rule)
            judge(name, status == 1 and said.startswith(want), said)
    with tempfile.TemporaryDirectory() as tree:
        plant(root, tree, {})
        export_a_wrong_symbol(tree)
        status, said = lint(root, tree, "symbols")
        judge("only_public_symbols_are_exported", status == 1 and "tdm__wrong" in said and "tdm_right" not in said, said)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
