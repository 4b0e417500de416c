/* import_topic.h - the records of one publishing run, read from every topic that o2c
 * publish writes to.  For o2c import. */
#ifndef O2C_CLI_IMPORT_TOPIC_H
#define O2C_CLI_IMPORT_TOPIC_H

struct o2c_evidence;
struct stack;

/* Adds every record whose header o2c_run is `run`; its place is topic/partition/offset.  0,
 * or the exit status after saying what failed. */
int import_topic_read(struct stack *stack, const char *run, struct o2c_evidence *evidence);

#endif
