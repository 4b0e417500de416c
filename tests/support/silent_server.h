/*
 * silent_server.h - a server that is frozen before it has said a word: a port of the
 * loopback whose kernel takes connections, and nobody else.
 */
#ifndef O2C_TESTS_SUPPORT_SILENT_SERVER_H
#define O2C_TESTS_SUPPORT_SILENT_SERVER_H

/* The descriptor, to be closed; fails the running test if there is none. */
int silent_server_open(int *ret_port);

#endif
