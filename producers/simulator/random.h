/*
 * random.h - the simulator's chance: SplitMix64, keyed by what it decides
 * about.  One order's draws never depend on another's, so an order can be
 * planned again at any time instead of being kept.
 */
#ifndef O2C_SIMULATOR_RANDOM_H
#define O2C_SIMULATOR_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct o2c_sim_random {
    uint64_t state;
};

/* What is decided; each has its own sequence per subject. */
enum o2c_sim_purpose {
    O2C_SIM_FOR_CUSTOMER = 1,
    O2C_SIM_FOR_ORDER,
    O2C_SIM_FOR_ARRIVAL,
    O2C_SIM_FOR_EVENT_ID,
    O2C_SIM_FOR_RECEIVABLES,
};

struct o2c_sim_random o2c_sim_random_for(uint64_t seed, enum o2c_sim_purpose purpose,
                                         uint64_t subject);

uint64_t o2c_sim_next(struct o2c_sim_random *random);

/* From low to high, both included; low <= high. */
int64_t o2c_sim_between(struct o2c_sim_random *random, int64_t low, int64_t high);

/* True in `ppm` of a million cases. */
bool o2c_sim_chance(struct o2c_sim_random *random, int64_t ppm);

/*
 * Shares that come out as asked for: the places of numbers 0, 1, 2 ... fill 0
 * to 999999 evenly (a Kronecker sequence), so a share of 1,500 orders is met
 * within a few orders, where plain chance would miss it by dozens.  Places of
 * different shares are independent of each other.
 */
enum o2c_sim_share {
    O2C_SIM_SHARE_FATE,
    O2C_SIM_SHARE_AMENDED,
    O2C_SIM_SHARE_SPLIT,
    O2C_SIM_SHARE_OVER_UNDER,
    O2C_SIM_SHARE_RETURNED,
    O2C_SIM_SHARE_LATE,
    O2C_SIM_SHARE_REPEATED,
    O2C_SIM_SHARE_CONTRADICTED,
};

int64_t o2c_sim_place(uint64_t seed, enum o2c_sim_share share, uint64_t number);

#endif
