/* failpoint.c: what a child process does at a named place, and what it leaves in the log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/failpoint.h"

#include "runtime/base/banned.h"

enum {
    CAME_THROUGH = 17
};

static char log_path[] = "/tmp/o2c-test-failpoint-XXXXXX";
static pid_t last_child;

static void silence_stderr(void)
{
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
}

/* Runs a child that passes a.b three times and c once; hands back its status. */
static int status_with(const char *spec)
{
    last_child = fork();
    if (last_child == 0) {
        setenv("O2C_FAILPOINTS", spec, 1);
        signal(SIGABRT, SIG_DFL);
        silence_stderr();
        for (int i = 0; i < 3; i++)
            O2C_FAILPOINT("a.b");
        O2C_FAILPOINT("c");
        _exit(CAME_THROUGH);
    }
    int status = 0;
    assert_int_equal(waitpid(last_child, &status, WUNTRACED), last_child);
    if (WIFSTOPPED(status)) {
        kill(last_child, SIGKILL);
        waitpid(last_child, NULL, 0);
    }
    return status;
}

static void assert_came_through(int status)
{
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), CAME_THROUGH);
}

static void assert_killed_by(int status, int signal_number)
{
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), signal_number);
}

static void assert_logged(const char *const *hits)
{
    char expected[400] = "", found[400] = "";
    for (size_t len = 0; *hits; hits++)
        len += (size_t)snprintf(expected + len, sizeof expected - len, "%s %ld\n", *hits,
                                (long)last_child);
    FILE *file = fopen(log_path, "r");
    assert_non_null(file);
    size_t got = fread(found, 1, sizeof found - 1, file);
    found[got] = '\0';
    fclose(file);
    assert_string_equal(found, expected);
}

#define ASSERT_LOGGED(...) assert_logged((const char *const[]){__VA_ARGS__, NULL})

static void without_an_order_nothing_happens_but_hits_are_logged(void **state)
{
    (void)state;
    assert_came_through(status_with(""));
    ASSERT_LOGGED("a.b 1", "a.b 2", "a.b 3", "c 1");
}

static void a_kill_comes_at_the_hit_that_was_asked_for(void **state)
{
    (void)state;
    assert_killed_by(status_with("a.b=kill@2;c=exit"), SIGKILL);
    ASSERT_LOGGED("a.b 1", "a.b 2");
}

static void without_a_number_the_first_hit_counts(void **state)
{
    (void)state;
    assert_killed_by(status_with("c=kill;a.b=kill"), SIGKILL);
    ASSERT_LOGGED("a.b 1");
}

static void a_hit_that_never_comes_changes_nothing(void **state)
{
    (void)state;
    assert_came_through(status_with("a.b=kill@4;a.b.c=kill;a=kill"));
}

static void every_action_does_what_it_says(void **state)
{
    (void)state;
    int status = status_with("c=stop");
    assert_true(WIFSTOPPED(status));
    assert_int_equal(WSTOPSIG(status), SIGSTOP);
    assert_killed_by(status_with("c=abort"), SIGABRT);
    status = status_with("c=exit");
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

static void what_cannot_be_understood_ends_the_process(void **state)
{
    (void)state;
    const char *bad[] = {"c", "c=die", "c=kill@0", "c=kill@x", "a.b=killer"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_killed_by(status_with(bad[i]), SIGABRT);
}

static int begin(void **state)
{
    (void)state;
    setenv("O2C_FAILPOINT_LOG", log_path, 1);
    return truncate(log_path, 0);
}

static int make_file(void **state)
{
    (void)state;
    return close(mkstemp(log_path));
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(log_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_an_order_nothing_happens_but_hits_are_logged, begin),
        cmocka_unit_test_setup(a_kill_comes_at_the_hit_that_was_asked_for, begin),
        cmocka_unit_test_setup(without_a_number_the_first_hit_counts, begin),
        cmocka_unit_test_setup(a_hit_that_never_comes_changes_nothing, begin),
        cmocka_unit_test_setup(every_action_does_what_it_says, begin),
        cmocka_unit_test_setup(what_cannot_be_understood_ends_the_process, begin),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
