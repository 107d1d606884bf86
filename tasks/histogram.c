/* SPDX-License-Identifier: MIT */
/* DESIGN: a log-linear histogram. Values below 2^bits have a bucket each; above, every power of two is cut into
 * 2^(bits-1) buckets of equal width, where 2^(bits-1) is at least 10^digits, so a bucket is never wider than one unit
 * of the last kept digit. The bucket of a value is found by a count of leading zeros and a shift: no division, no
 * branch on the size of the value. Buckets are in the order of their values, so a percentile is one walk.
 * The sum has 128 bits (two words), so the mean is exact whatever was recorded. */
#include <tandem/histogram.h>

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct tdm_histogram {
    int64_t limit;            /* the largest value kept apart */
    uint64_t low_mask;        /* 2^bits - 1 */
    unsigned bits, half_bits; /* half_bits: bits - 1 */
    size_t buckets;
    uint64_t count, clipped;
    uint64_t sum_low, sum_high;
    int64_t min, max; /* INT64_MAX and 0 while nothing is recorded */
    uint64_t bucket[];
};

/* How far a value is shifted so that it fits into `bits` bits. */
static inline unsigned shift_of(const tdm_histogram *h, int64_t value)
{
    unsigned highest =
        (unsigned) __builtin_clzll((uint64_t) value | h->low_mask) ^ 63; /* the number of its highest bit */
    return highest - h->half_bits;
}

static inline size_t index_of(const tdm_histogram *h, int64_t value)
{
    unsigned shift = shift_of(h, value);
    return ((size_t) shift << h->half_bits) + (size_t) ((uint64_t) value >> shift);
}

/* The largest value of a bucket. */
static int64_t top_of(const tdm_histogram *h, size_t index)
{
    size_t half = (size_t) 1 << h->half_bits;
    if (index < 2 * half)
        return (int64_t) index;
    unsigned shift = (unsigned) (index / half - 1);
    uint64_t position = index - (size_t) shift * half;
    return (int64_t) (((position + 1) << shift) - 1);
}

static void clear(tdm_histogram *h)
{
    h->count = h->clipped = h->sum_low = h->sum_high = 0;
    h->min = INT64_MAX;
    h->max = 0;
}

int tdm_histogram_create(tdm_histogram **out, int64_t max, int digits)
{
    static const unsigned bits_of[] = {0, 5, 8, 11}; /* 2^(bits-1) >= 10^digits */
    if (max < 1 || digits < 1 || digits > 3)
        return -EINVAL;
    tdm_histogram shape = {.limit = max, .bits = bits_of[digits], .half_bits = bits_of[digits] - 1};
    shape.low_mask = (UINT64_C(1) << shape.bits) - 1;
    shape.buckets = index_of(&shape, max) + 1;
    tdm_histogram *h = calloc(1, sizeof *h + shape.buckets * sizeof h->bucket[0]);
    if (!h)
        return -ENOMEM;
    h->limit = shape.limit;
    h->bits = shape.bits;
    h->half_bits = shape.half_bits;
    h->low_mask = shape.low_mask;
    h->buckets = shape.buckets;
    clear(h);
    *out = h;
    return 0;
}

void tdm_histogram_destroy(tdm_histogram **h)
{
    if (!h)
        return;
    free(*h);
    *h = NULL;
}

/* Of a value out of range: what it is counted as. */
static int64_t clip(tdm_histogram *h, int64_t value)
{
    if (value < 0)
        return 0;
    h->clipped++;
    return h->limit;
}

void tdm_histogram_record(tdm_histogram *h, int64_t value)
{
    if ((uint64_t) value > (uint64_t) h->limit) /* negative, or too large */
        value = clip(h, value);
    h->bucket[index_of(h, value)]++;
    h->count++;
    h->sum_low += (uint64_t) value;
    h->sum_high += h->sum_low < (uint64_t) value;
    if (value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
}

void tdm_histogram_reset(tdm_histogram *h)
{
    if (h->count) /* only what was touched: a page never written to stays unmapped */
        memset(&h->bucket[index_of(h, h->min)], 0,
               (index_of(h, h->max) - index_of(h, h->min) + 1) * sizeof h->bucket[0]);
    clear(h);
}

int tdm_histogram_merge(tdm_histogram *into, const tdm_histogram *from)
{
    if (into->limit != from->limit || into->bits != from->bits)
        return -EINVAL;
    if (!from->count)
        return 0;
    for (size_t i = index_of(from, from->min), last = index_of(from, from->max); i <= last; i++)
        into->bucket[i] += from->bucket[i];
    uint64_t sum_low = from->sum_low; /* read first: the two may be the same */
    into->count += from->count;
    into->clipped += from->clipped;
    into->sum_low += sum_low;
    into->sum_high += from->sum_high + (into->sum_low < sum_low);
    if (from->min < into->min)
        into->min = from->min;
    if (from->max > into->max)
        into->max = from->max;
    return 0;
}

uint64_t tdm_histogram_count(const tdm_histogram *h)
{
    return h->count;
}

uint64_t tdm_histogram_clipped(const tdm_histogram *h)
{
    return h->clipped;
}

int64_t tdm_histogram_min(const tdm_histogram *h)
{
    return h->count ? h->min : 0;
}

int64_t tdm_histogram_max(const tdm_histogram *h)
{
    return h->max;
}

double tdm_histogram_mean(const tdm_histogram *h)
{
    if (!h->count)
        return 0;
    long double sum = ldexpl((long double) h->sum_high, 64) + (long double) h->sum_low;
    return (double) (sum / (long double) h->count);
}

/* Which of the sorted values (1 … count) stands for the percentile. A little is taken off before rounding up: 99.9 is
 * not exactly a double, and 99.9 % of 1000 shall be the 999th. */
static uint64_t rank_of(const tdm_histogram *h, double percentile)
{
    if (!(percentile > 0)) /* also NaN */
        return 1;
    if (percentile >= 100)
        return h->count;
    long double exact = (long double) percentile * (long double) h->count / 100;
    uint64_t rank = (uint64_t) ceill(exact * (1 - 1e-15L));
    return rank < 1 ? 1 : rank > h->count ? h->count : rank;
}

int64_t tdm_histogram_percentile(const tdm_histogram *h, double percentile)
{
    if (!h->count)
        return 0;
    uint64_t rank = rank_of(h, percentile), seen = 0;
    size_t last = index_of(h, h->max);
    for (size_t i = index_of(h, h->min); i < last; i++) {
        seen += h->bucket[i];
        if (seen >= rank)
            return top_of(h, i);
    }
    assert(seen + h->bucket[last] == h->count);
    return h->max;
}
