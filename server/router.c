/* SPDX-License-Identifier: MIT */
/* DESIGN: a tree with one level per path segment: literal children in the order they were added, and at most one child
 * that takes any segment. The search goes into the literal child first and comes back for the parameter, so adding
 * /tasks/reset beside /tasks/{id} never hides a method of the other. Segments are compared after decoding, so /%73tats
 * is /stats, and an encoded slash is part of its segment. Routes are few and paths short: a walk over siblings beats a
 * hash here. Parameter names belong to the route, not to the node: two methods may name the same place differently. */
#include "server/router.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *next;
    tdm_route route;
    const char *names[TDM__MAX_PATH_VALUES]; /* of the path's parameters, in order */
    size_t name_count;
    char text[]; /* the names */
};

struct tdm__node {
    struct tdm__node *next;  /* sibling */
    struct tdm__node *first; /* literal children */
    struct tdm__node *any;   /* the child that takes any segment */
    struct entry *entries;   /* what ends here, one per method */
    size_t size;
    char literal[];
};

static const char *const known_methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"};

static struct tdm__node *new_node(const char *literal, size_t size)
{
    struct tdm__node *node = calloc(1, sizeof *node + size + 1);
    if (node) {
        node->size = size;
        memcpy(node->literal, literal, size);
    }
    return node;
}

static void free_node(struct tdm__node *node)
{
    if (!node)
        return;
    while (node->first) {
        struct tdm__node *child = node->first;
        node->first = child->next;
        free_node(child);
    }
    free_node(node->any);
    while (node->entries) {
        struct entry *entry = node->entries;
        node->entries = entry->next;
        free(entry);
    }
    free(node);
}

void tdm__router_finish(tdm__router *router)
{
    free_node(router->root);
    router->root = NULL;
}

/* ---- adding ---- */

static struct tdm__node *child_of(struct tdm__node *parent, const char *segment, size_t size)
{
    bool any = size && segment[0] == '{';
    if (any) {
        if (!parent->any)
            parent->any = new_node("", 0);
        return parent->any;
    }
    struct tdm__node **link = &parent->first;
    for (; *link; link = &(*link)->next) {
        if ((*link)->size == size && memcmp((*link)->literal, segment, size) == 0)
            return *link;
    }
    *link = new_node(segment, size);
    return *link;
}

static const char *check_segment(const char *segment, size_t size)
{
    bool open = memchr(segment, '{', size), shut = memchr(segment, '}', size);
    if (!open && !shut)
        return NULL;
    bool whole = size > 2 && segment[0] == '{' && segment[size - 1] == '}' && !memchr(segment + 1, '{', size - 1) &&
                 !memchr(segment, '}', size - 1);
    return whole ? NULL : "a parameter must be a whole segment: /{name}/";
}

static const char *check_route(const tdm_route *route)
{
    bool known = false;
    for (size_t i = 0; i < sizeof known_methods / sizeof known_methods[0]; i++)
        known = known || (route->method && strcmp(route->method, known_methods[i]) == 0);
    if (!known)
        return "the method is not one of HTTP's";
    if (!route->run)
        return "there is no handler";
    if (!route->path || route->path[0] != '/')
        return "the path does not begin with a slash";
    if (strpbrk(route->path, "?#% "))
        return "the path has a character that does not belong into a route";
    unsigned values = 0;
    for (const char *p = route->path; *p;) {
        p++;
        size_t size = strcspn(p, "/");
        const char *why = check_segment(p, size);
        if (why)
            return why;
        values += size && p[0] == '{';
        p += size;
    }
    return values > TDM__MAX_PATH_VALUES ? "the path has too many parameters" : NULL;
}

/* Names are copied: the path need not outlive the call. */
static struct entry *new_entry(const tdm_route *route)
{
    struct entry *entry = calloc(1, sizeof *entry + strlen(route->path) + 1);
    if (!entry)
        return NULL;
    entry->route = *route;
    char *text = entry->text;
    for (const char *p = route->path; *p;) {
        p++;
        size_t size = strcspn(p, "/");
        if (size && p[0] == '{') {
            entry->names[entry->name_count++] = text;
            memcpy(text, p + 1, size - 2);
            text += size - 1; /* the NUL is there from calloc */
        }
        p += size;
    }
    return entry;
}

static bool has_name(const struct entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->name_count; i++) {
        if (strcmp(entry->names[i], name) == 0)
            return true;
    }
    return false;
}

static const char *check_names(const struct entry *entry)
{
    for (size_t i = 0; i < entry->name_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(entry->names[i], entry->names[j]) == 0)
                return "the path has the same parameter twice";
        }
    }
    for (const tdm_param *param = entry->route.params; param && param->name; param++) {
        if (param->in == TDM_PATH && !has_name(entry, param->name))
            return "a path parameter is not in the path";
    }
    return NULL;
}

static struct entry *entry_of(const struct tdm__node *node, const char *method)
{
    for (struct entry *entry = node->entries; entry; entry = entry->next) {
        if (strcmp(entry->route.method, method) == 0)
            return entry;
    }
    return NULL;
}

int tdm__router_add(tdm__router *router, const tdm_route *route, const char **why)
{
    *why = check_route(route);
    if (*why)
        return -EINVAL;
    struct entry *entry = new_entry(route);
    if (!entry)
        return -ENOMEM;
    int err = -EINVAL;
    *why = check_names(entry);
    if (*why)
        goto fail;
    err = -ENOMEM;
    if (!router->root)
        router->root = new_node("", 0);
    struct tdm__node *node = router->root;
    for (const char *p = route->path; node && *p;) {
        p++;
        size_t size = strcspn(p, "/");
        node = child_of(node, p, size);
        p += size;
    }
    if (!node)
        goto fail;
    err = -EEXIST;
    if (entry_of(node, route->method))
        goto fail;
    entry->next = node->entries;
    node->entries = entry;
    return 0;
fail:
    free(entry);
    return err;
}

/* ---- finding ---- */

struct search {
    tdm__arena *arena;
    const char *method, *end;
    const char *values[TDM__MAX_PATH_VALUES];
    size_t depth;              /* how many of `values` are set on the way down */
    const struct entry *entry; /* what was found */
    unsigned allowed;          /* bits: which known methods the path has */
    bool path_found;
    int err;
};

static const struct entry *choose_entry(const struct tdm__node *node, const char *method)
{
    const struct entry *entry = entry_of(node, method);
    return !entry && strcmp(method, "HEAD") == 0 ? entry_of(node, "GET") : entry;
}

static void note_methods(struct search *search, const struct tdm__node *node)
{
    for (const struct entry *entry = node->entries; entry; entry = entry->next) {
        search->path_found = true;
        for (size_t i = 0; i < sizeof known_methods / sizeof known_methods[0]; i++) {
            if (strcmp(known_methods[i], entry->route.method) == 0)
                search->allowed |= 1u << i;
        }
    }
}

/* `at` stands behind the slash that opens a segment. The depth is that of the tree, which the routes bound. */
static bool walk(struct search *search, const struct tdm__node *node, const char *at)
{
    if (at > search->end) { /* the path is used up */
        note_methods(search, node);
        search->entry = choose_entry(node, search->method);
        return search->entry;
    }
    const char *slash = memchr(at, '/', (size_t) (search->end - at));
    size_t raw_size = (size_t) ((slash ? slash : search->end) - at);
    const char *segment = at;
    size_t size = raw_size;
    if (memchr(at, '%', raw_size) || node->any) {
        search->err = tdm__decode(search->arena, at, raw_size, false, &segment);
        if (search->err)
            return false;
        size = strlen(segment);
    }
    const char *next = at + raw_size + 1;
    for (const struct tdm__node *child = node->first; child; child = child->next) {
        if (child->size == size && memcmp(child->literal, segment, size) == 0 && walk(search, child, next))
            return true;
    }
    if (!node->any || size == 0 || search->err)
        return false;
    assert(search->depth < TDM__MAX_PATH_VALUES);
    search->values[search->depth++] = segment;
    if (walk(search, node->any, next))
        return true;
    search->depth--;
    return false;
}

static int give_values(const struct search *search, tdm__match *out)
{
    size_t count = search->entry->name_count;
    assert(count == search->depth);
    out->values.count = count;
    if (count == 0)
        return 0;
    out->values.list = tdm__arena_alloc(search->arena, count * sizeof *out->values.list);
    if (!out->values.list)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        out->values.list[i] = (tdm__pair){search->entry->names[i], search->values[i]};
    return 0;
}

static void write_allow(unsigned allowed, char *out)
{
    if (allowed & 1u) /* GET brings HEAD */
        allowed |= 2u;
    size_t at = 0;
    for (size_t i = 0; i < sizeof known_methods / sizeof known_methods[0]; i++) {
        if (!(allowed & 1u << i))
            continue;
        size_t size = strlen(known_methods[i]);
        assert(at + size + 3 < TDM__ALLOW_MAX);
        if (at) {
            memcpy(out + at, ", ", 2);
            at += 2;
        }
        memcpy(out + at, known_methods[i], size);
        at += size;
    }
    out[at] = '\0';
}

int tdm__router_find(const tdm__router *router, tdm__arena *arena, const char *method, const char *path,
                     size_t path_size, tdm__match *out)
{
    *out = (tdm__match){0};
    if (!router->root || path_size == 0 || path[0] != '/')
        return -ENOENT;
    struct search search = {.arena = arena, .method = method, .end = path + path_size};
    if (walk(&search, router->root, path + 1)) {
        out->route = &search.entry->route;
        return give_values(&search, out);
    }
    if (search.err)
        return search.err;
    if (!search.path_found)
        return -ENOENT;
    write_allow(search.allowed, out->allow);
    return -EPERM;
}
