/* Listen addresses as operators write them: where the daemon listens, checked by connecting, and
 * what --check-config and startup refuse. */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/e2e/shell.h"
#include "tests/test.h"

#define V4 (1u << 0)       /* 127.0.0.1 */
#define V4_OTHER (1u << 1) /* 127.0.0.2 */
#define V6 (1u << 2)       /* ::1 */

static struct driver d;

static bool connects(const char *host, int port)
{
    struct http_client client;
    struct err err;
    bool there;

    CHECK_OK(http_client_init(&client, js("%s:%d", host, port), 1000, &err), err);
    there = http_client_connect(&client, &err) == 0;
    http_client_release(&client);
    return there;
}

static unsigned served(int port)
{
    return (connects("127.0.0.1", port) ? V4 : 0) | (connects("127.0.0.2", port) ? V4_OTHER : 0) |
           (connects("[::1]", port) ? V6 : 0);
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool there = fd != -1 && bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)) == 0;

    if (fd != -1)
        close(fd);
    return there;
}

static int port_of(const char *address)
{
    return atoi(strrchr(address, ':') + 1);
}

TEST(bind__listens_on_what_was_meant)
{
    static const struct {
        const char *host;
        unsigned served;
    } rows[] = {
        {"127.0.0.1", V4},
        {"127.0.0.2", V4_OTHER},
        {"0.0.0.0", V4 | V4_OTHER},
        {"[::1]", V6},
        {"[::]", V4 | V4_OTHER | V6},
        {"*", V4 | V4_OTHER | V6},
        {"", V4 | V4_OTHER | V6},
        {"localhost", V4 | V6},
    };
    unsigned had = V4 | V4_OTHER | (has_ipv6() ? V6 : 0);

    for (int i = 0; i < COUNT(rows); i++) {
        const char *host = rows[i].host;

        test_row("bind \"%s\"", host);
        if (host[0] == '[' && !(had & V6))
            continue;
        driver_start(&d, &(struct driver_args){.sets = {js("http.address=%s:0", host),
                                                        js("admin.address=%s:0", host)}});
        CHECK_INT(served(port_of(d.address)), rows[i].served & had);
        CHECK_INT(served(port_of(d.admin)), rows[i].served & had);
        /* and the probe accepts it as written in the configuration */
        CHECK_INT(shell(NULL, "%s --probe ready --set 'admin.address=%s:%d' 2>/dev/null",
                        driver_build_path("bin/adrankd"), host, port_of(d.admin)),
                  0);
        if (strcmp(host, "localhost") == 0 && had & V6)
            driver_check_log(&d, "event=listening what=http addr=[::1]:");
    }
}

/* Exit status and report for a refused address. tests/unit covers more of them. */
static int ends_with(const char *set, bool check, const char *report)
{
    return driver_run(
        &(struct driver_args){.sets = {set}, .argv = {check ? "--check-config" : NULL}}, report);
}

TEST(bind__refuses_the_rest_at_the_check_as_at_the_start)
{
    static const struct {
        const char *set, *report;
        int check, start;
    } rows[] = {
        {"http.address=127.1:0", "/http/address: 127.1:0", 78, 78},
        {"admin.address=*", "/admin/address: *", 78, 78},
        {"http.address=192.0.2.1:0", "192.0.2.1:0: bind", 0, 69}, /* not of this host */
    };
    static const char nobody[] = "http.address=no-such-host.invalid:0";

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("bind refuses %s", rows[i].set);
        CHECK_INT(ends_with(rows[i].set, true, rows[i].check ? rows[i].report : NULL),
                  rows[i].check);
        CHECK_INT(ends_with(rows[i].set, false, rows[i].report), rows[i].start);
    }
    test_row("a name that does not resolve");
    CHECK_INT(ends_with(nobody, true, "no-such-host.invalid"),
              ends_with(nobody, false, "no-such-host.invalid"));
}

/* All addresses or none: startup fails if another daemon has the port on one of them. */
TEST(bind__of_a_port_that_is_taken_on_one_address)
{
    static const char *const rows[] = {"http.address=127.0.0.1", "admin.address=127.0.0.1",
                                       "http.address=localhost", "http.address=*",
                                       "http.address=0.0.0.0"};

    driver_start(&d, &(struct driver_args){0});
    for (int i = 0; i < COUNT(rows); i++) {
        test_row("taken: %s", rows[i]);
        CHECK_INT(ends_with(js("%s:%d", rows[i], port_of(d.address)), false,
                            "bind: Address already in use"),
                  69);
    }
}
