/* Runs the program adrank-model of the test's build and captures its output. */
#ifndef TESTS_GOLDEN_MODEL_PROGRAM_H
#define TESTS_GOLDEN_MODEL_PROGRAM_H

#include <jansson.h>

#include "base/buf.h"
#include "tests/js.h"

struct model_ran {
    int status;          /* it ended by exit; a signal FAILs the test */
    struct buf out, err; /* stdout, stderr */
};

/* args as a shell writes them; input goes to its stdin. */
struct model_ran model_run(const char *args, struct view input);
/* The same; it must end with 0. */
struct model_ran model_run_ok(const char *args, struct view input);
/* The same; its first line as JSON, the caller's to release. */
json_t *model_run_line(const char *args, struct view input);
void model_ran_release(struct model_ran *ran);

/* Lines of stdout, and the n-th of them, from 0, as JSON: the caller's to release. */
int model_ran_lines(const struct model_ran *ran);
json_t *model_ran_line(const struct model_ran *ran, int n);

/* The value at a JSON pointer, NULL where there is none; as a number, or as a string ("none"). */
const json_t *json_at(const json_t *doc, const char *pointer);
double number_at(const json_t *doc, const char *pointer);
const char *text_at(const json_t *doc, const char *pointer);

/* It ended with the status, and stderr holds the text. */
void model_ran_failed(struct model_ran *ran, int status, const char *text);

#endif
