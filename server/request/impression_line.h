/*
 * A line of log.impressions: what the trainer reads (CONTRACT 6). The request is written
 * with merged behaviour, without the user's id, and with the bids and floors in effect: the log
 * holds what was ranked and no user ids, and each request in it can be replayed.
 */
#ifndef SERVER_REQUEST_IMPRESSION_LINE_H
#define SERVER_REQUEST_IMPRESSION_LINE_H

#include "server/request/request_state.h"

void impression_line_add(struct request *r, const struct answer *answer);

#endif
