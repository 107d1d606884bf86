/* SPDX-License-Identifier: MIT */
/* A JSON body into a struct: whatever the bytes, values within their limits, or an answer that is valid JSON; and what
 * was read can be written by the same table and read again. */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "server/schema/body.h"
#include "tests/fuzz/fuzz.h"

struct leaf {
    int64_t n;
    const char *text;
};

struct tree {
    const char *name;
    int64_t count;
    double weight;
    bool flag, has_note;
    int kind;
    const char *note, *any;
    struct leaf leaf;
    tdm_list tags, children;
};

#define FIELD(name) offsetof(struct tree, name)

extern const tdm_schema fuzz_tree;

static const char *const kinds[] = {"a", "b", NULL};

static const tdm_field leaf_fields[] = {
    {.name = "n", .type = TDM_INT, .offset = offsetof(struct leaf, n), .multiple_of = 3},
    {.name = "text",
     .type = TDM_STRING,
     .offset = offsetof(struct leaf, text),
     .optional = true,
     .pattern = "^[a-c]*$"},
    {0},
};
static const tdm_schema leaf = {.name = "Leaf", .fields = leaf_fields, .size = sizeof(struct leaf), .strict = true};

static const tdm_field tree_fields[] = {
    {.name = "name", .type = TDM_STRING, .offset = FIELD(name), .min_length = 1, .max_length = 4},
    {.name = "count", .type = TDM_INT, .offset = FIELD(count), .fallback = "1", .range = TDM_RANGE(0, 100)},
    {.name = "weight", .type = TDM_FLOAT, .offset = FIELD(weight), .fallback = "0.5", .range = TDM_BETWEEN(-1, 1)},
    {.name = "flag", .type = TDM_BOOL, .offset = FIELD(flag), .fallback = "no"},
    {.name = "kind", .type = TDM_ENUM, .offset = FIELD(kind), .fallback = "b", .choices = kinds},
    {.name = "note", .type = TDM_STRING, .offset = FIELD(note), .optional = true, .given = FIELD(has_note)},
    {.name = "any", .type = TDM_JSON, .offset = FIELD(any), .optional = true},
    {.name = "leaf", .type = TDM_OBJECT, .offset = FIELD(leaf), .optional = true, .object = &leaf},
    {.name = "tags", .type = TDM_STRING, .offset = FIELD(tags), .list = true, .optional = true, .max_items = 3},
    {.name = "children",
     .type = TDM_OBJECT,
     .offset = FIELD(children),
     .list = true,
     .optional = true,
     .object = &fuzz_tree},
    {0},
};
const tdm_schema fuzz_tree = {.name = "Tree", .fields = tree_fields, .size = sizeof(struct tree)};

static void check(const struct tree *tree)
{
    assert(tree->name && strlen(tree->name) >= 1 && tree->count >= 0 && tree->count <= 100);
    assert(tree->weight > -1 && tree->weight < 1 && (tree->kind == 0 || tree->kind == 1));
    assert((!tree->has_note || tree->note) && tree->tags.count <= 3 && tree->leaf.n % 3 == 0);
    for (size_t i = 0; i < tree->children.count; i++)
        check((const struct tree *) tree->children.items + i);
}

static const tdm__plan *plan(void)
{
    static tdm__plans plans;
    static const tdm__plan *made;
    tdm__why why;
    int err = made ? 0 : tdm__plans_object(&plans, &fuzz_tree, &made, &why);
    assert(err == 0);
    return made;
}

/* @return was it right? */
static bool fill(const char *text, size_t size, struct tree *tree, tdm__arena *arena)
{
    tdm__problems problems = {0};
    int err = tdm__body_fill(plan(), tree, text, size, arena, &problems);
    assert(err == 0 && problems.count <= TDM_MAX_PROBLEMS);
    bool right = problems.count == 0;
    if (!right) {
        size_t answer_size;
        tdm_json *root = NULL;
        err = tdm__problems_end(&problems);
        const char *answer = tdm_json_text(&problems.w, &answer_size);
        assert(err == 0 && answer);
        err = tdm_json_parse(&root, answer, answer_size, NULL);
        assert(err == 0 || err == -E2BIG); /* what it gives back may be as deep as what it got */
        tdm_json_destroy(&root);
    }
    tdm__problems_finish(&problems);
    return right;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char first[1024], second[1024], text[8192];
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    tdm__arena arena, again;
    tdm__arena_init(&arena, first, sizeof first);
    tdm__arena_init(&again, second, sizeof second);
    struct tree tree = {0}, other = {0};
    if (fill(text, size, &tree, &arena)) {
        tdm_json_writer w;
        size_t written;
        check(&tree);
        tdm_json_init(&w);
        tdm_json_struct(&w, &fuzz_tree, &tree);
        const char *json = tdm_json_text(&w, &written);
        assert(json || tdm_json_error(&w) == -EINVAL); /* the writer's own depth */
        bool right = !json || fill(json, written, &other, &again);
        assert(right);
        tdm_json_finish(&w);
    }
    tdm__arena_finish(&arena);
    tdm__arena_finish(&again);
    return 0;
}
