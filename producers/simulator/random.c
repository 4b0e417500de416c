#include "producers/simulator/random.h"

#include "runtime/base/banned.h"

static uint64_t mix(uint64_t word)
{
    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

uint64_t o2c_sim_next(struct o2c_sim_random *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    return mix(random->state);
}

struct o2c_sim_random o2c_sim_random_for(uint64_t seed, enum o2c_sim_purpose purpose,
                                         uint64_t subject)
{
    uint64_t state = mix(seed + UINT64_C(0x632be59bd9b4e019));
    state = mix(state ^ (uint64_t)purpose * UINT64_C(0xd6e8feb86659fd93));
    return (struct o2c_sim_random){mix(state + subject)};
}

int64_t o2c_sim_between(struct o2c_sim_random *random, int64_t low, int64_t high)
{
    uint64_t span = (uint64_t)high - (uint64_t)low + 1;
    __extension__ typedef unsigned __int128 wide;
    return low + (int64_t)(uint64_t)(((wide)o2c_sim_next(random) * span) >> 64);
}

bool o2c_sim_chance(struct o2c_sim_random *random, int64_t ppm)
{
    return o2c_sim_between(random, 0, 999999) < ppm;
}

int64_t o2c_sim_place(uint64_t seed, enum o2c_sim_share share, uint64_t number)
{
    /* fractions of the roots of the first primes, in 2^-64 */
    static const uint64_t steps[] = {
        UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b),
        UINT64_C(0x3c6ef372fe94f82b), UINT64_C(0xa54ff53a5f1d36f1),
        UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
        UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179)};
    uint64_t place = mix(seed ^ mix((uint64_t)share + 1)) + number * steps[share];
    return (int64_t)(((place >> 32) * 1000000) >> 32);
}
