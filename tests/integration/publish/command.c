#include "tests/integration/publish/command.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/banned.h"

enum {
    MAX_ARGS = 32,
    CHILD_SECONDS = 60, /* then SIGALRM ends it */
};

static void path_of(const struct command *command, const char *name, char *path,
                    size_t room)
{
    int len = snprintf(path, room, "%s/%s", command->folder, name);
    assert(len > 0 && (size_t)len < room);
}

void command_init(struct command *command)
{
    snprintf(command->folder, sizeof(command->folder), "/tmp/o2c-publish-test-XXXXXX");
    char *made = mkdtemp(command->folder);
    assert(made);
    signal(SIGPIPE, SIG_IGN);
}

void command_clear(struct command *command)
{
    DIR *folder = opendir(command->folder);
    struct dirent *entry;
    char path[512];
    assert(folder);
    while ((entry = readdir(folder)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            path_of(command, entry->d_name, path, sizeof(path));
            (void)unlink(path);
        }
    (void)closedir(folder);
    (void)rmdir(command->folder);
}

void command_file(struct command *command, const char *name, const char *text)
{
    char path[512];
    path_of(command, name, path, sizeof(path));
    FILE *file = fopen(path, "w");
    assert(file);
    assert(fwrite(text, 1, strlen(text), file) == strlen(text));
    assert(fclose(file) == 0);
}

static void become(const struct command *command, const char *const *args, int input)
{
    char *words[MAX_ARGS] = {(char *)(uintptr_t) "o2c"};
    size_t count = 1;
    int said;
    while (args[count - 1]) {
        assert(count < MAX_ARGS - 1);
        words[count] = (char *)(uintptr_t)args[count - 1];
        count++;
    }
    if (chdir(command->folder))
        _exit(99);
    said = open("said", O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(input, STDIN_FILENO);
    dup2(said, STDERR_FILENO);
    alarm(CHILD_SECONDS);
    execv(O2C_BINARY, words);
    _exit(99);
}

pid_t command_start(struct command *command, const char *const *args, int *ret_input)
{
    int ends[2];
    int made = pipe2(ends, O_CLOEXEC);
    assert(made == 0);
    pid_t pid = fork();
    assert(pid >= 0);
    if (!pid)
        become(command, args, ends[0]);
    (void)close(ends[0]);
    *ret_input = ends[1];
    return pid;
}

int command_wait(struct command *command, pid_t pid)
{
    char path[512];
    int status;
    pid_t ended = waitpid(pid, &status, 0);
    assert(ended == pid);
    path_of(command, "said", path, sizeof(path));
    FILE *file = fopen(path, "r");
    assert(file);
    size_t len = fread(command->said, 1, sizeof(command->said) - 1, file);
    command->said[len] = '\0';
    (void)fclose(file);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int command_run(struct command *command, const char *input, const char *const *args)
{
    int fd;
    size_t len = input ? strlen(input) : 0, at = 0;
    pid_t pid = command_start(command, args, &fd);
    while (at < len) {
        ssize_t written = write(fd, input + at, len - at);
        if (written <= 0)
            break; /* it does not read on */
        at += (size_t)written;
    }
    (void)close(fd);
    return command_wait(command, pid);
}
