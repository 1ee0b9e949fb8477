/* See board.h.
 *
 * Copyright (C) 2026 The robopatient developers
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public
 * License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later
 * version. It is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY. See
 * <https://www.gnu.org/licenses/>. */
#include "board.h"

#include <stdlib.h>
#include <string.h>

#include <avr_adc.h>
#include <avr_eeprom.h>
#include <avr_ioport.h>
#include <avr_uart.h>
#include <sim_avr.h>
#include <sim_elf.h>

#define FREQUENCY_HZ 16000000U
#define MAX_CELLS 9
#define DATA_BITS 24
#define QUEUE_BYTES 4096U
#define LINE_BYTES 65536U
#define FLAGS_ADDRESS 0x54 /* MCUSR of both microcontrollers */

struct pin {
    char port;
    int bit;
};

struct wiring {
    const char *mcu;
    struct pin clock, cells[MAX_CELLS], buttons[3];
};

/* As in firmware_bridge/firmware/avr/pins_*.h. */
static const struct wiring WIRINGS[] = {
    {"atmega328p",
     {'B', 0},
     {{'C', 0}, {'C', 1}, {'C', 2}, {'C', 3}, {'C', 4}, {'C', 5}, {'D', 5}, {'D', 6}, {'D', 7}},
     {{'D', 2}, {'D', 3}, {'D', 4}}},
    {"atmega2560",
     {'L', 0},
     {{'B', 0}, {'B', 1}, {'B', 2}, {'B', 3}, {'B', 4}, {'B', 5}, {'B', 6}, {'B', 7}, {'K', 0}},
     {{'E', 4}, {'E', 5}, {'E', 5}}},
};

struct converter {
    struct sim *sim;
    int cell;
    avr_irq_t *line;
    avr_cycle_count_t period;
    int32_t count, shifting;
    int bit, ready;
    size_t row; /* of the table, next */
};

struct sim {
    avr_t *avr;
    const struct wiring *wiring;
    int n_cells;
    struct converter converters[MAX_CELLS];
    uint32_t dead, shorted, pressed;
    const int32_t *rows;
    size_t n_idle, n_rows;
    int loop, playing;
    int clock;
    avr_cycle_count_t clock_rose, clock_high;
    avr_irq_t *uart;
    int uart_takes_more;
    uint8_t in[QUEUE_BYTES], out[LINE_BYTES];
    uint32_t in_head, in_tail, out_head, out_tail;
};

static avr_irq_t *pin_irq(struct sim *sim, struct pin pin)
{
    return avr_io_getirq(sim->avr, AVR_IOCTL_IOPORT_GETIRQ(pin.port), pin.bit);
}

static void drive(struct converter *converter, int high)
{
    uint32_t cell = 1U << converter->cell;
    if (converter->sim->shorted & cell)
        high = 0;
    else if (converter->sim->dead & cell)
        high = 1;
    avr_raise_irq(converter->line, high);
}

static int32_t next_count(struct converter *converter)
{
    struct sim *sim = converter->sim;
    if (!sim->rows)
        return converter->count;
    size_t row = converter->row++;
    if (converter->row == sim->n_idle && !sim->playing)
        converter->row = 0;
    if (converter->row == sim->n_rows)
        converter->row = sim->loop ? sim->n_idle : (sim->playing = 0);
    return sim->rows[row * sim->n_cells + converter->cell];
}

static avr_cycle_count_t convert(avr_t *avr, avr_cycle_count_t when, void *param)
{
    struct converter *converter = param;
    (void)avr;
    converter->shifting = next_count(converter);
    converter->bit = 0;
    converter->ready = 1;
    drive(converter, 0);
    return when + converter->period;
}

/* A rising clock puts the next bit, highest first, on each line that has one; the 25th ends the reading. */
static void on_clock(avr_irq_t *irq, uint32_t value, void *param)
{
    struct sim *sim = param;
    (void)irq;
    if (!!value == sim->clock)
        return;
    sim->clock = !!value;
    if (!sim->clock) {
        avr_cycle_count_t high = sim->avr->cycle - sim->clock_rose;
        if (high > sim->clock_high)
            sim->clock_high = high;
        return;
    }
    sim->clock_rose = sim->avr->cycle;
    for (int cell = 0; cell < sim->n_cells; cell++) {
        struct converter *converter = &sim->converters[cell];
        if (!converter->ready)
            continue;
        if (converter->bit < DATA_BITS) {
            drive(converter, converter->shifting >> (DATA_BITS - 1 - converter->bit++) & 1);
        } else {
            converter->ready = 0;
            drive(converter, 1);
        }
    }
}

static void on_uart(avr_irq_t *irq, uint32_t value, void *param)
{
    struct sim *sim = param;
    (void)irq;
    sim->out[sim->out_head++ % LINE_BYTES] = (uint8_t)value;
}

static void on_uart_has_room(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq;
    (void)value;
    ((struct sim *)param)->uart_takes_more = 1;
}

static void on_uart_full(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq;
    (void)value;
    ((struct sim *)param)->uart_takes_more = 0;
}

/* libsimavr would let real time pass here. */
static void sleep_not(avr_t *avr, avr_cycle_count_t cycles)
{
    (void)avr;
    (void)cycles;
}

static void set_pin(avr_irq_t *irq, int high)
{
    avr_raise_irq(irq, !high); /* a level that seems unchanged would not reach the port */
    avr_raise_irq(irq, high);
}

/* A reset of the microcontroller clears libsimavr's timers and pins; converters and buttons go on as they were. */
static void wire_up(struct sim *sim)
{
    for (int cell = 0; cell < sim->n_cells; cell++) {
        struct converter *converter = &sim->converters[cell];
        int high = !converter->ready;
        set_pin(converter->line, sim->shorted >> cell & 1 ? 0 : high || (sim->dead >> cell & 1));
        avr_cycle_timer_cancel(sim->avr, convert, converter);
        avr_cycle_timer_register(sim->avr, converter->period, convert, converter);
    }
    for (int line = 0; line < 3; line++)
        set_pin(pin_irq(sim, sim->wiring->buttons[line]), !(sim->pressed >> line & 1));
}

struct sim *sim_new(const char *elf, const char *mcu, int n_cells, double sps, uint8_t flags)
{
    elf_firmware_t image = {0};
    const struct wiring *wiring = NULL;
    for (size_t i = 0; i < sizeof WIRINGS / sizeof WIRINGS[0]; i++)
        if (!strcmp(WIRINGS[i].mcu, mcu))
            wiring = &WIRINGS[i];
    if (!wiring || n_cells < 0 || n_cells > MAX_CELLS || elf_read_firmware(elf, &image))
        return NULL;
    avr_t *avr = avr_make_mcu_by_name(mcu);
    if (!avr)
        return NULL;
    struct sim *sim = calloc(1, sizeof *sim);
    sim->avr = avr;
    sim->wiring = wiring;
    sim->n_cells = n_cells;
    sim->uart_takes_more = 1;
    image.frequency = FREQUENCY_HZ;
    avr_init(avr);
    avr->log = LOG_NONE;
    avr->sleep = sleep_not;
    avr_load_firmware(avr, &image);
    avr->avcc = avr->vcc = avr->aref = 5000;
    avr->data[FLAGS_ADDRESS] = flags;

    uint32_t uart_flags = 0;
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &uart_flags);
    sim->uart = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
    avr_irq_t *uart_out = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT);
    avr_irq_register_notify(uart_out, on_uart, sim);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XON), on_uart_has_room, sim);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XOFF), on_uart_full, sim);

    for (int cell = 0; cell < n_cells; cell++) {
        struct converter *converter = &sim->converters[cell];
        converter->sim = sim;
        converter->cell = cell;
        converter->line = pin_irq(sim, wiring->cells[cell]);
        sim_rate(sim, cell, sps, 0.0);
    }
    avr_irq_register_notify(pin_irq(sim, wiring->clock), on_clock, sim);
    wire_up(sim);
    return sim;
}

void sim_free(struct sim *sim)
{
    if (sim) {
        avr_terminate(sim->avr);
        free(sim);
    }
}

int sim_run(struct sim *sim, double t_s)
{
    avr_cycle_count_t until = (avr_cycle_count_t)(t_s * FREQUENCY_HZ);
    while (sim->avr->cycle < until) {
        while (sim->uart_takes_more && sim->in_tail != sim->in_head)
            avr_raise_irq(sim->uart, sim->in[sim->in_tail++ % QUEUE_BYTES]);
        int state = avr_run(sim->avr);
        if (sim->avr->pc == 0) /* it was reset */
            wire_up(sim);
        if (state == cpu_Done || state == cpu_Crashed)
            return state;
    }
    return 0;
}

double sim_time(const struct sim *sim)
{
    return (double)sim->avr->cycle / FREQUENCY_HZ;
}

void sim_tx(struct sim *sim, const uint8_t *bytes, size_t n)
{
    while (n-- && sim->in_head - sim->in_tail < QUEUE_BYTES)
        sim->in[sim->in_head++ % QUEUE_BYTES] = *bytes++;
}

size_t sim_rx(struct sim *sim, uint8_t *bytes, size_t max)
{
    size_t n = 0;
    while (n < max && sim->out_tail != sim->out_head)
        bytes[n++] = sim->out[sim->out_tail++ % LINE_BYTES];
    return n;
}

void sim_count(struct sim *sim, int cell, int32_t count)
{
    sim->converters[cell].count = count;
}

void sim_table(struct sim *sim, const int32_t *rows, size_t n_idle, size_t n_rows, int loop)
{
    sim->rows = rows;
    sim->n_idle = n_idle;
    sim->n_rows = n_rows;
    sim->loop = loop;
}

void sim_play(struct sim *sim)
{
    sim->playing = 1;
    for (int cell = 0; cell < sim->n_cells; cell++)
        sim->converters[cell].row = sim->n_idle;
}

void sim_dead(struct sim *sim, uint32_t cells)
{
    sim->dead = cells;
    for (int cell = 0; cell < sim->n_cells; cell++)
        drive(&sim->converters[cell], !sim->converters[cell].ready);
}

void sim_short(struct sim *sim, uint32_t cells)
{
    sim->shorted = cells;
    sim_dead(sim, sim->dead);
}

void sim_rate(struct sim *sim, int cell, double sps, double phase_s)
{
    struct converter *converter = &sim->converters[cell];
    converter->period = (avr_cycle_count_t)(FREQUENCY_HZ / sps);
    avr_cycle_timer_cancel(sim->avr, convert, converter);
    avr_cycle_timer_register(sim->avr, converter->period + (avr_cycle_count_t)(phase_s * FREQUENCY_HZ), convert, converter);
}

void sim_millivolts(struct sim *sim, int channel, uint32_t millivolts)
{
    avr_raise_irq(avr_io_getirq(sim->avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0 + channel), millivolts);
}

void sim_button(struct sim *sim, int line, int pressed)
{
    sim->pressed = pressed ? sim->pressed | 1U << line : sim->pressed & ~(1U << line);
    avr_raise_irq(pin_irq(sim, sim->wiring->buttons[line]), !pressed);
}

void sim_reset(struct sim *sim, uint8_t flags)
{
    avr_reset(sim->avr);
    sim->avr->data[FLAGS_ADDRESS] = flags;
    wire_up(sim);
}

/* RJMP to itself, put into the last word of the flash, where no program is. */
void sim_hang(struct sim *sim)
{
    uint32_t end = sim->avr->flashend - 1;
    sim->avr->flash[end] = 0xFF;
    sim->avr->flash[end + 1] = 0xCF;
    sim->avr->pc = end;
    sim->avr->state = cpu_Running;
    sim->avr->data[R_SREG] &= 0x7F;
    sim->avr->sreg[S_I] = 0;
}

void sim_poke(struct sim *sim, uint16_t address, const uint8_t *bytes, size_t n)
{
    memcpy(sim->avr->data + address, bytes, n);
}

void sim_eeprom(struct sim *sim, uint16_t offset, uint8_t *bytes, size_t n, int write)
{
    avr_eeprom_desc_t part = {.ee = bytes, .offset = offset, .size = (uint32_t)n};
    avr_ioctl(sim->avr, write ? AVR_IOCTL_EEPROM_SET : AVR_IOCTL_EEPROM_GET, &part);
}

double sim_clock_high_us(const struct sim *sim)
{
    return (double)sim->clock_high * 1e6 / FREQUENCY_HZ;
}
