/* Ports of 127.0.0.1 that the demo wants for itself. */
#ifndef TOOLS_DEMO_PORT_H
#define TOOLS_DEMO_PORT_H

#include "base/err.h"

/* -1 and who holds it, as far as /proc shows, when nobody can listen there. */
int port_check(int port, struct err *err) MUST_CHECK;

#endif
