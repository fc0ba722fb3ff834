/*
 * Why an ad that a request could have shown is not among its results: the keys of `filtered` in an
 * answer (CONTRACT 3) and the label of adrank_filtered_total. The names are an interface.
 */
#ifndef MARKET_REASONS_H
#define MARKET_REASONS_H

enum filtered_reason {
    FILTERED_UNKNOWN, /* neither in the catalog nor with a text of its own */
    FILTERED_INACTIVE,
    FILTERED_DUPLICATE, /* the first candidate of that adid counts */
    FILTERED_FLOOR,
    FILTERED_BLOCKED, /* badv, bcat */
    FILTERED_CURRENCY,
    FILTERED_NO_BID,
    FILTERED_NO_CVR, /* cpa, and the model does not predict conversions */
    FILTERED_REASONS
};

extern const char *const filtered_reason_names[FILTERED_REASONS + 1]; /* NULL-terminated */

#endif
