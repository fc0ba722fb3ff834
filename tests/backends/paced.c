/*
 * As null, but a batch takes ADRANK_PACED_FIXED_US (1000) microseconds and ADRANK_PACED_TOKEN_NS
 * (0) nanoseconds a token, one batch after the other, without using the processor: simulates a GPU
 * for overload tests on a machine without one. Both are read when the device opens.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/number.h"
#include "tests/backends/null_ops.h"

static int from_environment(const char *name, int64_t otherwise, int64_t *out, struct err *err)
{
    const char *text = getenv(name);

    *out = otherwise;
    if (text && number_int(view_of(text), 0, 60000000, out))
        return err_set(err, ERR_CONFIG, "%s: \"%s\" is no number from 0 to 60000000", name, text);
    return 0;
}

static int paced_device_open(const char *name, struct device **out, struct err *err)
{
    int64_t fixed_us, token_ns;

    if (from_environment("ADRANK_PACED_FIXED_US", 1000, &fixed_us, err) ||
        from_environment("ADRANK_PACED_TOKEN_NS", 0, &token_ns, err) ||
        null_device_open(name, out, err))
        return -1;
    (*out)->fixed_us = fixed_us;
    (*out)->token_ns = token_ns;
    return 0;
}

static int paced_finish(struct lane *lane, struct err *err)
{
    struct device *device = lane->session->device;
    const int64_t now_us = clock_now_us();
    const int64_t start_us = device->busy_until_us > now_us ? device->busy_until_us : now_us;

    if (null_finish(lane, err))
        return -1;
    device->busy_until_us =
        start_us + device->fixed_us + lane->slice->n_tokens * device->token_ns / 1000;
    lane->ready_us = device->busy_until_us;
    return 0;
}

static int paced_query(struct lane *lane, struct err *err)
{
    (void)err;
    return clock_now_us() >= lane->ready_us;
}

static const struct backend_ops paced_ops =
    NULL_OPS("paced", paced_device_open, paced_finish, paced_query);

extern const struct backend_module adrank_backend;
const struct backend_module adrank_backend = {BACKEND_ABI, &paced_ops};
