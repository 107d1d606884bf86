# SPDX-License-Identifier: MIT
"""figures.py: pass standard input on, and see that its figures are well-formed; exit 1 if one is not, or there is none."""
import json
import sys

KEYS = ["bench", "figure", "value", "unit", "baseline", "ratio", "better", "rounds", "min", "max"]


def wrong(figure):
    """What is wrong with a figure, or None."""
    if not isinstance(figure, dict) or list(figure) not in (KEYS, KEYS + ["against"]):
        return f"its keys are not {', '.join(KEYS)}, and against where there are several baselines"
    if not figure["rounds"] >= 1 or not figure["min"] <= figure["value"] <= figure["max"]:
        return "value is not within min and max"
    if figure["better"] not in ("higher", "lower"):
        return "better is neither higher nor lower"
    if figure["baseline"] and abs(figure["ratio"] - figure["value"] / figure["baseline"]) > 1e-4 * figure["ratio"]:
        return "ratio is not value / baseline"
    return None


def main():
    count = bad = 0
    last_is_figure = False
    for line in sys.stdin:
        print(line, end="", flush=True)
        last_is_figure = line.startswith("{")
        if last_is_figure:
            count += 1
            try:
                what = wrong(json.loads(line))
            except (ValueError, TypeError, KeyError) as e:
                what = f"not a figure: {e}"
            if what:
                bad += 1
                print(f"^ {what}")
    if not count or not last_is_figure:
        print("no figures, or they are not what the run ends with")
    return 1 if bad or not last_is_figure else 0


if __name__ == "__main__":
    sys.exit(main())
