/* A catalog's ads encoded for a model that is open, between batches where that takes its engine. */
#ifndef SERVER_BATCH_SERVED_ADS_H
#define SERVER_BATCH_SERVED_ADS_H

#include <stdatomic.h>

#include "server/batch/served.h"

/*
 * Waits until all are encoded: for the loader thread, never for a worker or an executor. Steps that
 * need the engine are a background task of the primary executor; others run on the caller's thread
 * and cost those that are served nothing. The result lives no longer than model and catalog; it is
 * freed with encoded_ads_free. -1: ERR_UNAVAILABLE once *stop is true (any thread may set it) or
 * the executor is broken or stopping.
 */
int served_model_encode_ads(const struct served_model *served, const struct catalog *catalog,
                            const atomic_bool *stop, struct encoded_ads **out,
                            struct err *err) MUST_CHECK;

#endif
