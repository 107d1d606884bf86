# SPDX-License-Identifier: MIT
"""scripts/lib/tally.py counts single tests, and a program that crashed as failed."""
import json
import os
import subprocess
import sys
import tempfile

CHECK = "Running suite(s): s\n{percent}%: Checks: {n}, Failures: {f}, Errors: {e}\n"


def entry(name, result, stdout=""):
    return {"name": name, "result": result, "stdout": stdout}


def check(n, f=0, e=0):
    return CHECK.format(percent=100, n=n, f=f, e=e)


# promise: (entries, meson's status, the last line)
CASES = {
    "check_programs_are_summed": ([entry("a", "OK", check(7)), entry("b", "OK", check(2))], 0, "9 passed, 0 failed"),
    "two_runners_in_a_program_are_summed": ([entry("a", "OK", check(7) + check(3))], 0, "10 passed, 0 failed"),
    "failures_and_errors_are_failed_tests":
        ([entry("a", "FAIL", check(7, 2, 1)), entry("b", "OK", check(1))], 1, "5 passed, 3 failed"),
    "a_program_without_counts_is_one_test":
        ([entry("a", "OK", "hello"), entry("b", "FAIL", "")], 1, "1 passed, 1 failed"),
    "a_crash_is_a_failure": ([entry("a", "FAIL", ""), entry("b", "OK", check(1))], 1, "1 passed, 1 failed"),
    "a_crash_after_good_counts_is_a_failure": ([entry("a", "FAIL", check(4))], 1, "4 passed, 1 failed"),
    "a_timeout_is_a_failure": ([entry("a", "TIMEOUT")], 1, "0 passed, 1 failed"),
    "plain_counts_are_taken": ([entry("a", "OK", "x\n12 passed, 0 failed\n")], 0, "12 passed, 0 failed"),
    "plain_failures_are_taken": ([entry("a", "FAIL", "12 passed, 3 failed\n")], 1, "12 passed, 3 failed"),
    "a_skipped_program_counts_as_nothing": ([entry("a", "SKIP"), entry("b", "OK")], 0, "1 passed, 0 failed"),
    "what_was_not_run_is_shown":
        ([entry("a", "OK", "not run: b (none)\n3 passed, 0 failed\n")], 0, "3 passed, 0 failed"),
    "no_test_at_all_is_a_failure": ([], 0, "0 passed, 1 failed"),
    "mesons_own_failure_is_a_failure": ([entry("a", "OK")], 2, "1 passed, 1 failed"),
}


def main():
    tally = os.path.join(sys.argv[1], "scripts", "lib", "tally.py")
    failed = 0
    for name, (entries, status, want) in CASES.items():
        with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
            log.write("".join(json.dumps(e) + "\n" for e in entries))
            log.flush()
            run = subprocess.run([sys.executable, tally, log.name, str(status)], capture_output=True, text=True)
        last = run.stdout.splitlines()[-1]
        good = last == want and run.returncode == (0 if want.endswith(" 0 failed") else 1)
        good = good and ("a: not run: b (none)" in run.stdout) == ("not_run" in name)
        if not good:
            failed += 1
            print(f"{name}: wanted {want!r}, got {last!r} and exit {run.returncode}")
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
