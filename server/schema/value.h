/* SPDX-License-Identifier: MIT */
/* One value against its rule, and from text into its place. Pure; any thread. */
#ifndef TANDEM_SERVER_SCHEMA_VALUE_H
#define TANDEM_SERVER_SCHEMA_VALUE_H

#include "server/schema/plan.h"
#include "server/schema/problem.h"

/* sizeof what a value of this type is in a struct; 0: no such type. */
size_t tdm__value_size(const tdm_field *field);

/* Does a value of the right type fit, and if so, put it at `to`? */
tdm__problem tdm__value_int(const tdm__rule *rule, int64_t value, void *to);
tdm__problem tdm__value_float(const tdm__rule *rule, double value, void *to);
tdm__problem tdm__value_string(const tdm__rule *rule, const char *text, size_t size, void *to);
tdm__problem tdm__value_enum(const tdm__rule *rule, const char *text, size_t size, void *to);
tdm__problem tdm__value_bool(bool value, void *to);

/* The same for a value written as text ("5", "yes"), of any type but OBJECT and JSON. The text is NUL-terminated and
 * lives as long as the struct. */
tdm__problem tdm__value_text(const tdm__rule *rule, const char *text, size_t size, void *to);

#endif
