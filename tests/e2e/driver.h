/*
 * The one way for tests to start adrankd: the real binary, in a new folder, on free ports, stopped
 * with the test. Its log goes to a file that tests may read. Programs come from build/<preset>/bin
 * of the running test's build.
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
    const char *config; /* JSON of the configuration file; NULL: "{}" */
    const char *model;  /* model.path; NULL: DRIVER_MODEL */
    /* "cpu"; "null", "paced", "failing": the test modules; "simt": CUDA on the emulator. NULL:
     * "null"
     */
    const char *backend;
    /* Words for "failing", or for "simt" (tests/simt/runtime.h); change them by
     * driver_write("device"). */
    const char *device;
    const char *catalog;               /* bytes of the catalog; NULL: driver_catalog */
    const char *redis;                 /* features.url, with a key of the driver's; NULL: none */
    const char *sets[DRIVER_MAX_SETS]; /* more --set, NULL after the last */
    const char *env[DRIVER_MAX_SETS];  /* "NAME=value", NULL after the last */
    const char *libraries;             /* LD_LIBRARY_PATH, a folder of the build; NULL: none */
    const char *argv[8];               /* more arguments */
    const char *program;               /* of the build; NULL: bin/adrankd */
    bool plain;                 /* no default --set: config has everything, see driver_config() */
    bool no_wait;               /* do not wait for ready */
    bool kept;                  /* runs on after the case, until driver_stop */
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

/* FAILs the test if the daemon does not become ready (unless no_wait). The daemon is stopped at the
 * end of the TEST, or by the next driver_start of the same driver, and an exit status other than 0
 * FAILs the test unless driver_wait or driver_stop has already returned it. */
void driver_start(struct driver *driver, const struct driver_args *args);
/* Waits for "event=ready" in the log and takes the addresses from it. */
void driver_wait_ready(struct driver *driver);
/* Sends SIGTERM unless it has exited; returns its status, or 128 + signal. Removes the folder. */
int driver_stop(struct driver *driver);
/* The same; FAILs unless the exit status is 0. */
void driver_end(struct driver *driver);
/* The status of a daemon that exits by itself; FAILs unless its log contains text (NULL: any). */
int driver_run(const struct driver_args *args, const char *text);
void driver_kill(struct driver *driver, int signal_number);
/* Waits at most ms for it to exit by itself; -1 if it does not. Otherwise as driver_stop, but keeps
 * the folder. */
int driver_wait(struct driver *driver, int ms);

/* Writes a file in the driver's folder, accessible to its owner only. */
void driver_write(struct driver *driver, const char *name, const char *bytes);
/* The whole log so far; valid until the next call. */
const char *driver_log(struct driver *driver);
/* How many times the log contains text. */
int driver_logged(struct driver *driver, const char *text);
/* FAILs unless the log contains text, */
void driver_check_log(struct driver *driver, const char *text);
/* or contains it within 10 s. */
void driver_wait_log(struct driver *driver, const char *text);

/* One call on a new connection; FAILs without a response. Body and head are copied into the static
 * result, which is valid until the next call. */
struct driver_response {
    int status;
    char body[262144];
    char head[16384];
    bool closed; /* the server closed the connection after the answer */
};
struct driver_response *driver_call(const char *address, const char *method, const char *target,
                                    const char *body);
struct driver_response *driver_rank(struct driver *driver, const char *body);
/* Sends raw bytes on a new connection; waits for one response, then checks whether it is closed. */
struct driver_response *driver_raw(const char *address, struct view bytes);

/* A size in /proc/PID/status: "VmRSS:" is the current one, "VmHWM:" the peak. */
int64_t driver_status_bytes(struct driver *driver, const char *name);

/* A sample of /metrics: "adrank_filtered_total{reason=\"floor\"}"; -1 if there is none. */
double driver_metric(struct driver *driver, const char *sample);
/* Runs adrank-history VERB with the driver's key on these lines, JSON in which ' may stand for ";
 * returns its output, valid until the next call. */
const char *driver_history(struct driver *driver, const char *url, const char *verb,
                           const char *lines);
/* Runs adrankd --probe WHAT on its admin address; returns the exit status. */
int driver_probe(struct driver *driver, const char *what);
/* Applies a new configuration file by POST /admin/reload and returns the answer. */
struct driver_response *driver_reload(struct driver *driver, const char *config);

/* The driver's defaults as the text of a configuration file, merged with overlays, each a JSON
 * object with ' for ", NULL after the last; "backend":"paced" names a test module. For tests that
 * change options by reload, as --set overrides the file. Valid as long as a js() text. */
const char *driver_config(const char *overlay, ...) __attribute__((sentinel));
/* The body as JSON; FAILs if it is not JSON. Valid for seven further calls. */
const json_t *driver_json(const struct driver_response *response);
/* The value at a pointer such as "/results/0/adid"; NULL if there is none. */
const json_t *driver_at(const json_t *value, const char *pointer);
/* The text or the number there; "" or 0 if there is none. */
const char *driver_text(const json_t *value, const char *pointer);
json_int_t driver_int(const json_t *value, const char *pointer);
/* Whether the array there ("/degraded", "/warnings") has a string that contains text. */
bool driver_lists(const json_t *value, const char *pointer, const char *text);

/* Path of a program or module of the test's own build, such as "bin/adrankd". */
const char *driver_build_path(const char *name);

#endif
