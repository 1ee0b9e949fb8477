/* A microcontroller in libsimavr with HX711 converters, buttons and voltages on its pins; time is simulated.
 *
 * Copyright (C) 2026 The robopatient developers
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public
 * License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later
 * version. It is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY. See
 * <https://www.gnu.org/licenses/>. */
#ifndef SIMAVR_BOARD_H
#define SIMAVR_BOARD_H

#include <stddef.h>
#include <stdint.h>

struct sim;

/* Load an image into a 16 MHz "atmega328p" or "atmega2560" with `n_cells` converters of `sps` conversions a second.
 * `flags` is the reset flag register (PORF 1, EXTRF 2, BORF 4, WDRF 8). NULL when that cannot be. */
struct sim *sim_new(const char *elf, const char *mcu, int n_cells, double sps, uint8_t flags);
void sim_free(struct sim *sim);

/* Run until `t_s` after the start; not 0: the program has crashed. */
int sim_run(struct sim *sim, double t_s);
double sim_time(const struct sim *sim);

/* The serial line: bytes to the board; bytes from it. */
void sim_tx(struct sim *sim, const uint8_t *bytes, size_t n);
size_t sim_rx(struct sim *sim, uint8_t *bytes, size_t max);

/* What the converters will say from the next conversion on. */
void sim_count(struct sim *sim, int cell, int32_t count);

/* Or a table: rows of n_cells counts, one a conversion; the first n_idle rows again and again, and from sim_play on the
 * others once (again and again with `loop`). The table must outlive the simulation. */
void sim_table(struct sim *sim, const int32_t *rows, size_t n_idle, size_t n_rows, int loop);
void sim_play(struct sim *sim);

/* Cells that never become ready; whose line is shorted to ground; one with an oscillator of its own. */
void sim_dead(struct sim *sim, uint32_t cells);
void sim_short(struct sim *sim, uint32_t cells);
void sim_rate(struct sim *sim, int cell, double sps, double phase_s);

void sim_millivolts(struct sim *sim, int channel, uint32_t millivolts);
void sim_button(struct sim *sim, int line, int pressed);
void sim_reset(struct sim *sim, uint8_t flags);
void sim_hang(struct sim *sim); /* from here on an endless loop, until the next reset */
void sim_poke(struct sim *sim, uint16_t address, const uint8_t *bytes, size_t n);
void sim_eeprom(struct sim *sim, uint16_t offset, uint8_t *bytes, size_t n, int write);

/* Longest time that the clock line was high, us: an HX711 switches itself off at 60. */
double sim_clock_high_us(const struct sim *sim);

#endif
