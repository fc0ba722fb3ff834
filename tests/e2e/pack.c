/* adrankd serves what adrank-model pack wrote: a template is changed, packed and swapped in. */
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

#define REQUEST                                                                                    \
    "{\"id\":\"r\",\"tmax\":0,\"site\":{\"search\":\"running shoes\"},\"rank\":{\"candidates\":["  \
    "{\"adid\":\"x\",\"bid\":1,\"text\":\"Lightweight running shoes\"},"                           \
    "{\"adid\":\"y\",\"bid\":1,\"text\":\"Quiet electric kettle\"}]}}"

static char folder[64];

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (system(line) != 0)
        FAIL("%s", line);
}

static void pack(const char *options)
{
    shell("%s pack %s %s >/dev/null", driver_build_path("bin/adrank-model"), folder, options);
}

/* pctr of the first result, whose source must be the model. */
static double first_pctr(struct driver *d)
{
    const json_t *answer = driver_json(driver_rank(d, REQUEST));

    CHECK(driver_at(answer, "/results/0/source"));
    CHECK_STR(json_string_value(driver_at(answer, "/results/0/source")), "model");
    return json_number_value(driver_at(answer, "/results/0/pctr"));
}

TEST(pack__is_what_the_daemon_serves)
{
    struct driver d;
    double before;

    snprintf(folder, sizeof(folder), "/tmp/adrank-test-XXXXXX");
    CHECK(mkdtemp(folder));
    shell("cp config/demo/model/* %s/", folder);
    pack("--name packed --version 2");
    driver_start(
        &d, &(struct driver_args){.model = folder,
                                  .backend = "cpu",
                                  .sets = {"deadline.default_ms=5000", "deadline.max_ms=5000"}});
    CHECK(strstr(driver_rank(&d, REQUEST)->body, "\"model\":\"packed\",\"model_version\":\"2\""));
    before = first_pctr(&d);
    /* Edited by hand, the model is refused and the old one stays; once packed it is loaded. */
    shell("sed -i 's/\"ad\": \"{title}\"/\"ad\": \"{title} , {title}\"/' %s/adrank.json", folder);
    CHECK_INT(driver_reload(&d, NULL)->status, 422);
    pack("");
    CHECK_INT(driver_reload(&d, NULL)->status, 200);
    CHECK(first_pctr(&d) != before);
    CHECK_INT((int)driver_metric(&d, "adrank_config_generation"), 2);
    driver_end(&d);
    shell("rm -r %s", folder);
}
