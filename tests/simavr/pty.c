/* The simulated board as a process: its serial line is a pseudo-terminal, its time is the wall clock's.
 *
 * Copyright (C) 2026 The robopatient developers
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public
 * License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later
 * version. It is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY. See
 * <https://www.gnu.org/licenses/>.
 *
 * pty ELF MCU CELLS SPS TABLE IDLE_ROWS LOOP
 *
 * TABLE is a file of int32, CELLS to a row, one row a conversion (sim_table). The first line on standard output is
 * {"port": PATH}, or {"error": TEXT}. Lines on standard input: `play`, `dead MASK`, `short MASK`, `reset FLAGS`,
 * `button LINE 0|1`. It leaves when standard input ends, so that it never outlives who started it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "board.h"

#define TURN_NS 500000L
#define BACKLOG_S 0.25 /* held up for longer, the board's time stands still: it must not run through its watchdog */
#define BUFFER_BYTES 65536
#define POWER_ON 1

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int fail(const char *what)
{
    printf("{\"error\": \"%s\"}\n", what);
    return 1;
}

static int32_t *load_table(const char *path, size_t *n_bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    int32_t *rows = size > 0 ? malloc((size_t)size) : NULL;
    if (rows && fread(rows, 1, (size_t)size, file) != (size_t)size) {
        free(rows);
        rows = NULL;
    }
    fclose(file);
    *n_bytes = (size_t)size;
    return rows;
}

static void obey(struct sim *sim, const char *line)
{
    unsigned number, on;
    if (!strcmp(line, "play"))
        sim_play(sim);
    else if (sscanf(line, "dead %u", &number) == 1)
        sim_dead(sim, number);
    else if (sscanf(line, "short %u", &number) == 1)
        sim_short(sim, number);
    else if (sscanf(line, "reset %u", &number) == 1)
        sim_reset(sim, (uint8_t)number);
    else if (sscanf(line, "button %u %u", &number, &on) == 2 && number < 3)
        sim_button(sim, (int)number, (int)on);
    else
        fprintf(stderr, "not understood: %s\n", line);
}

/* Whole lines of standard input; 0 when it has ended. */
static int read_lines(struct sim *sim)
{
    static char typed[256];
    static size_t length;
    ssize_t n = read(STDIN_FILENO, typed + length, sizeof typed - 1 - length);
    if (n <= 0)
        return 0;
    length += (size_t)n;
    char *end;
    while ((end = memchr(typed, '\n', length))) {
        *end = 0;
        obey(sim, typed);
        length -= (size_t)(end + 1 - typed);
        memmove(typed, end + 1, length);
    }
    if (length == sizeof typed - 1)
        length = 0;
    return 1;
}

/* What the board sends waits for the host in a buffer like that of a USB adapter's driver, not in the 4 kB of a
 * pseudo-terminal; what does not fit is lost. */
static void pass_on(struct sim *sim, int master)
{
    static uint8_t waiting[BUFFER_BYTES];
    static size_t length;
    length += sim_rx(sim, waiting + length, sizeof waiting - length);
    ssize_t n = length ? write(master, waiting, length) : 0;
    if (n > 0) {
        length -= (size_t)n;
        memmove(waiting, waiting + n, length);
    }
}

/* A real board has a processor of its own; this one asks to be served first, where that is permitted. */
static void hurry(void)
{
    struct sched_param first = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO, &first))
        setpriority(PRIO_PROCESS, 0, -10);
}

static int serve(struct sim *sim, int master)
{
    static const struct timespec turn = {0, TURN_NS};
    uint8_t bytes[1024];
    struct pollfd ears[2] = {{STDIN_FILENO, POLLIN, 0}, {master, POLLIN, 0}};
    double origin_s = now_s();
    for (;;) {
        ppoll(ears, 2, &turn, NULL);
        double t_s = now_s() - origin_s;
        if (t_s - sim_time(sim) > BACKLOG_S) {
            origin_s += t_s - sim_time(sim) - BACKLOG_S;
            t_s = now_s() - origin_s;
        }
        if (sim_run(sim, t_s)) {
            fprintf(stderr, "the firmware has crashed at %.6f s\n", sim_time(sim));
            return 1;
        }
        if (ears[1].revents & POLLIN) {
            ssize_t n = read(master, bytes, sizeof bytes);
            if (n > 0)
                sim_tx(sim, bytes, (size_t)n);
        }
        pass_on(sim, master);
        if ((ears[0].revents & (POLLIN | POLLHUP)) && !read_lines(sim))
            return 0;
    }
}

int main(int argc, char **argv)
{
    if (argc != 8)
        return fail("usage: pty ELF MCU CELLS SPS TABLE IDLE_ROWS LOOP");
    /* libsimavr tells standard output what it loads; standard output is for the greeting alone. */
    int greeting = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    signal(SIGINT, SIG_IGN);
    int n_cells = atoi(argv[3]);
    size_t n_bytes;
    int32_t *rows = load_table(argv[5], &n_bytes);
    struct sim *sim = sim_new(argv[1], argv[2], n_cells, atof(argv[4]), POWER_ON);
    fflush(stdout);
    dup2(greeting, STDOUT_FILENO);
    if (!sim || !rows)
        return fail("the firmware's image or the table of counts cannot be loaded");
    sim_table(sim, rows, (size_t)atol(argv[6]), n_bytes / sizeof *rows / (size_t)n_cells, atoi(argv[7]));

    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (master < 0 || grantpt(master) || unlockpt(master))
        return fail("no pseudo-terminal can be had");
    /* This end stays open here too: otherwise the master reads errors whenever no host has the port open. */
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    struct termios raw;
    tcgetattr(slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    printf("{\"port\": \"%s\"}\n", ptsname(master));
    fflush(stdout);
    hurry();
    return serve(sim, master);
}
