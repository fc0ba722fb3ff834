/* Checks that ports of 127.0.0.1 are free for the demo. */
#ifndef TOOLS_DEMO_PORT_H
#define TOOLS_DEMO_PORT_H

#include "base/err.h"

/* -1 when the port is taken; err names the holder as far as /proc shows it. */
int port_check(int port, struct err *err) MUST_CHECK;

#endif
