/*
 * Stands in for libFuzzer with other compilers: runs a target on every file of
 * the folders given, and on spoiled copies of each.  Always the same ones.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/compat/random_event.h"
#include "tests/fuzz/target.h"

enum {
    SPOILED_COPIES = 200,
    MAX_BYTES = 1 << 20
};

/* In memory of exactly its size, so that a sanitizer sees a byte too far. */
static void run(const uint8_t *at, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1);
    if (!exact)
        abort();
    memcpy(exact, at, len);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

static size_t spoil(uint64_t *seed, uint8_t *at, size_t len)
{
    for (uint64_t times = 1 + random_below(seed, 4); times && len; times--) {
        size_t spot = (size_t)random_below(seed, len);
        switch (random_below(seed, 4)) {
        case 0:
            at[spot] = (uint8_t)random_next(seed);
            break;
        case 1:
            at[spot] = (uint8_t)(at[spot] ^ (1 << random_below(seed, 8)));
            break;
        case 2:
            len = spot;
            break;
        default:
            memmove(at + spot, at + spot + 1, len - spot - 1);
            len--;
        }
    }
    return len;
}

static int run_file(const char *folder, const char *name)
{
    static uint8_t bytes[MAX_BYTES], copy[MAX_BYTES];
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *in = fopen(path, "rb");
    if (!in)
        return 0;
    size_t len = fread(bytes, 1, sizeof(bytes), in);
    fclose(in);
    run(bytes, len);
    uint64_t seed = len;
    for (int i = 0; i < SPOILED_COPIES; i++) {
        memcpy(copy, bytes, len);
        run(copy, spoil(&seed, copy, len));
    }
    return 1;
}

static int run_folder(const char *folder)
{
    DIR *open = opendir(folder);
    if (!open)
        return 0;
    int files = 0;
    for (const struct dirent *entry; (entry = readdir(open));)
        if (entry->d_name[0] != '.')
            files += run_file(folder, entry->d_name);
    closedir(open);
    return files;
}

int main(int argc, char **argv)
{
    int files = 0;
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-') /* options are libFuzzer's */
            files += run_folder(argv[i]);
    printf("%d files, %d runs\n", files, files * (SPOILED_COPIES + 1));
    return files ? 0 : 1;
}
