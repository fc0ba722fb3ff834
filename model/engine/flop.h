/*
 * FLOPs (two per multiply-add) of the linear layers and of the attention products of one forward
 * pass that ends in a pooler product for each read row: what benchmarks divide by time. Counts only
 * what has to be computed: in the last layer, keys and values of every token and the rest for the
 * rows that are read.
 */
#ifndef MODEL_ENGINE_FLOP_H
#define MODEL_ENGINE_FLOP_H

#include "adrank/input.h"
#include "model/checkpoint/encoder.h"

double encoder_linear_flop(const struct encoder_config *config, const struct input *input);
double encoder_attention_flop(const struct encoder_config *config, const struct input *input);

#endif
