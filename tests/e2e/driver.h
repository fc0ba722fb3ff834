/*
 * The one way in which tests start adrankd: the real binary, in a folder of its own, on free ports,
 * ended with the test. Its log goes to a file that tests may read. Programs are found in
 * build/<preset>/bin, the one beside the test that runs.
 */
#ifndef TESTS_E2E_DRIVER_H
#define TESTS_E2E_DRIVER_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "client/http_client.h"

#define DRIVER_MAX_SETS 32
#define DRIVER_MODEL "tests/golden/models/e2e"    /* Hugging Face, small, no golden requests */
#define DRIVER_KEY "a key for tests, long enough" /* privacy.user_key */
#define DRIVER_ONE_AD "{\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}"

struct driver_args {
    const char *config;  /* JSON of the configuration file; NULL: "{}" */
    const char *model;   /* model.path; NULL: DRIVER_MODEL */
    const char *backend; /* "cpu", or "null", "paced", "failing": the test modules; NULL: "null" */
    const char *device;  /* words for "failing"; later ones by driver_write("device") */
    const char *catalog; /* bytes of the catalog; NULL: driver_catalog */
    const char *redis;   /* features.url, with a key of the driver's; NULL: none */
    const char *sets[DRIVER_MAX_SETS]; /* more --set, NULL behind the last */
    const char *env[DRIVER_MAX_SETS];  /* "NAME=value", NULL behind the last */
    const char *argv[8];               /* more arguments */
    const char *program;               /* of the build; NULL: bin/adrankd */
    bool plain;   /* no --set of the driver's own: config says all of it, driver_config() helps */
    bool no_wait; /* do not wait for ready */
    bool kept;    /* runs on after the case, until driver_stop */
    int files_soft, files_hard; /* RLIMIT_NOFILE; 0: the test's own */
    bool log_pipe; /* the log goes to a pipe that is read until ready, then left to fill up */
};

struct driver {
    pid_t pid;
    char folder[128];  /* config.json, catalog.jsonl, key, device, log */
    char address[128]; /* of /rank; valid once ready */
    char admin[128];
};

extern const char driver_catalog[]; /* ten ads in English and Chinese, a1 to a10 */

/* FAILs the test when it does not come up (unless no_wait). The daemon is ended with the TEST, or
 * by the next driver_start of the same driver, and FAILs it when it has not ended well, unless
 * driver_wait or driver_stop have reported its status before. */
void driver_start(struct driver *driver, const struct driver_args *args);
/* Waits for "event=ready" in the log and takes the addresses from it. */
void driver_wait_ready(struct driver *driver);
/* SIGTERM unless it has ended; its exit status, or 128 + signal. Removes the folder. */
int driver_stop(struct driver *driver);
/* The same; FAILs unless it has ended well. */
void driver_end(struct driver *driver);
/* The exit status of a daemon that ends by itself; FAILs unless its log holds text (NULL: any). */
int driver_run(const struct driver_args *args, const char *text);
void driver_kill(struct driver *driver, int signal_number);
/* Waits at most ms for it to end by itself; -1 when it did not. Else as driver_stop, the folder
 * stays. */
int driver_wait(struct driver *driver, int ms);

/* Writes a file of the driver's folder, for its owner alone. */
void driver_write(struct driver *driver, const char *name, const char *bytes);
/* The whole log so far; valid until the next call. */
const char *driver_log(struct driver *driver);
/* How often the log holds text. */
int driver_logged(struct driver *driver, const char *text);
/* FAILs unless the log holds text, */
void driver_check_log(struct driver *driver, const char *text);
/* or comes to hold it within 10 s. */
void driver_wait_log(struct driver *driver, const char *text);

/* One call on a connection of its own; FAILs when there is no response. Body and head are copied
 * into the static result, which holds until the next call. */
struct driver_response {
    int status;
    char body[262144];
    char head[16384];
    bool closed; /* the server closed the connection behind the answer */
};
struct driver_response *driver_call(const char *address, const char *method, const char *target,
                                    const char *body);
struct driver_response *driver_rank(struct driver *driver, const char *body);
/* Bytes as they are, on a connection of its own; waits for one response, then looks whether it is
 * closed. */
struct driver_response *driver_raw(const char *address, struct view bytes);

/* A size in /proc/PID/status: "VmRSS:" now, "VmHWM:" at most so far. */
int64_t driver_status_bytes(struct driver *driver, const char *name);

/* A sample of /metrics: "adrank_filtered_total{reason=\"floor\"}"; -1 when there is none. */
double driver_metric(struct driver *driver, const char *sample);
/* The sum of the samples of a family whose labels hold some text: "adrank_requests_total",
 * "code=\"200\""; -1 when there is none. */
double driver_metric_sum(struct driver *driver, const char *name, const char *labels);
/* adrank-history VERB with the driver's key on these lines, JSON with ' for " or not; its output,
 * until the next call. */
const char *driver_history(struct driver *driver, const char *url, const char *verb,
                           const char *lines);
/* adrankd --probe WHAT of its admin address; the exit status. */
int driver_probe(struct driver *driver, const char *what);
/* Applies a new configuration file by POST /admin/reload and gives the answer. */
struct driver_response *driver_reload(struct driver *driver, const char *config);

/* The driver's defaults as the text of a configuration file, with the members of overlays over
 * them, each a JSON object with ' for ", NULL behind the last; "backend":"paced" names a test
 * module. For tests that change options by reload, which what --set says cannot be. Valid as js()
 * is.
 */
const char *driver_config(const char *overlay, ...) __attribute__((sentinel));
/* The body as JSON; FAILs when it is none. Valid until the eighth call from now. */
const json_t *driver_json(const struct driver_response *response);
/* What a pointer names: "/results/0/adid"; NULL when there is nothing. */
const json_t *driver_at(const json_t *value, const char *pointer);
/* The text or the number that it names; "" or 0 when there is none. */
const char *driver_text(const json_t *value, const char *pointer);
json_int_t driver_int(const json_t *value, const char *pointer);
/* Whether the array there has a string that contains text: "/degraded", "/warnings". */
bool driver_lists(const json_t *value, const char *pointer, const char *text);

/* Path of a program or module of the build that the test belongs to: "bin/adrankd". */
const char *driver_build_path(const char *name);

#endif
