/* SPDX-License-Identifier: MIT */
/* DESIGN: a fuzzer as a plain program, so that every compiler and sanitizer runs it in every test run, with the same
 * inputs each time: all seeds of a directory, then RUNS mutations of them made from a fixed seed. A mutation flips bits,
 * inserts words of the dictionary, repeats, deletes, or joins two seeds. What made it crash is written to
 * standard error as a C string by an abort handler, for the corpus. */
#include <assert.h>
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

enum { INPUTS_MAX = 256, INPUT_SIZE_MAX = 1 << 16, MUTATIONS_MAX = 6 };

typedef struct input {
    uint8_t *data;
    size_t size;
} input;

static input seeds[INPUTS_MAX], words[INPUTS_MAX];
static size_t seed_count, word_count;
static uint8_t current[INPUT_SIZE_MAX];
static size_t current_size;
static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t next_random(uint64_t below)
{
    assert(below);
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static void tell_input(int signal_number)
{
    static const char digits[] = "0123456789abcdef";
    char out[4];
    for (size_t i = 0; i < current_size; i++) {
        out[0] = '\\';
        out[1] = 'x';
        out[2] = digits[current[i] >> 4];
        out[3] = digits[current[i] & 15];
        if (write(STDERR_FILENO, out, sizeof out) < 0)
            break;
    }
    sigaction(signal_number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    raise(signal_number);
}

static void add(input *list, size_t *count, const uint8_t *data, size_t size)
{
    if (*count == INPUTS_MAX || size > INPUT_SIZE_MAX)
        return;
    uint8_t *copy = malloc(size + 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    list[(*count)++] = (input){copy, size};
}

static size_t slurp(const char *path)
{
    FILE *f = fopen(path, "rbe");
    if (!f) {
        perror(path);
        exit(2);
    }
    size_t size = fread(current, 1, sizeof current, f);
    fclose(f);
    return size;
}

static void read_seeds(const char *dir)
{
    struct dirent **names;
    int n = scandir(dir, &names, NULL, alphasort);
    if (n < 0) {
        perror(dir);
        exit(2);
    }
    for (int i = 0; i < n; i++) {
        char path[4096];
        if (names[i]->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
            size_t size = slurp(path);
            add(seeds, &seed_count, current, size);
        }
        free(names[i]);
    }
    free(names);
}

static unsigned hex(uint8_t digit)
{
    return digit <= '9' ? digit - 48u : (digit | 32u) - 97u + 10u;
}

/* A line of libFuzzer's dictionaries: "text", with \\, \" and \xNN. */
static void read_word(const uint8_t *line, size_t size)
{
    uint8_t word[256];
    size_t n = 0;
    for (size_t i = 1; i + 1 < size && n < sizeof word; i++) {
        uint8_t byte = line[i];
        if (byte == '\\' && line[i + 1] == 'x' && i + 4 < size) {
            byte = (uint8_t) (hex(line[i + 2]) << 4 | hex(line[i + 3]));
            i += 3;
        } else if (byte == '\\') {
            byte = line[++i];
        }
        word[n++] = byte;
    }
    add(words, &word_count, word, n);
}

static void read_words(const char *path)
{
    static uint8_t text[INPUT_SIZE_MAX];
    size_t size = slurp(path);
    memcpy(text, current, size);
    for (size_t begin = 0, i = 0; i < size; i++) {
        if (text[i] != '\n')
            continue;
        read_word(text + begin, i - begin);
        begin = i + 1;
    }
}

static void insert(size_t at, const uint8_t *data, size_t size)
{
    if (current_size + size > sizeof current)
        return;
    memmove(current + at + size, current + at, current_size - at);
    memcpy(current + at, data, size);
    current_size += size;
}

static void cut(size_t at, size_t size)
{
    if (size > current_size - at)
        size = current_size - at;
    memmove(current + at, current + at + size, current_size - at - size);
    current_size -= size;
}

static void mutate(void)
{
    static uint8_t piece[INPUT_SIZE_MAX];
    size_t at = next_random(current_size + 1), size = next_random(64) + 1;
    switch (next_random(5)) {
    case 0:
        if (at < current_size)
            current[at] ^= (uint8_t) (1u << next_random(8));
        break;
    case 1: {
        const input *word = &words[next_random(word_count)];
        insert(at, word->data, word->size);
        break;
    }
    case 2:
        cut(at, size);
        break;
    case 3:
        if (size > current_size - at)
            size = current_size - at;
        memcpy(piece, current + at, size);
        for (uint64_t times = next_random(100); times; times--)
            insert(at, piece, size);
        break;
    default: {
        const input *other = &seeds[next_random(seed_count)];
        insert(at, other->data, other->size);
        break;
    }
    }
}

static void run(void)
{
    LLVMFuzzerTestOneInput(current, current_size);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s CORPUS-DIRECTORY DICTIONARY RUNS\n", argv[0]);
        return 2;
    }
    read_seeds(argv[1]);
    read_words(argv[2]);
    if (!seed_count || !word_count) {
        fprintf(stderr, "%s: no seeds in %s, or no words in %s\n", argv[0], argv[1], argv[2]);
        return 2;
    }
    sigaction(SIGABRT, &(struct sigaction){.sa_handler = tell_input}, NULL);
    unsigned long runs = strtoul(argv[3], NULL, 10);
    if (!seed_count) {
        fprintf(stderr, "no seeds\n");
        return 2;
    }
    for (unsigned long i = 0; i < seed_count + runs; i++) {
        const input *seed = &seeds[i < seed_count ? i : next_random(seed_count)];
        memcpy(current, seed->data, seed->size);
        current_size = seed->size;
        for (uint64_t times = i < seed_count ? 0 : next_random(MUTATIONS_MAX) + 1; times; times--)
            mutate();
        run();
    }
    printf("%zu seeds and %lu mutations\n1 passed, 0 failed\n", seed_count, runs);
    for (size_t i = 0; i < seed_count; i++)
        free(seeds[i].data);
    for (size_t i = 0; i < word_count; i++)
        free(words[i].data);
    return 0;
}
