/* Encodes a catalog's ads for an open model, between batches where that needs its engine. */
#ifndef SERVER_BATCH_SERVED_ADS_H
#define SERVER_BATCH_SERVED_ADS_H

#include <stdatomic.h>

#include "server/batch/served.h"

/*
 * Waits until all are encoded: for the loader thread, never for a request worker or an executor.
 * Steps that need the engine are a background task of the primary executor; others run on the
 * caller's thread and do not delay served requests. The result must not outlive model and catalog;
 * it is freed with encoded_ads_free. -1: ERR_UNAVAILABLE once *stop is true (any thread may set it)
 * or the executor is broken or stopping.
 */
int served_model_encode_ads(const struct served_model *served, const struct catalog *catalog,
                            const atomic_bool *stop, struct encoded_ads **out,
                            struct err *err) MUST_CHECK;

#endif
