/*
 * The daemon: everything put together, and its life. Main thread: signals, admin, health; it
 * publishes what the loader built. See DESIGN 7 for the other threads.
 */
#ifndef SERVER_DAEMON_DAEMON_H
#define SERVER_DAEMON_DAEMON_H

#include "server/daemon/arguments.h"
#include "server/world/config_read.h"

/*
 * Opens everything (loading the first world while the listeners already answer 503), serves until a
 * signal or a failed first load, drains, closes everything. Takes the reference to config over. 0
 * after a clean end; -1 with err, whose code is the exit status.
 *
 * Closing may hang for good (a device in the middle of an opening). So before daemon_run the caller
 * installs handlers of SIGTERM, SIGINT and SIGALRM that end the process: the first two are blocked
 * until closing begins, the last is sent when it takes too long.
 */
int daemon_run(const struct arguments *arguments, struct config *config,
               struct err *err) MUST_CHECK;

#endif
