/* parts.h - how what is ordered is divided: into shipments, and into what comes back. */
#ifndef O2C_SIMULATOR_PARTS_H
#define O2C_SIMULATOR_PARTS_H

#include <stdint.h>

#include "producers/simulator/lifecycle.h"

struct o2c_sim_random;

/* Divides the lines into up to `want` parts, none of them empty; sets parts and part_count.
 */
void o2c_sim_split(struct o2c_sim_plan *plan, const struct o2c_sim_lines *lines,
                   int32_t want, struct o2c_sim_random *random);

/* Sends too much or too little of one line. */
void o2c_sim_miscount(struct o2c_sim_plan *plan, struct o2c_sim_random *random);

/* Chooses what of a part comes back: some or all of a line, or everything. */
void o2c_sim_give_back(struct o2c_sim_plan *plan, int32_t part,
                       struct o2c_sim_random *random);

#endif
