/* A configuration file: whatever the bytes, complaints or a configuration whose print reads back
 * the same. */

#include "server/world/config_print.h"
#include "server/world/config_read.h"
#include "tests/fuzz/fuzz.h"

static struct config *read_config(struct view text)
{
    struct problems problems;
    struct config *config = NULL;
    struct arena arena;
    struct err err;

    arena_init(&arena, 4096, 0);
    problems_init(&problems, &arena, 16);
    if (config_new(&(struct config_args){.text = text}, &problems, &config, &err))
        config = NULL;
    arena_release(&arena);
    return config;
}

static void print(const struct config *config, struct buf *out)
{
    struct json_writer w;

    json_writer_init(&w, out);
    config_print(config, &w);
}

static void fuzz(struct view input)
{
    struct buf first = BUF_INIT, second = BUF_INIT;
    struct config *config = input.len ? read_config(input) : NULL, *again;

    if (!config)
        return;
    print(config, &first);
    again = read_config(buf_view(&first));
    check(again);
    print(again, &second);
    check(view_eq(buf_view(&first), buf_view(&second)));
    config_unref(config);
    config_unref(again);
    buf_release(&first);
    buf_release(&second);
}
