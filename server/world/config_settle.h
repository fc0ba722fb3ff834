/* What a configuration leaves to the device. */
#ifndef SERVER_WORLD_CONFIG_SETTLE_H
#define SERVER_WORLD_CONFIG_SETTLE_H

#include "server/world/config.h"

/* Opens the device that the configuration names for a moment, for its choices; where it does not
 * open, they stay open too. A daemon that serves has its device and takes its caps. */
void config_settle(struct config *config);

#endif
