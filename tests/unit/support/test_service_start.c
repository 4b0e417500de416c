/* A program is started while other threads of the test hold the allocator's locks. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/service.h"

#include "runtime/base/banned.h"

enum {
    THREADS = 2,
    STARTS = 25,
    BLOCKS = 500
};

static atomic_bool done;

static void *allocate(void *user)
{
    void *block[BLOCKS];

    (void)user;
    while (!done) {
        for (size_t i = 0; i < BLOCKS; i++)
            block[i] = malloc(100 + i);
        for (size_t i = 0; i < BLOCKS; i++)
            free(block[i]);
    }
    return NULL;
}

static void it_starts_whatever_other_threads_are_at(void **state)
{
    const char *const no_words[] = {NULL};
    const char *const variables[] = {"O2C_TEST=1", NULL};
    pthread_t thread[THREADS];
    struct service service = {.pid = 0};

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, allocate, NULL), 0);
    for (int i = 0; i < STARTS; i++) {
        service_start(&service, "/bin/true", no_words, variables);
        assert_int_equal(service_wait(&service), 0);
    }
    done = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    service_clear(&service, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts_whatever_other_threads_are_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
