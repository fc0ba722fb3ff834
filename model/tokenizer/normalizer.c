/* The steps of normalisation over runs of characters. */
#include "model/tokenizer/normalizer.h"

#include <string.h>

#include "base/utf8.h"

#define SHORT_RUN 8 /* characters */

struct writer {
    const struct normalizer *normalizer;
    struct arena *scratch;
    size_t run_room;  /* characters that a run may have at most */
    uint32_t *run;    /* kept combining characters whose order is not final; NULL until the first */
    uint32_t *sorted; /* (run_room) */
    size_t n_run;
    char *out;
    bool failed;
};

static void write_char(struct writer *w, uint32_t c)
{
    uint32_t lower[2];
    int n;

    if (!w->normalizer->options.lowercase ||
        !(char_class(w->normalizer->classes, c) & CHAR_CASED)) {
        w->out += utf8_encode(c, w->out);
        return;
    }
    n = char_lower(c, lower);
    for (int i = 0; i < n; i++)
        w->out += utf8_encode(lower[i], w->out);
}

/* By insertion: a run is short as a rule. */
static void sort_short_run(struct writer *w)
{
    int classes[SHORT_RUN];

    for (size_t i = 0; i < w->n_run; i++) {
        const int class = char_combining(w->run[i]);
        size_t at = i;

        for (; at > 0 && classes[at - 1] > class; at--) {
            classes[at] = classes[at - 1];
            w->sorted[at] = w->sorted[at - 1];
        }
        classes[at] = class;
        w->sorted[at] = w->run[i];
    }
}

/* By counting: a hostile text is one long run. */
static void sort_long_run(struct writer *w)
{
    size_t next[257] = {0};

    for (size_t i = 0; i < w->n_run; i++)
        next[char_combining(w->run[i]) + 1]++;
    for (int i = 1; i < 257; i++)
        next[i] += next[i - 1];
    for (size_t i = 0; i < w->n_run; i++)
        w->sorted[next[char_combining(w->run[i])]++] = w->run[i];
}

/* Canonical ordering: stable by combining class. */
static void end_run(struct writer *w)
{
    if (w->n_run <= SHORT_RUN)
        sort_short_run(w);
    else
        sort_long_run(w);
    for (size_t i = 0; i < w->n_run; i++)
        write_char(w, w->sorted[i]);
    w->n_run = 0;
}

static void add_to_run(struct writer *w, uint32_t c)
{
    if (!w->run) {
        w->run = arena_array(w->scratch, w->run_room, 2 * sizeof(*w->run));
        if (!w->run) {
            w->failed = true;
            return;
        }
        w->sorted = w->run + w->run_room;
    }
    w->run[w->n_run++] = c;
}

static void add_part(struct writer *w, uint32_t c)
{
    unsigned class = char_class(w->normalizer->classes, c);

    if (class & CHAR_MARK) { /* dropped, yet one of class 0 ends a run as any base character does */
        if (w->n_run && char_combining(c) == 0)
            end_run(w);
        return;
    }
    if (class & CHAR_REORDERS) {
        add_to_run(w, c);
        return;
    }
    if (w->n_run)
        end_run(w);
    write_char(w, c);
}

static void add_char(struct writer *w, uint32_t c)
{
    const struct normalizer_options *options = &w->normalizer->options;
    unsigned class = char_class(w->normalizer->classes, c);
    bool spaced = options->chinese_chars && (class & CHAR_CHINESE);
    int32_t parts[DECOMPOSITION_MAX_PARTS];
    int n = 1;

    if (options->clean_text && (class & CHAR_REMOVED))
        return;
    if (options->clean_text && (class & CHAR_WHITE)) {
        c = ' ';
        class = CHAR_WHITE;
    }
    if (!options->strip_accents) {
        if (spaced)
            *w->out++ = ' ';
        write_char(w, c);
        if (spaced)
            *w->out++ = ' ';
        return;
    }
    if (spaced)
        add_part(w, ' ');
    parts[0] = (int32_t)c;
    if (class & CHAR_DECOMPOSES)
        n = decomposition_recall(c, parts);
    for (int i = 0; i < n; i++)
        add_part(w, (uint32_t)parts[i]);
    if (spaced)
        add_part(w, ' ');
}

/* Characters that the options leave as they are, and ASCII, up to the first that asks for more. */
static const char *copy_plain(struct writer *w, const char *p, const char *end)
{
    const struct normalizer *normalizer = w->normalizer;
    char *out = w->out;

    while (p < end) {
        const char *start = p;
        uint32_t c;

        if ((unsigned char)*p < 128) {
            uint8_t byte = normalizer->ascii[(unsigned char)*p++];

            *out = (char)byte;
            out += byte != NORMALIZER_DROP;
            continue;
        }
        c = char_next(&p);
        if (char_class(normalizer->classes, c) & normalizer->not_plain) {
            p = start;
            break;
        }
        memcpy(out, start, (size_t)(p - start));
        out += p - start;
    }
    w->out = out;
    return p;
}

int normalizer_run(const struct normalizer *normalizer, struct view text, struct arena *scratch,
                   char *out, size_t *out_len)
{
    struct writer w = {normalizer, scratch, text.len, NULL, NULL, 0, out, false};
    const char *p = text.ptr;
    const char *end = text.ptr + text.len;

    while (p < end && !w.failed) {
        if (!w.n_run)
            p = copy_plain(&w, p, end);
        if (p < end)
            add_char(&w, char_next(&p));
    }
    if (w.n_run)
        end_run(&w);
    *out_len = (size_t)(w.out - out);
    return w.failed ? -1 : 0;
}

void normalizer_init(struct normalizer *normalizer, const struct normalizer_options *options)
{
    normalizer->options = *options;
    normalizer->classes = char_classes();
    normalizer->not_plain =
        (options->clean_text ? CHAR_REMOVED | CHAR_WHITE : 0u) |
        (options->chinese_chars ? CHAR_CHINESE : 0u) |
        (options->strip_accents ? CHAR_MARK | CHAR_DECOMPOSES | CHAR_REORDERS : 0u) |
        (options->lowercase ? CHAR_CASED : 0u);
    for (unsigned c = 0; c < 128; c++) {
        unsigned class = char_class(normalizer->classes, c);

        normalizer->ascii[c] = (uint8_t)c;
        if (options->clean_text && (class & CHAR_REMOVED))
            normalizer->ascii[c] = NORMALIZER_DROP;
        else if (options->clean_text && (class & CHAR_WHITE))
            normalizer->ascii[c] = ' ';
        else if (options->lowercase && (class & CHAR_CASED))
            normalizer->ascii[c] = (uint8_t)(c | 0x20);
    }
}
