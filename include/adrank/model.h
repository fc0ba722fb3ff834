/*
 * A model directory (CONTRACT 4), opened: configuration, tokenizer, templates, calibration, golden
 * requests and the tensors in host memory. It turns impressions into what an engine computes
 * (adrank/input.h) and its outputs into probabilities; it knows no device (adrank/engine.h).
 *
 * Immutable and reference-counted: any thread that holds a reference may call everything here.
 * Strings that are returned live as long as the model.
 */
#ifndef ADRANK_MODEL_H
#define ADRANK_MODEL_H

#include "adrank/catalog.h"
#include "adrank/impression.h"
#include "adrank/input.h"
#include "adrank/tokenizer.h"
#include "base/arena.h"

struct model;

/* For json_set_alloc_funcs() in main, before jansson's first use: otherwise running out of memory
 * is mistaken for invalid JSON. */
void *model_json_malloc(size_t size);
void model_json_free(void *p);

/* Reads and checks every file; takes as long as reading the weights does. ERR_DATA, ERR_NOINPUT:
 * err names the file and the problem. */
int model_open(const char *dir, struct model **out, struct err *err) MUST_CHECK;
struct model *model_ref(struct model *model);
void model_unref(struct model *model); /* may be NULL */

const char *model_kind(const struct model *model); /* "cross", "prefix" */
/* From adrank.json, else the last component of the directory. */
const char *model_name(const struct model *model);
const char *model_version(const struct model *model); /* from adrank.json, else "0" */
/* First 12 hex digits of SHA-256 over the names and bytes of all its files. */
const char *model_digest(const struct model *model);
/* A hash of size, inode and mtime of its files: while it is unchanged a reload need not read them
 * again. 0 for a directory that cannot be read. */
uint64_t model_dir_stamp(const char *dir);
int model_out_width(const struct model *model);    /* outputs per segment */
int model_max_tokens(const struct model *model);   /* of one segment with its parent */
double model_base_rate(const struct model *model); /* default pctr */

/* The logit of a click from one segment's outputs: the only output; or, of two, the second minus
 * the first (softmax), or the second alone where the labels are independent (problem_type
 * multi_label_classification: sigmoid). */
double model_logit(const struct model *model, const float *out);
/* Calibrated probability of a click, within [1e-7, 1 - 1e-7]. */
double model_pctr(const struct model *model, const float *out);

/*
 * Ads of a catalog as the model's kind stores them (token ids, or outputs of its engine), built
 * once per (catalog, model) in steps of a few milliseconds: begin, then step until it returns 0; 1
 * means more to do, -1 failed (then free it). Model and catalog must outlive the steps, and the
 * engine of that model must be open. Where the kind needs the engine, steps run on the thread that
 * calls the engine, with no batch in flight; otherwise on any one thread, with engine NULL.
 * Immutable once complete.
 */
struct encoded_ads;
struct engine;
bool encoded_ads_need_engine(const struct model *model);
int encoded_ads_begin(const struct model *model, const struct catalog *catalog,
                      struct encoded_ads **out, struct err *err) MUST_CHECK;
int encoded_ads_step(struct encoded_ads *ads, struct engine *engine, struct err *err) MUST_CHECK;
void encoded_ads_free(struct encoded_ads *ads); /* complete or not; may be NULL */

/* One ad of a request: from the catalog (ad set), or with its own text (text set, takes
 * precedence). */
struct input_ad {
    const struct ad *ad;
    struct view text;
};

struct shared_texts;

struct input_args {
    const struct impression_request *request;
    const struct imp *imp;              /* its tagid is part of the context */
    const struct behaviour *behaviours; /* merged, oldest first, texts filled in */
    int n_behaviours;
    const struct input_ad *ads;
    int n_ads;
    const struct encoded_ads *encoded; /* NULL: every text is tokenised now */
    struct shared_texts *shared; /* with the other inputs of this request; NULL: there are none */
    int64_t now_ms;              /* unix: local hour and weekday of the context */
};

/*
 * Shared by inputs whose args differ only in imp: ads and behaviours are tokenised once, for the
 * first of them. args and all it points to must not change; the arena owns the memory and is not
 * reset before the last input is built. NULL when out of memory.
 */
struct shared_texts *model_share_texts(const struct model *model, const struct input_args *args,
                                       struct arena *arena) MUST_CHECK;
/* Bytes of text examined so far for context and behaviours of all these inputs. */
size_t model_shared_bytes(const struct shared_texts *texts);
/* Whether the placement (tagid) is part of the context; if not, all imps of a request have the same
 * input. */
bool model_reads_placement(const struct model *model);

/*
 * Turns an impression and ads into segments, by the model's kind and templates; outputs come in the
 * order of ads. *truncated: something was left out (oldest behaviour first). scratch may be reset
 * afterwards. Pure except for input_reserve; ERR_NOMEM is the only failure.
 */
int model_input(const struct model *model, const struct input_args *args, struct arena *scratch,
                struct input *out, bool *truncated, struct err *err) MUST_CHECK;

/*
 * Encodes a pair of texts in the layout of the model's kind, without templates, for tools: cross
 * [CLS] text [SEP] text_pair [SEP], or with has_pair false [CLS] text [SEP]; prefix a parent [CLS]
 * text [SEP] and a child [CLS] text_pair [SEP]. Truncated longest-first to max_tokens; 0: the limit
 * stated in the directory.
 */
int model_input_pair(const struct model *model, struct view text, struct view text_pair,
                     bool has_pair, int max_tokens, struct arena *scratch, struct input *out,
                     struct err *err) MUST_CHECK;

#endif
