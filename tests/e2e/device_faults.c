/* A GPU that fails under the daemon: the CUDA backend on the emulator, which fails on request. */
#include <unistd.h>

#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

static struct driver d;

/* Whether the emulator has noted anything of that kind: see tests/simt/runtime.h. */
static bool noted(const char *suffix)
{
    return access(js("%s/device%s", d.folder, suffix), F_OK) == 0;
}

TEST(device_faults__a_failed_call_is_the_last)
{
    const json_t *answer;

    driver_start(&d,
                 &(struct driver_args){.backend = "simt", .sets = {"model.on_device_failure=cpu"}});
    answer = driver_json(driver_rank(&d, DRIVER_ONE_AD));
    CHECK_STR(driver_text(answer, "/results/0/source"), "model");
    driver_write(&d, "device", "fail cudaGraphLaunch");
    for (int i = 0; i < 3; i++) {
        answer = driver_json(driver_rank(&d, DRIVER_ONE_AD));
        CHECK(driver_lists(answer, "/degraded", "model"));
    }
    driver_check_log(&d, "event=backend_broken backend=cuda");
    CHECK(noted(".failed"));
    CHECK(!noted(".after"));
}
