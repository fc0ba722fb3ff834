/*
 * A GPU that hangs under the daemon, on the emulator (tests/simt/runtime.h): batches that do not
 * complete, and calls that do not return. Requests are answered in time, the processor takes over,
 * the device is not called again, and the daemon ends as usual.
 */
#include <signal.h>
#include <unistd.h>

#include "tests/e2e/contract.h"

#define RANK "{'tmax':9000,'site':{'search':'shoes'},'rank':{'top_n':9}}"
#define AT_ONCE "{'tmax':300,'site':{'search':'shoes'},'rank':{'top_n':9}}"

static struct driver d;

static bool noted(const char *suffix)
{
    return access(js("%s/device%s", d.folder, suffix), F_OK) == 0;
}

/* What the device still holds is leaked, and a thread may be in a call of it. */
static void start(void)
{
    const char *options = getenv("TSAN_OPTIONS");

    driver_start(&d, &(struct driver_args){.backend = "simt",
                                           .sets = {"model.on_device_failure=cpu",
                                                    "batch.max_tokens=256", "batch.hang_ms=100"},
                                           .env = {js("TSAN_OPTIONS=%s:report_thread_leaks=0",
                                                      options ? options : ""),
                                                   "LSAN_OPTIONS=detect_leaks=0"}});
    CHECK_STR(answer_degraded(contract_rank(&d, RANK)), "");
}

static void check_hang(const char *words)
{
    json_t *answer = contract_rank(&d, AT_ONCE); /* in time, whatever it waits for */

    CHECK(*answer_degraded(answer));
    WAIT_FOR_MS(40000, driver_logged(&d, "event=device_failed") == 1);
    CHECK(strstr(driver_log(&d), "reason=hang then=cpu"));
    driver_write(&d, "device", js("%s trace", words));
    for (int i = 0; i < 3; i++) {
        answer = contract_rank(&d, RANK);
        CHECK_STR(answer_degraded(answer), "model");
        answer_check_source(answer, "model");
    }
    CHECK(!noted(".calls"));
}

TEST(device_hangs__while_it_serves)
{
    static const char *const rows[] = {"hang events", "hang cudaMemcpyAsync",
                                       "hang cudaEventQuery"};

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%s", rows[i]);
        start();
        driver_write(&d, "device", rows[i]);
        check_hang(rows[i]);
        driver_kill(&d, SIGTERM);
        CHECK_INT(driver_wait(&d, 30000), 0);
        CHECK(!noted(".calls"));
    }
}
