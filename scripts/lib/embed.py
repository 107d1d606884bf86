#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""embed.py OUTPUT FILE...: files as C arrays, NUL-terminated, named tdm__asset_NAME_ENDING, with their sizes."""
import os
import re
import sys


def main():
    output, files = sys.argv[1], sys.argv[2:]
    parts = ["/* Made by scripts/lib/embed.py. */", '#include "server/openapi/assets.h"']
    for path in files:
        with open(path, "rb") as f:
            data = f.read()
        name = "tdm__asset_" + re.sub(r"\W", "_", os.path.basename(path))
        rows = [", ".join(str(b if b < 128 else b - 256) for b in data[i:i + 24]) for i in range(0, len(data), 24)]
        parts.append(f"const char {name}[] = {{\n" + ",\n".join(rows + ["0"]) + "};")
        parts.append(f"const size_t {name}_size = sizeof {name} - 1;")
    with open(output, "w", encoding="ascii") as f:
        f.write("\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
