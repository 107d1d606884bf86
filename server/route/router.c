/* SPDX-License-Identifier: MIT */
/* DESIGN: a tree with one level per path segment: literal children, sorted for a binary search, and at most one child
 * for each kind of parameter. The search goes into the literal child first, then into the parameters from the narrowest
 * to the widest, and comes back when it finds no end with the method, so adding /tasks/reset beside /tasks/{id} never
 * hides a method of the other. Going back is bounded by the tree, which the program's author wrote. Parameter names
 * belong to the endpoint, not to the node: two methods may name the same place differently. */
#include "server/route/router.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tdm__node {
    struct tdm__node **literals; /* sorted by size, then bytes */
    size_t literal_count;
    struct tdm__node *kinds[TDM__KINDS]; /* children for parameters; LITERAL's place is empty */
    bool any;                            /* is there one? */
    tdm__endpoint *endpoints;            /* what ends here, one per method */
    size_t size;
    char literal[];
};

static const char *const known_methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"};
enum { GET_BIT = 1u << 0, HEAD_BIT = 1u << 1, OPTIONS_BIT = 1u << 6 };

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
    for (size_t i = 0; i < node->literal_count; i++)
        free_node(node->literals[i]);
    for (int kind = 0; kind < TDM__KINDS; kind++)
        free_node(node->kinds[kind]);
    free(node->literals);
    free(node);
}

void tdm__router_finish(tdm__router *router)
{
    free_node(router->root);
    while (router->first) {
        tdm__endpoint *endpoint = router->first;
        router->first = endpoint->later;
        free(endpoint);
    }
    *router = (tdm__router){0};
}

/* ---- an endpoint ---- */

static int check_names(const tdm__endpoint *e, tdm__why *why)
{
    for (size_t i = 0; i < e->name_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(e->names[i], e->names[j]) == 0)
                return tdm__why_say(why, "it has the parameter `%s` twice", e->names[i]);
        }
    }
    for (const tdm_param *param = e->route.params; param && param->name; param++) {
        bool found = param->in != TDM_PATH;
        for (size_t i = 0; i < e->name_count; i++)
            found = found || strcmp(e->names[i], param->name) == 0;
        if (!found)
            return tdm__why_say(why, "the parameter `%s` is not in the path", param->name);
    }
    return 0;
}

/* Names go behind the path, each with its NUL. */
static int take_names(tdm__endpoint *e, char *to, tdm__why *why)
{
    for (const char *p = e->route.path; *p;) {
        tdm__part part;
        size_t size = tdm__part_length(++p);
        int err = tdm__part_read(p, &part, why);
        if (err)
            return err;
        if (part.kind != TDM__LITERAL) {
            memcpy(to, part.text, part.size);
            e->names[e->name_count] = to;
            e->name_sizes[e->name_count] = part.size;
            e->kinds[e->name_count++] = part.kind;
            to += part.size + 1;
        }
        p += size;
    }
    return check_names(e, why);
}

static bool is_known(const char *method)
{
    for (size_t i = 0; i < sizeof known_methods / sizeof known_methods[0]; i++) {
        if (strcmp(method, known_methods[i]) == 0)
            return true;
    }
    return false;
}

static int check_route(const tdm_route *route, tdm__why *why)
{
    if (!route->method || !is_known(route->method))
        return tdm__why_say(why, "the method is not one of HTTP's, which are written in capitals");
    if (!route->run)
        return tdm__why_say(why, "it has no handler");
    if (!route->path)
        return tdm__why_say(why, "it has no path");
    return 0;
}

int tdm__endpoint_create(tdm__endpoint **out, const tdm_route *route, const char *prefix, tdm__why *why)
{
    int err = check_route(route, why);
    if (err)
        return err;
    size_t prefix_size = strlen(prefix), path_size = strlen(route->path), size = prefix_size + path_size + 1;
    tdm__endpoint *e = calloc(1, sizeof *e + size * 2);
    if (!e)
        return -ENOMEM;
    memcpy(e->text, prefix, prefix_size);
    memcpy(e->text + prefix_size, route->path, path_size);
    e->route = *route;
    e->route.path = e->text;
    err = tdm__path_check(e->text, why);
    if (!err)
        err = take_names(e, e->text + size, why);
    if (err)
        free(e);
    else
        *out = e;
    return err;
}

/* ---- adding ---- */

/* Where this literal stands among a node's, or belongs. */
static size_t place_of(const struct tdm__node *node, const char *text, size_t size, bool *found)
{
    size_t low = 0, high = node->literal_count;
    *found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct tdm__node *child = node->literals[middle];
        int order = child->size == size ? memcmp(child->literal, text, size) : child->size < size ? -1 : 1;
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct tdm__node *literal_child(struct tdm__node *parent, const char *text, size_t size)
{
    bool found;
    size_t at = place_of(parent, text, size, &found);
    if (found)
        return parent->literals[at];
    struct tdm__node *child = new_node(text, size);
    struct tdm__node **grown = realloc(parent->literals, (parent->literal_count + 1) * sizeof *grown);
    if (grown)
        parent->literals = grown;
    if (!child || !grown) {
        free(child);
        return NULL;
    }
    memmove(grown + at + 1, grown + at, (parent->literal_count - at) * sizeof *grown);
    grown[at] = child;
    parent->literal_count++;
    return child;
}

static struct tdm__node *child_of(struct tdm__node *parent, const tdm__part *part)
{
    if (part->kind == TDM__LITERAL)
        return literal_child(parent, part->text, part->size);
    if (!parent->kinds[part->kind])
        parent->kinds[part->kind] = new_node("", 0);
    parent->any = true;
    return parent->kinds[part->kind];
}

static tdm__endpoint *endpoint_of(const struct tdm__node *node, const char *method)
{
    for (tdm__endpoint *e = node->endpoints; e; e = e->next) {
        if (strcmp(e->route.method, method) == 0)
            return e;
    }
    return NULL;
}

int tdm__router_add(tdm__router *router, tdm__endpoint *endpoint, tdm__why *why)
{
    if (!router->root)
        router->root = new_node("", 0);
    struct tdm__node *node = router->root;
    for (const char *p = endpoint->route.path; node && *p;) {
        tdm__part part;
        size_t size = tdm__part_length(++p);
        int err = tdm__part_read(p, &part, why);
        assert(!err); /* tdm__endpoint_create() has read it */
        (void) err;
        node = child_of(node, &part);
        p += size;
    }
    if (!node)
        return -ENOMEM;
    const tdm__endpoint *other = endpoint_of(node, endpoint->route.method);
    if (other) {
        tdm__why_say(why, "%s %s takes the same paths", other->route.method, other->route.path);
        return -EEXIST;
    }
    endpoint->next = node->endpoints;
    node->endpoints = endpoint;
    if (router->last)
        router->last->later = endpoint;
    else
        router->first = endpoint;
    router->last = endpoint;
    return 0;
}

/* ---- finding ---- */

struct search {
    const tdm__segments *segments;
    const char *method;
    size_t values[TDM__MAX_PATH_VALUES]; /* segments that parameters have taken on the way down */
    size_t depth;
    tdm__endpoint *endpoint; /* what was found */
    unsigned allowed;        /* bits: which known methods the path has */
};

static tdm__endpoint *choose_endpoint(const struct tdm__node *node, const char *method)
{
    tdm__endpoint *e = endpoint_of(node, method);
    return !e && strcmp(method, "HEAD") == 0 ? endpoint_of(node, "GET") : e;
}

static void note_methods(struct search *search, const struct tdm__node *node)
{
    for (const tdm__endpoint *e = node->endpoints; e; e = e->next) {
        for (size_t i = 0; i < sizeof known_methods / sizeof known_methods[0]; i++) {
            if (strcmp(known_methods[i], e->route.method) == 0)
                search->allowed |= 1u << i;
        }
    }
}

static bool end_here(struct search *search, const struct tdm__node *node)
{
    search->endpoint = choose_endpoint(node, search->method);
    if (!search->endpoint)
        note_methods(search, node);
    return search->endpoint;
}

static bool walk(struct search *search, const struct tdm__node *node, size_t at);

static bool walk_kinds(struct search *search, const struct tdm__node *node, size_t at)
{
    const tdm__segment *segment = &search->segments->list[at];
    for (int kind = TDM__WHOLE; kind < TDM__KINDS; kind++) {
        const struct tdm__node *child = node->kinds[kind];
        if (!child || (kind != TDM__REST && !tdm__segment_fits(segment, (tdm__kind) kind)))
            continue;
        assert(search->depth < TDM__MAX_PATH_VALUES);
        search->values[search->depth++] = at;
        if (kind == TDM__REST ? end_here(search, child) : walk(search, child, at + 1))
            return true;
        search->depth--;
    }
    return false;
}

/* `at` is the segment that comes next. The depth is that of the tree, which the routes bound. */
static bool walk(struct search *search, const struct tdm__node *node, size_t at)
{
    if (at == search->segments->count)
        return end_here(search, node);
    const tdm__segment *segment = &search->segments->list[at];
    bool found;
    size_t place = place_of(node, segment->text, segment->size, &found);
    if (found && walk(search, node->literals[place], at + 1))
        return true;
    return node->any && walk_kinds(search, node, at);
}

static int give_values(const struct search *search, tdm__arena *arena, tdm__match *out)
{
    const tdm__endpoint *e = search->endpoint;
    size_t count = e->name_count;
    assert(count == search->depth);
    if (count == 0)
        return 0;
    out->values.list = tdm__arena_alloc(arena, count * sizeof *out->values.list);
    if (!out->values.list)
        return -ENOMEM;
    out->values.count = count;
    for (size_t i = 0; i < count; i++) {
        tdm__pair *pair = &out->values.list[i];
        const tdm__segment *segment = &search->segments->list[search->values[i]];
        int err = 0;
        *pair = (tdm__pair){.name = e->names[i], .name_size = e->name_sizes[i], .value_size = segment->size};
        if (e->kinds[i] == TDM__REST)
            err = tdm__path_rest(arena, search->segments, search->values[i], &pair->value, &pair->value_size);
        else
            pair->value = tdm__arena_copy(arena, segment->text, segment->size);
        if (err || !pair->value)
            return err ? err : -ENOMEM;
    }
    return 0;
}

static void write_allow(unsigned allowed, char *out)
{
    allowed |= OPTIONS_BIT | (allowed & GET_BIT ? HEAD_BIT : 0);
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
    out->endpoint = NULL;
    out->values = (tdm__pairs){0};
    if (path_size == 0 || path[0] != '/')
        return -ENOENT;
    tdm__segments segments;
    int err = tdm__path_split(arena, path, path_size, &segments);
    if (err)
        return err;
    if (!router->root)
        return -ENOENT;
    struct search search;
    search.segments = &segments;
    search.method = method;
    search.depth = 0;
    search.endpoint = NULL;
    search.allowed = 0;
    if (walk(&search, router->root, 0)) {
        out->endpoint = search.endpoint;
        return give_values(&search, arena, out);
    }
    if (!search.allowed)
        return -ENOENT;
    write_allow(search.allowed, out->allow);
    return -EPERM;
}
