/*
 * host.h - the engine every consumer runs in.  A consumer's main() is
 *
 *     int main(int argc, char **argv)
 *     {
 *         return o2c_host_main(&orders_consumer, argc, argv);
 *     }
 */
#ifndef O2C_HOST_HOST_H
#define O2C_HOST_HOST_H

struct o2c_consumer;

/* Runs until SIGTERM or a fatal error.  Exit status: 0 stopped, 1 fatal, 2 usage or
 * settings. */
int o2c_host_main(const struct o2c_consumer *consumer, int argc, char **argv);

#endif
