# SPDX-License-Identifier: MIT
"""What contest.py promises: figures that scripts/lib/figures.py takes, missing baselines, limits, and the table."""
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import types

import contest
import harness

FIGURES = os.path.join(harness.ROOT, "scripts", "lib", "figures.py")


def said_by(work, *, check=False, rounds=3, write=False):
    """(figures, notes, status) of `work(bench)`."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        bench = contest.Contest("demo", types.SimpleNamespace(check=check, rounds=rounds, write=write))
        work(bench)
        status = bench.end()
    taken = subprocess.run([sys.executable, FIGURES], input=out.getvalue(), capture_output=True, text=True, check=False)
    assert not out.getvalue() or taken.returncode == 0, taken.stdout
    return [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue(), status


def each_baseline_has_a_line_with_its_name_and_ratio():
    lines, _, _ = said_by(lambda b: b.figure("x", [4, 6, 8], "1/s", {"go": [3, 3, 3], "node": [12, 12, 12]}, "higher"))
    assert [(line["against"], line["ratio"]) for line in lines] == [("go", 2), ("node", 0.5)], lines


def a_figure_without_baselines_has_one_line():
    lines, _, _ = said_by(lambda b: b.figure("x", [1, 2, 3], "ns", {}))
    assert len(lines) == 1 and lines[0]["baseline"] is None and "against" not in lines[0], lines


def a_baseline_that_was_not_run_is_null_and_not_judged():
    lines, notes, status = said_by(lambda b: b.figure("x", [1], "ns", {"go": None}, wanted={"go": 0.1}))
    assert lines[0]["against"] == "go" and lines[0]["baseline"] is None and lines[0]["ratio"] is None, lines
    assert "not run" in notes and status == 0, notes


def a_program_that_is_not_there_is_named_with_how_to_get_it():
    def work(bench):
        missing = contest.Contestant("go", ["no-such-program"], missing="golang-go is not installed")
        here = contest.Contestant("ours", ["echo", '{"ns": 7}'])
        results = bench.rounds([here, missing], None)
        assert results == {"ours": [{"ns": 7}] * 3}, results
    _, notes, _ = said_by(work)
    assert "go was not run: golang-go is not installed; scripts/setup --bench" in notes, notes


def each_round_begins_with_another():
    with tempfile.NamedTemporaryFile("r") as order:
        def work(bench):
            bench.rounds([contest.Contestant(name, ["sh", "-c", f"printf {name} >>{order.name}; echo {{}}"])
                          for name in "abc"], None)
        said_by(work)
        assert order.read() == "abcbcacab"


def a_program_that_fails_fails_the_bench():
    try:
        said_by(lambda b: b.rounds([contest.Contestant("ours", ["sh", "-c", "echo broken >&2; exit 3"])], None))
    except SystemExit as e:
        assert "broken" in str(e) and "3" in str(e), e
    else:
        raise AssertionError("it went on")


def limits_are_judged_by_better_and_only_in_a_full_run():
    for values, better, wanted, want in (([9, 9, 9], "higher", {"go": 3}, 0), ([8.9] * 3, "higher", {"go": 3}, 1),
                                         ([3, 3, 3], "lower", {"go": 1}, 0), ([3.1] * 3, "lower", {"go": 1}, 1),
                                         ([320] * 3, "lower", {None: 320}, 0), ([321] * 3, "lower", {None: 320}, 1)):
        def work(bench):
            bench.figure("x", values, "u", {"go": [3, 3, 3]}, better, wanted)
        _, notes, status = said_by(work)
        assert status == want and ("BROKEN" in notes) == bool(want), (values, better, notes)
        assert said_by(work, check=True)[2] == 0


def figures_that_should_agree_may_differ_either_way_and_no_more():
    for value, want in ((0.91, 0), (1.09, 0), (0.89, 1), (1.11, 1)):
        _, notes, status = said_by(lambda b: b.limits.within("x", value, 0.9, 1.1))
        assert status == want and ("BROKEN" in notes) == bool(want), (value, notes)


def a_percentile_is_the_least_value_that_so_many_do_not_exceed():
    values = list(range(1, 1001))
    for share, want in ((50, 500), (99, 990), (99.9, 999), (100, 1000), (0, 1)):
        assert harness.percentile(values, share) == want, (share, harness.percentile(values, share))


def the_table_goes_between_its_marks_and_replaces_what_was_there():
    page = "before\n<!-- demo: begin -->\nold\n<!-- demo: end -->\nafter\n"
    with tempfile.NamedTemporaryFile("r+", encoding="utf-8") as file:
        file.write(page)
        file.flush()
        contest.PAGE = file.name
        for value in (1234567, 7):
            said_by(lambda b: b.figure("x", [value], "1/s", {"go": [value * 2], "node": None}), write=True, rounds=1)
            with open(file.name, encoding="utf-8") as f:
                text = f.read()
            assert text.startswith("before\n<!-- demo: begin -->\n") and text.endswith("<!-- demo: end -->\nafter\n"), text
            assert re.search(rf"\| +{contest.readable(value)} \(", text) and "· 0.5 |" in text, text
            assert " not run |" in text and "old" not in text, text
        assert "1,235,000" not in text, text
        said_by(lambda b: (setattr(b, "versions", {"wrk": "4.1", "h2load": None}), b.figure("x", [7], "1/s", {})),
                write=True)
        with open(file.name, encoding="utf-8") as f:
            text = f.read()
        assert "; wrk 4.1, Linux " in text and "Python" not in text, text
        said_by(lambda b: b.figure("x", [8], "1/s", {}), write=True, check=True)
        with open(file.name, encoding="utf-8") as f:
            assert f.read() == text, "a run in its smallest form was written down"


def numbers_are_short():
    for value, want in ((0.012345, "0.0123"), (1.5, "1.5"), (999, "999"), (4521.6, "4,522"), (6464365.9, "6,464,000")):
        assert contest.readable(value) == want, (value, contest.readable(value))


TESTS = (each_baseline_has_a_line_with_its_name_and_ratio, a_figure_without_baselines_has_one_line,
         a_baseline_that_was_not_run_is_null_and_not_judged, a_program_that_is_not_there_is_named_with_how_to_get_it,
         each_round_begins_with_another, a_program_that_fails_fails_the_bench,
         limits_are_judged_by_better_and_only_in_a_full_run,
         figures_that_should_agree_may_differ_either_way_and_no_more,
         a_percentile_is_the_least_value_that_so_many_do_not_exceed,
         the_table_goes_between_its_marks_and_replaces_what_was_there, numbers_are_short)

if __name__ == "__main__":
    failed = 0
    for test in TESTS:
        try:
            test()
        except AssertionError as e:
            failed += 1
            print(f"{test.__name__}: {e}")
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
