/* The daemon on the CUDA backend, emulated: what it reports of its device. */
#include "tests/e2e/contract.h"

static struct driver d;

static void check_sample(const char *sample, double want)
{
    test_row("%s", sample);
    CHECK(driver_metric(&d, sample) == want);
}

static void check_sensors(void)
{
    WAIT_FOR(driver_metric(&d, "adrank_device_power_watts") != -1); /* the first reading */
    check_sample("adrank_device_memory_bytes{kind=\"used\"}", 3.0 * (1 << 30));
    check_sample("adrank_device_memory_bytes{kind=\"total\"}", 80.0 * (1 << 30));
    check_sample("adrank_device_utilization_ratio", .87);
    check_sample("adrank_device_power_watts", 689.5);
    check_sample("adrank_device_power_limit_watts", 700);
    check_sample("adrank_device_temperature_celsius", 64);
    check_sample("adrank_device_clock_hertz", 1410e6);
    check_sample("adrank_device_clock_max_hertz", 1980e6);
    check_sample("adrank_device_throttled{reason=\"power\"}", 1);
    check_sample("adrank_device_throttled{reason=\"heat\"}", 0);
    check_sample("adrank_device_throttled{reason=\"brake\"}", 0);
    check_sample("adrank_device_throttled{reason=\"hardware\"}", 0);
}

/* One request is one batch, far below the lowest rung of 256 tokens. */
static void check_batches(void)
{
    check_sample("adrank_batch_age_seconds", -1);
    CHECK_INT(driver_rank(&d, js("{'tmax':60000,'rank':{'candidates':[{'adid':'a1'}]}}"))->status,
              200);
    check_sample("adrank_batch_duration_seconds_count", 1);
    check_sample("adrank_batch_rung_tokens_total", 256);
    CHECK(driver_metric(&d, "adrank_batch_tokens_sum") < 256);
    CHECK(driver_metric(&d, "adrank_batch_duration_seconds_sum") > 0);
    CHECK(driver_metric(&d, "adrank_batch_age_seconds") < 60);
}

TEST(device__reports_its_sensors_and_batches)
{
    driver_start(&d, &(struct driver_args){.backend = "simt",
                                           .sets = {"batch.max_tokens=256"},
                                           .libraries = "lib/nvml"});
    check_sensors();
    check_batches();
}

/* Each reason in OPERATIONS, as the daemon gives it. */
TEST(device__says_why_there_is_none)
{
    CHECK_INT(driver_run(&(struct driver_args){.backend = "simt", .env = {"ADRANK_SIMT_DEVICES=0"}},
                         "cuda: no GPU is visible"),
              69);
    CHECK_INT(
        driver_run(&(struct driver_args){.backend = "simt", .env = {"ADRANK_SIMT_DEVICES=-1"}},
                   "cuda: no NVIDIA driver"),
        69);
    CHECK_INT(driver_run(&(struct driver_args){.backend = "simt", .sets = {"model.device=\"1\""}},
                         "cuda: no device \"1\": 1 visible"),
              69);
    CHECK_INT(
        driver_run(&(struct driver_args){.backend = "simt", .env = {"ADRANK_SIMT_MEMORY_MB=16"}},
                   "cuda: out of memory for products: 32 MiB wanted, "),
        70);
}
