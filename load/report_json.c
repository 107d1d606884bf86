/* SPDX-License-Identifier: MIT */
/* DESIGN: the figures for programs: the plan, where it ran, the steps, the knees. Times are seconds; a figure that is
 * not known is null, never 0. A change that a reader of LOAD_SCHEMA could trip over needs a new schema name, and
 * docs/tandem-load.schema.json says what a reader may count on; the tests hold reports against it. */
#include "load/report_json.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <tandem/tandem.h>

#include "load/report_keys.h"
#include "load/words.h"

static void write_levels(tdm_json_writer *w, const load_level *levels, unsigned count)
{
    tdm_json_key(w, "levels");
    tdm_json_array_begin(w);
    for (unsigned i = 0; i < count; i++) {
        tdm_json_object_begin(w);
        load_key_uint(w, "connections", levels[i].connections);
        load_key_positive(w, "rate", levels[i].rate);
        load_key_positive(w, "requests", (double) levels[i].requests);
        tdm_json_object_end(w);
    }
    tdm_json_array_end(w);
}

static void write_plan(tdm_json_writer *w, const load_plan *plan)
{
    const load_options *options = &plan->options;
    tdm_json_key(w, "plan");
    tdm_json_object_begin(w);
    write_levels(w, plan->levels, plan->level_count);
    load_key_positive(w, "requests", options->requests);
    load_key_positive(w, "duration", options->duration_s);
    load_key_uint(w, "rounds", plan->rounds ? plan->rounds : 1);
    load_key_bool(w, "follow", options->follow);
    load_key_double(w, "timeout", options->timeout_s);
    load_key_double(w, "connect_timeout", options->connect_timeout_s);
    load_key_double(w, "follow_timeout", options->follow_timeout_s);
    tdm_json_object_end(w);
}

static void write_targets(tdm_json_writer *w, const load_plan *plan)
{
    tdm_json_key(w, "targets");
    tdm_json_array_begin(w);
    for (unsigned i = 0; i < plan->target_count; i++) {
        const load_target *target = &plan->targets[i];
        tdm_json_object_begin(w);
        load_key_string(w, "url", target->url.text);
        load_key_string(w, "label", target->label);
        write_levels(w, target->levels, target->level_count);
        tdm_json_key(w, "requests");
        tdm_json_array_begin(w);
        for (unsigned k = 0; k < target->request_count; k++) {
            tdm_json_object_begin(w);
            load_key_string(w, "url", target->requests[k].url.text);
            load_key_string(w, "label", load_words_request(target, k));
            load_key_uint(w, "weight", target->requests[k].weight);
            tdm_json_object_end(w);
        }
        tdm_json_array_end(w);
        tdm_json_object_end(w);
    }
    tdm_json_array_end(w);
}

/* Figures of different machines are not to be compared, so a report says where it was made. */
static void write_machine(tdm_json_writer *w)
{
    struct utsname name;
    char system[200] = "";
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (uname(&name) == 0)
        snprintf(system, sizeof system, "%s %s %s", name.sysname, name.release, name.machine);
    tdm_json_key(w, "machine");
    tdm_json_object_begin(w);
    load_key_string(w, "system", *system ? system : NULL);
    load_key_known(w, "cores", cores);
    tdm_json_object_end(w);
}

static void write_knees(tdm_json_writer *w, const load_sweep *sweep)
{
    tdm_json_key(w, "knees");
    tdm_json_array_begin(w);
    for (unsigned i = 0; i < sweep->knee_count; i++) {
        const load_knee *knee = &sweep->knees[i];
        bool found = knee->rule >= LOAD_KNEE_RATE;
        tdm_json_object_begin(w);
        load_key_uint(w, "target", knee->target_index);
        load_key_uint(w, "round", knee->round);
        load_key_string(w, "rule", load_knee_rule_name(knee->rule));
        load_key_known(w, "step", found ? (int64_t) knee->step : LOAD_UNKNOWN);
        if (found) {
            load_key_double(w, "value", knee->value);
            load_key_double(w, "limit", knee->limit);
        } else {
            load_key_null(w, "value");
            load_key_null(w, "limit");
        }
        load_key_string(w, "words", *knee->words ? knee->words : NULL);
        tdm_json_object_end(w);
    }
    tdm_json_array_end(w);
}

static const char *loop_of(const load_sweep *sweep)
{
    for (unsigned i = 1; i < sweep->step_count; i++)
        if (sweep->steps[i].loop != sweep->steps[0].loop)
            return "mixed";
    return sweep->step_count ? load_loop_name(sweep->steps[0].loop) : NULL;
}

static void write_document(tdm_json_writer *w, const load_sweep *sweep)
{
    tdm_json_object_begin(w);
    load_key_string(w, "schema", LOAD_SCHEMA);
    load_key_string(w, "version", tdm_version());
    load_key_string(w, "loop", loop_of(sweep));
    load_key_uint(w, "status", (uint64_t) load_sweep_status(sweep));
    load_key_bool(w, "interrupted", sweep->interrupted);
    load_key_string(w, "unreachable", sweep->unreachable ? sweep->why : NULL);
    write_machine(w);
    write_plan(w, sweep->plan);
    write_targets(w, sweep->plan);
    tdm_json_key(w, "steps");
    tdm_json_array_begin(w);
    for (unsigned i = 0; i < sweep->step_count; i++)
        load_report_json_step(w, &sweep->steps[i]);
    tdm_json_array_end(w);
    write_knees(w, sweep);
    tdm_json_object_end(w);
}

int load_report_json(FILE *to, const load_sweep *sweep)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    write_document(&w, sweep);
    const char *text = tdm_json_text(&w, NULL);
    int err = tdm_json_error(&w);
    if (text)
        fprintf(to, "%s\n", text);
    tdm_json_finish(&w);
    return err;
}

int load_report_tree(tdm_json **out, const load_sweep *sweep)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    write_document(&w, sweep);
    size_t size = 0;
    const char *text = tdm_json_text(&w, &size);
    int err = tdm_json_error(&w);
    if (text)
        err = tdm_json_parse(out, text, size, NULL);
    tdm_json_finish(&w);
    return err ? -ENOMEM : 0;
}
