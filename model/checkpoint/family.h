/*
 * A family of encoders in the file format of transformers: how config.json is read and how tensors
 * are named. One const table each, in a separate file.
 */
#ifndef MODEL_CHECKPOINT_FAMILY_H
#define MODEL_CHECKPOINT_FAMILY_H

#include <jansson.h>

#include "base/arena.h"
#include "model/checkpoint/encoder.h"
#include "model/checkpoint/head.h"
#include "model/files/safetensors.h"

struct family {
    const char *model_type; /* config.json's */
    /* file is for messages. head->labels is what config.json says; the weights decide whether
     * there is a head. */
    int (*config)(const char *file, const json_t *config, struct encoder_config *out,
                  struct head *head, struct err *err);
    /* Fills the weights of an encoder and a head whose configurations are set, from the arena;
     * decides head->labels. Missing, surplus and mis-shaped tensors are errors; memory is allocated
     * only for tensors that passed the checks. */
    int (*weights)(struct safetensors *tensors, struct arena *arena, struct encoder *encoder,
                   struct head *head, struct err *err);
};

/* The family of config.json's model_type; NULL with err when there is none. */
const struct family *family_find(const char *file, const json_t *config,
                                 struct err *err) MUST_CHECK;

extern const struct family family_bert;

#endif
