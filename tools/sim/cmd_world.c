/* adrank-sim world: writes the world's files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tools/sim/command.h"
#include "tools/sim/write.h"

enum { FLUSH_BYTES = 1 << 18 };

struct output {
    FILE *file;
    char path[4096];
    struct buf text;
};

static int output_open(struct output *out, const char *dir, const char *name, struct err *err)
{
    out->text = BUF_INIT;
    snprintf(out->path, sizeof(out->path), "%s/%s", dir, name);
    out->file = fopen(out->path, "w");
    return out->file ? 0 : err_set_errno(err, ERR_UNAVAILABLE, "%s", out->path);
}

static int output_flush(struct output *out, struct err *err)
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
    return out->text.len < FLUSH_BYTES ? 0 : output_flush(out, err);
}

static int output_close(struct output *out, int rc, struct err *err)
{
    if (rc == 0 && out->text.len > 0)
        rc = output_flush(out, err);
    buf_release(&out->text);
    if (out->file && fclose(out->file) != 0 && rc == 0)
        rc = err_set_errno(err, ERR_UNAVAILABLE, "%s", out->path);
    return rc;
}

static int write_catalog(const struct sim_world *world, const char *dir, struct err *err)
{
    struct output out;
    int rc = output_open(&out, dir, "catalog.jsonl", err);

    for (int i = 0; rc == 0 && i < SIM_CATALOG; i++) {
        struct json_writer w;
        json_writer_init(&w, &out.text);
        sim_write_ad(&w, world, i);
        rc = output_line(&out, err);
    }
    return output_close(&out, rc, err);
}

/* The log, and beside it the probabilities that its clicks were drawn from. */
static int write_log(const struct sim_world *world, const char *dir, enum sim_part part,
                     const char *name, int n, struct err *err)
{
    struct sim_visit visit = SIM_VISIT_INIT;
    struct output log = {0}, truth = {0};
    char file[64];
    int rc;

    snprintf(file, sizeof(file), "clicks.%s.jsonl", name);
    rc = output_open(&log, dir, file, err);
    snprintf(file, sizeof(file), "truth.%s.jsonl", name);
    if (rc == 0)
        rc = output_open(&truth, dir, file, err);
    for (int i = 0; rc == 0 && i < n; i++) {
        struct json_writer w;
        sim_visit_make(&visit, world, part, (uint64_t)i);
        json_writer_init(&w, &log.text);
        sim_write_logged(&w, &(struct sim_request_args){.world = world,
                                                        .visit = &visit,
                                                        .id_prefix = name,
                                                        .index = (uint64_t)i,
                                                        .with_behaviour = true,
                                                        .with_candidates = true});
        json_writer_init(&w, &truth.text);
        jw_array_begin(&w);
        for (int k = 0; k < SIM_SHOWN; k++)
            jw_number(&w, visit.p[k], 9);
        jw_array_end(&w);
        rc = output_line(&log, err);
        if (rc == 0)
            rc = output_line(&truth, err);
    }
    sim_visit_release(&visit);
    rc = output_close(&log, rc, err);
    return output_close(&truth, rc, err);
}

/* Every fourth request brings its own behaviour and ads, the others leave both to the daemon. */
static int write_replay(const struct sim_world *world, const char *dir, int n, struct err *err)
{
    struct sim_visit visit = SIM_VISIT_INIT;
    struct output requests = {0}, histories = {0};
    uint64_t last_shopper = 0;
    int rc = output_open(&requests, dir, "impressions.jsonl", err);

    if (rc == 0)
        rc = output_open(&histories, dir, "histories.jsonl", err);
    for (int i = 0; rc == 0 && i < n; i++) {
        struct json_writer w;
        sim_visit_make(&visit, world, SIM_REPLAY, (uint64_t)i);
        json_writer_init(&w, &requests.text);
        sim_write_request(&w, &(struct sim_request_args){.world = world,
                                                         .visit = &visit,
                                                         .id_prefix = "replay",
                                                         .index = (uint64_t)i,
                                                         .with_behaviour = i % 4 == 3,
                                                         .with_candidates = i % 4 == 3});
        rc = output_line(&requests, err);
        if (i > 0 && visit.shopper.index == last_shopper)
            continue;
        last_shopper = visit.shopper.index;
        sim_write_history(&visit.shopper, &histories.text);
        if (rc == 0 && histories.text.len >= FLUSH_BYTES)
            rc = output_flush(&histories, err);
    }
    sim_visit_release(&visit);
    rc = output_close(&requests, rc, err);
    return output_close(&histories, rc, err);
}

/* What it takes to make the same world again. */
static int write_options(const struct options *options, struct err *err)
{
    static const char *const keys[SIM_PARTS] = {"train", "calib", "eval", "warm", "replay"};
    struct output out;
    struct json_writer w;
    int rc = output_open(&out, options->out, "world.json", err);

    if (rc == 0) {
        json_writer_init(&w, &out.text);
        jw_object_begin(&w);
        jw_member_int(&w, "seed", options->seed);
        for (int part = 0; part < SIM_PARTS; part++) {
            jw_member_int(&w, keys[part], options->visits[part]);
        }
        jw_object_end(&w);
        rc = output_line(&out, err);
    }
    return output_close(&out, rc, err);
}

int cmd_world(const struct options *options, struct err *err)
{
    const int *visits = options->visits;
    struct sim_world *world;
    int rc;

    if (mkdir(options->out, 0777) != 0 && errno != EEXIST)
        return err_set_errno(err, ERR_UNAVAILABLE, "%s", options->out);
    world = sim_world_new((uint64_t)options->seed);
    if (!world)
        return err_set(err, ERR_NOMEM, "out of memory");
    rc = write_options(options, err) || write_catalog(world, options->out, err) ||
         write_replay(world, options->out, visits[SIM_REPLAY], err) ||
         write_log(world, options->out, SIM_TRAIN, "train", visits[SIM_TRAIN], err) ||
         write_log(world, options->out, SIM_CALIB, "calib", visits[SIM_CALIB], err) ||
         write_log(world, options->out, SIM_EVAL, "eval", visits[SIM_EVAL], err) ||
         write_log(world, options->out, SIM_WARM, "warm", visits[SIM_WARM], err);
    sim_world_free(world);
    return rc ? -1 : 0;
}
