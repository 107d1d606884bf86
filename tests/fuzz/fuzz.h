/* SPDX-License-Identifier: MIT */
/* What a fuzz target gives. The runner in fuzz.c calls it with seeds and mutations of them; with -Dfuzz=true (clang)
 * libFuzzer does. A target asserts what must hold of any bytes. */
#ifndef TANDEM_TESTS_FUZZ_H
#define TANDEM_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
