#include "producers/cli/screen.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "producers/cli/commands.h"
#include "producers/cli/interrupt.h"
#include "producers/cli/report.h"
#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

static size_t terminal_lines(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row ? size.ws_row : 24;
}

/* The text over what stood there before, as much as the terminal holds, in one write. */
static int repaint(const struct stack *stack, const struct o2c_buf *text)
{
    const char *at = text->at, *end = text->at + text->len;
    size_t lines = terminal_lines() - 1;
    struct o2c_buf out;
    int status;

    o2c_buf_init(&out, REPORT_MAX_BYTES);
    o2c_buf_add_text(&out, "\033[H");
    for (; at < end && lines; lines--) {
        size_t len = (size_t)((const char *)memchr(at, '\n', (size_t)(end - at)) - at);

        o2c_buf_add(&out, at, len);
        o2c_buf_add_text(&out, "\033[K\n"); /* clears what is left of the line */
        at += len + 1;
    }
    o2c_buf_add_text(&out, "\033[J");
    status = report_print(stack, &out);
    o2c_buf_clear(&out);
    return status;
}

static int show_again(const struct screen *screen, bool paints)
{
    struct o2c_buf text;
    int status;

    o2c_buf_init(&text, REPORT_MAX_BYTES);
    status = screen->show(screen->user, &text, paints ? terminal_lines() : SIZE_MAX);
    if (!status && paints && !text.failed) {
        status = repaint(screen->stack, &text);
    } else if (!status) {
        o2c_buf_add_text(&text, screen->json ? "" : "\n");
        status = report_print(screen->stack, &text);
    }
    o2c_buf_clear(&text);
    return status;
}

int screen_watch(const struct screen *screen)
{
    struct timespec pause = {SCREEN_EVERY_S, 0};
    bool paints = !screen->json && isatty(STDOUT_FILENO);
    int status;

    interrupt_catch();
    if (paints) /* no cursor, no wrapped lines; an empty screen, once */
        fputs("\033[?25l\033[?7l\033[H\033[2J", stdout);
    do {
        status = show_again(screen, paints);
        if (!status && !interrupt_came())
            nanosleep(&pause, NULL);
    } while (!status && !interrupt_came() && !ferror(stdout));
    if (paints)
        fputs("\033[?7h\033[?25h", stdout);
    fflush(stdout);
    return interrupt_came() ? EXIT_OK : status;
}
