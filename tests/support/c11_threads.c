/*
 * C11's threads by way of POSIX's, for builds with ThreadSanitizer: librdkafka makes its
 * threads, mutexes and conditions with <threads.h>, of which gcc's libtsan knows nothing; a
 * thread that it has not seen being born ends with a segmentation fault.  In front of libc,
 * these give it what it knows.  mtx_t and cnd_t are pthread_mutex_t and pthread_cond_t by
 * another name (glibc).
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

#include "runtime/base/banned.h"

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "a mutex is a mutex");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "a condition is a condition");

static int result_of(int code)
{
    switch (code) {
    case 0:
        return thrd_success;
    case ENOMEM:
        return thrd_nomem;
    case ETIMEDOUT:
        return thrd_timedout;
    case EBUSY:
        return thrd_busy;
    default:
        return thrd_error;
    }
}

/* ---- threads */

struct birth {
    thrd_start_t begin;
    void *with;
};

static void *live(void *given)
{
    struct birth birth = *(struct birth *)given;

    free(given);
    return (void *)(intptr_t)birth.begin(birth.with);
}

int thrd_create(thrd_t *ret_thread, thrd_start_t begin, void *with)
{
    struct birth *birth = malloc(sizeof *birth);
    int code;

    if (!birth)
        return thrd_nomem;
    *birth = (struct birth){begin, with};
    code = pthread_create(ret_thread, NULL, live, birth);
    if (code)
        free(birth);
    return result_of(code);
}

int thrd_join(thrd_t thread, int *ret_result)
{
    void *result;
    int code = pthread_join(thread, &result);

    if (!code && ret_result)
        *ret_result = (int)(intptr_t)result;
    return result_of(code);
}

/* ---- mutexes */

int mtx_init(mtx_t *mutex, int kind)
{
    pthread_mutexattr_t as;
    int code;

    pthread_mutexattr_init(&as);
    pthread_mutexattr_settype(&as, kind & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE
                                                        : PTHREAD_MUTEX_NORMAL);
    code = pthread_mutex_init((pthread_mutex_t *)mutex, &as);
    pthread_mutexattr_destroy(&as);
    return result_of(code);
}

int mtx_lock(mtx_t *mutex)
{
    return result_of(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

int mtx_unlock(mtx_t *mutex)
{
    return result_of(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

void mtx_destroy(mtx_t *mutex)
{
    pthread_mutex_destroy((pthread_mutex_t *)mutex);
}

/* ---- conditions */

int cnd_init(cnd_t *condition)
{
    return result_of(pthread_cond_init((pthread_cond_t *)condition, NULL));
}

int cnd_signal(cnd_t *condition)
{
    return result_of(pthread_cond_signal((pthread_cond_t *)condition));
}

int cnd_broadcast(cnd_t *condition)
{
    return result_of(pthread_cond_broadcast((pthread_cond_t *)condition));
}

int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    return result_of(
        pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex));
}

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until)
{
    return result_of(pthread_cond_timedwait((pthread_cond_t *)condition,
                                            (pthread_mutex_t *)mutex, until));
}

void cnd_destroy(cnd_t *condition)
{
    pthread_cond_destroy((pthread_cond_t *)condition);
}
