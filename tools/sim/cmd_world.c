/* adrank-sim world: writes the world's files. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tools/sim/command.h"
#include "tools/sim/write.h"

static const char *const part_names[SIM_PARTS] = {"train", "calib", "eval", "warm", "replay"};

/* ---- files ----------------------------------------------------------------------------------- */

struct output {
    FILE *file;
    char path[4096];
    struct buf text; /* not written yet */
    struct json_writer w;
};

__attribute__((format(printf, 3, 4))) static int output_open(struct output *out, struct err *err,
                                                             const char *fmt, ...)
{
    va_list args;

    out->text = BUF_INIT;
    json_writer_init(&out->w, &out->text);
    va_start(args, fmt);
    vsnprintf(out->path, sizeof(out->path), fmt, args);
    va_end(args);
    out->file = fopen(out->path, "w");
    return out->file ? 0 : err_set_errno(err, ERR_UNAVAILABLE, "%s", out->path);
}

static int output_write(struct output *out, struct err *err)
{
    if (buf_failed(&out->text))
        return err_set(err, ERR_NOMEM, "out of memory");
    if (fwrite(out->text.ptr, 1, out->text.len, out->file) != out->text.len)
        return err_set_errno(err, ERR_UNAVAILABLE, "%s", out->path);
    buf_clear(&out->text);
    return 0;
}

static int output_line(struct output *out, struct err *err)
{
    buf_add_str(&out->text, "\n");
    return output_write(out, err);
}

/* rc: of what was done before; -1 if that or closing failed. One that was never opened may be
 * closed. */
static int output_close(struct output *out, int rc, struct err *err)
{
    buf_release(&out->text);
    if (out->file && fclose(out->file) != 0 && rc == 0)
        rc = err_set_errno(err, ERR_UNAVAILABLE, "%s", out->path);
    return rc;
}

/* ---- what is in them ------------------------------------------------------------------------- */

/* What it takes to make the same world again. */
static int write_options(const struct options *options, struct err *err)
{
    struct output out;
    int rc = output_open(&out, err, "%s/world.json", options->out);

    jw_object_begin(&out.w);
    jw_member_int(&out.w, "seed", options->seed);
    for (int part = 0; part < SIM_PARTS; part++)
        jw_member_int(&out.w, part_names[part], options->visits[part]);
    jw_object_end(&out.w);
    return output_close(&out, rc || output_line(&out, err) ? -1 : 0, err);
}

static int write_catalog(const struct sim_world *world, const char *dir, struct err *err)
{
    struct output out;
    int rc = output_open(&out, err, "%s/catalog.jsonl", dir);

    for (int i = 0; rc == 0 && i < SIM_CATALOG; i++) {
        sim_write_ad(&out.w, world, i);
        rc = output_line(&out, err);
    }
    return output_close(&out, rc, err);
}

/* The log, and beside it the probabilities that its clicks were drawn from. */
static int write_log(const struct sim_world *world, const char *dir, enum sim_part part, int n,
                     struct err *err)
{
    struct sim_visit visit = SIM_VISIT_INIT;
    struct sim_request_args args = {.world = world,
                                    .visit = &visit,
                                    .id_prefix = part_names[part],
                                    .with_behaviour = true,
                                    .with_candidates = true};
    struct output log = {0}, truth = {0};
    int rc = output_open(&log, err, "%s/clicks.%s.jsonl", dir, part_names[part]) ||
             output_open(&truth, err, "%s/truth.%s.jsonl", dir, part_names[part]);

    for (args.index = 0; rc == 0 && args.index < (uint64_t)n; args.index++) {
        sim_visit_make(&visit, world, part, args.index);
        sim_write_logged(&log.w, &args);
        jw_array_begin(&truth.w);
        for (int k = 0; k < SIM_SHOWN; k++)
            jw_number(&truth.w, visit.p[k], 9);
        jw_array_end(&truth.w);
        rc = output_line(&log, err) || output_line(&truth, err);
    }
    sim_visit_release(&visit);
    rc = output_close(&log, rc, err);
    return output_close(&truth, rc, err);
}

/* Every fourth request brings its own behaviour and ads, the others leave both to the daemon. */
static int write_replay(const struct sim_world *world, const char *dir, int n, struct err *err)
{
    struct sim_visit visit = SIM_VISIT_INIT;
    struct sim_request_args args = {.world = world, .visit = &visit, .id_prefix = "replay"};
    struct output requests = {0}, histories = {0};
    uint64_t last_shopper = 0;
    int rc = output_open(&requests, err, "%s/impressions.jsonl", dir) ||
             output_open(&histories, err, "%s/histories.jsonl", dir);

    for (args.index = 0; rc == 0 && args.index < (uint64_t)n; args.index++) {
        sim_visit_make(&visit, world, SIM_REPLAY, args.index);
        args.with_behaviour = args.with_candidates = args.index % 4 == 3;
        sim_write_request(&requests.w, &args);
        if (args.index == 0 || visit.shopper.index != last_shopper)
            sim_write_history(&visit.shopper, &histories.text);
        last_shopper = visit.shopper.index;
        rc = output_line(&requests, err) || output_write(&histories, err);
    }
    sim_visit_release(&visit);
    rc = output_close(&requests, rc, err);
    return output_close(&histories, rc, err);
}

int cmd_world(const struct options *options, struct err *err)
{
    struct sim_world *world;
    int rc;

    if (mkdir(options->out, 0777) != 0 && errno != EEXIST)
        return err_set_errno(err, ERR_UNAVAILABLE, "%s", options->out);
    world = sim_world_new((uint64_t)options->seed);
    if (!world)
        return err_set(err, ERR_NOMEM, "out of memory");
    rc = write_options(options, err) || write_catalog(world, options->out, err) ||
         write_replay(world, options->out, options->visits[SIM_REPLAY], err);
    for (int part = SIM_TRAIN; rc == 0 && part <= SIM_WARM; part++)
        rc = write_log(world, options->out, (enum sim_part)part, options->visits[part], err);
    sim_world_free(world);
    return rc ? -1 : 0;
}
