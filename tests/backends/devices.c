/* The test devices satisfy what other tests rely on. */
#include <unistd.h>

#include "base/file.h"
#include "kernels/module.h"
#include "tests/backends/null_logit.h"
#include "tests/test.h"

static const struct backend_ops *find(const char *name)
{
    const struct backend_ops *ops;
    struct err err;
    char path[512];

    snprintf(path, sizeof(path), MODULES "/adrank-backend-%s.so", name);
    CHECK_OK(backend_find(path, &ops, &err), err);
    return ops;
}

struct opened {
    const struct backend_ops *ops;
    struct device *device;
    struct session *session;
    struct lane *lane;
};

static void open_device(struct opened *o, const char *name)
{
    const struct session_args args = {.precision = PRECISION_F32};
    struct err err;

    o->ops = find(name);
    CHECK_OK(o->ops->device_open("", &o->device, &err), err);
    CHECK_OK(o->ops->session_open(o->device, &args, &o->session, &err), err);
    CHECK_OK(o->ops->lane_open(o->session, 64, 64, &o->lane, &err), err);
}

static void close_device(struct opened *o)
{
    o->ops->lane_close(o->lane);
    o->ops->session_close(o->session);
    o->ops->device_close(o->device);
}

static const int32_t ids[] = {1, 2, 3, 4, 5, 6, 7};
static const struct slice_segment segments[] = {{0, 3, -1, -1}, {3, 2, 0, -1}, {5, 2, -1, -1}};
static const int32_t read_rows[] = {3, 5}, read_segments[] = {1, 2};
static const struct slice slice = {.n_tokens = 7,
                                   .n_segments = 3,
                                   .n_read = 2,
                                   .ids = ids,
                                   .segments = segments,
                                   .read = read_rows,
                                   .read_segments = read_segments};

/* One batch up to its logits, (2, 2). */
static int launch(struct opened *o, float logits[4], struct err *err)
{
    const struct pass pass = {.network = o, .n_layers = 1};
    const struct head_args head = {.n_rows = 2, .labels = 2, .logits = logits};

    return o->ops->begin(o->lane, &slice, &pass, err) || o->ops->linear(o->lane, NULL, err) ||
                   o->ops->head(o->lane, &head, err) || o->ops->finish(o->lane, err)
               ? -1
               : 0;
}

TEST(null__writes_the_logits_that_its_header_states)
{
    static const char *const names[] = {"null", "paced", "failing"};

    for (int i = 0; i < 3; i++) {
        float logits[4] = {0};
        struct opened o;
        struct err err;

        test_row("%s", names[i]);
        open_device(&o, names[i]);
        CHECK_OK(launch(&o, logits, &err), err);
        for (int label = 0; label < 2; label++) {
            CHECK_NEAR(logits[label], null_logit(ids, 3, ids + 3, 2, label), 0);
            CHECK_NEAR(logits[2 + label], null_logit(NULL, 0, ids + 5, 2, label), 0);
        }
        close_device(&o);
    }
}

TEST(null_logit__spreads_over_its_range_and_distinguishes_inputs)
{
    double sum = 0, squares = 0;

    for (int32_t i = 0; i < 10000; i++) {
        const int32_t own[2] = {i, 7};
        const double logit = (double)null_logit(NULL, 0, own, 2, 0);

        CHECK(logit >= -4 && logit < 4);
        sum += logit;
        squares += logit * logit;
    }
    CHECK_NEAR(sum / 10000, 0, 0.1);
    CHECK_NEAR(squares / 10000, 16.0 / 3, 0.2);
    CHECK(null_logit(ids, 2, ids + 2, 1, 0) != null_logit(ids, 1, ids + 2, 1, 0));
    CHECK(null_logit(ids, 2, ids + 2, 1, 0) != null_logit(ids, 2, ids + 2, 1, 1));
}

/* Latencies of a minute or nothing: the checks do not depend on the clock. */
TEST(paced__completes_when_its_time_has_come)
{
    static const struct {
        const char *fixed_us, *token_ns;
        int done;
    } rows[] = {
        {"0", "0", 1}, {"60000000", "0", 0}, {"0", "60000000", 0}, /* 420 ms for these 7 */
    };
    float logits[4];
    struct opened o;
    struct err err;

    for (int i = 0; i < COUNT(rows); i++) {
        setenv("ADRANK_PACED_FIXED_US", rows[i].fixed_us, 1);
        setenv("ADRANK_PACED_TOKEN_NS", rows[i].token_ns, 1);
        open_device(&o, "paced");
        CHECK_OK(launch(&o, logits, &err), err);
        CHECK_INT(o.ops->query(o.lane, &err), rows[i].done);
        close_device(&o);
    }
    unsetenv("ADRANK_PACED_TOKEN_NS");
    setenv("ADRANK_PACED_FIXED_US", "soon", 1);
    CHECK_ERR(o.ops->device_open("", &o.device, &err), err, "ADRANK_PACED_FIXED_US");
    unsetenv("ADRANK_PACED_FIXED_US");
}

static void instruct(const char *path, const char *words)
{
    struct err err;

    CHECK_OK(file_write(path, view_of(words), &err), err);
}

/* Broken by the words in the file, then reopened: a failed device is not used again. */
static void check_broken(struct opened *o, const char *path, const char *words, const char *name)
{
    float logits[4];
    struct err err;

    test_row("%s", words);
    instruct(path, words);
    CHECK_ERR(launch(o, logits, &err), err, name);
    close_device(o);
    open_device(o, "failing");
}

TEST(failing__follows_the_file_while_it_is_there)
{
    char path[] = "/tmp/adrank-failing-XXXXXX";
    const int fd = mkstemp(path);
    float logits[4];
    struct opened o;
    struct err err;

    CHECK(fd != -1);
    close(fd);
    setenv("ADRANK_FAILING_FILE", path, 1);
    open_device(&o, "failing");
    CHECK_OK(launch(&o, logits, &err), err);
    CHECK_INT(o.ops->query(o.lane, &err), 1);
    check_broken(&o, path, "submit", "submit");
    check_broken(&o, path, "head finish", "head");
    check_broken(&o, path, "finish", "finish");
    check_broken(&o, path, "linear\n", "linear");
    instruct(path, "hang");
    CHECK_OK(launch(&o, logits, &err), err);
    CHECK_INT(o.ops->query(o.lane, &err), 0);
    for (int first = 0; first < 2; first++) {
        instruct(path, first ? "nan_first" : "nan");
        CHECK_OK(launch(&o, logits, &err), err);
        for (int i = 0; i < 4; i++)
            CHECK_INT(isnan(logits[i]) != 0, !first || i == 0);
    }
    unlink(path);
    CHECK_OK(launch(&o, logits, &err), err);
    CHECK(!isnan(logits[0]));
    CHECK_INT(o.ops->query(o.lane, &err), 1);
    instruct(path, "query");
    CHECK_INT(o.ops->query(o.lane, &err), -1);
    unlink(path);
    close_device(&o);
    unsetenv("ADRANK_FAILING_FILE");
}
