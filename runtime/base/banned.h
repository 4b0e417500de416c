/*
 * banned.h - functions whose use is a compile error here: they overflow, are
 * not reentrant, or (rd_kafka_consume_batch_queue before librdkafka 2.1) lose
 * and repeat messages around pause, seek and rebalance.  Included last.
 */
#ifndef O2C_BASE_BANNED_H
#define O2C_BASE_BANNED_H

#undef alloca  /* a macro in glibc's headers */
#undef sprintf /* macros under clang and _FORTIFY_SOURCE, which cannot be poisoned */
#undef vsprintf
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok gets
#pragma GCC poison atoi atol atoll atof gmtime localtime ctime asctime alloca
#pragma GCC poison rd_kafka_consume_batch_queue

#endif
