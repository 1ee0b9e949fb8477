/* Up to nine HX711 or HX717 on one clock line: all are shifted out together, each line read by itself.
 *
 * A converter pulls its line low when a conversion is ready and holds it until it has been read; 25 pulses read channel
 * A at its highest gain, and there may be neither fewer nor more in a conversion (HX711 datasheet, Avia Semiconductor).
 * So all are waited for and then read at once. The clock must never stay high for 60 us: that is "power down".
 *
 * Each converter has an oscillator of its own. The faster ones have waited for the slowest, and sooner or later one
 * would finish its next conversion amid the pulses and garble both; its own last period tells when, and the pulses
 * are held back until it has. */
#include <util/atomic.h>
#include <util/delay.h>

#include "avr.h"
#include "hal.h"

#define DATA_BITS 24
#define PULSES 25
#define READ_US 150 /* the pulses, with interrupts among them */
#define GUARD_US 30 /* by which an edge may be seen late */

#if SPS < 24
#error "SPS: periods above 40 ms do not fit the 16 bits that edges are noted in"
#endif

#if CELLS_HIGH
typedef uint16_t lines_t;
#else
typedef uint8_t lines_t;
#endif

static volatile uint32_t edge_us; /* the last line to fall */
static lines_t fallen;            /* lines that have, and when (low halves) */
static uint16_t fell_us[N_CELLS], period_us[N_CELLS];

static inline lines_t read_lines(void)
{
#if CELLS_HIGH
    return (LOW_PIN & LOW_MASK) | HIGH_TO_CELLS(HIGH_PIN & HIGH_MASK);
#else
    return LOW_PIN & LOW_MASK;
#endif
}

static inline lines_t ready_lines(void)
{
    return read_lines() ^ (lines_t)((1U << N_CELLS) - 1);
}

static void pulse(void)
{
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        CLOCK_PORT |= _BV(CLOCK_BIT);
        _delay_us(1);
        CLOCK_PORT &= (uint8_t)~_BV(CLOCK_BIT);
    }
}

/* With interrupts off: note the lines that have fallen since the last look. */
static void note_edges(void)
{
    lines_t ready = ready_lines(), fresh = ready & (lines_t)~fallen;
    fallen = ready;
    if (!fresh)
        return;
    uint32_t now_us = clock_now_us();
    edge_us = now_us;
    for (uint8_t cell = 0; cell < N_CELLS; cell++) {
        if (!(fresh >> cell & 1))
            continue;
        uint16_t since_us = (uint16_t)now_us - fell_us[cell];
        if (since_us < CONVERSION_US * 3 / 2) /* otherwise one was missed, or the cell was away */
            period_us[cell] = since_us;
        fell_us[cell] = (uint16_t)now_us;
    }
}

static void watch_edges(bool on)
{
    uint8_t groups = _BV(LOW_CHANGE_BIT) | (CELLS_HIGH ? _BV(HIGH_CHANGE_BIT) : 0);
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        if (!on) {
            PCICR &= (uint8_t)~groups;
        } else {
            fallen = 0;
            PCIFR = groups;
            PCICR |= groups;
            note_edges(); /* those that fell while nobody watched */
        }
    }
}

/* Whether a converter that waits to be read may finish its next conversion during the pulses. */
static bool is_one_about_to_finish(void)
{
    lines_t waiting;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        waiting = fallen;
    }
    for (uint8_t cell = 0; cell < N_CELLS; cell++) {
        if (!(waiting >> cell & 1) || !period_us[cell])
            continue;
        int16_t left_us = (int16_t)(fell_us[cell] + period_us[cell] - (uint16_t)hal_now_us());
        if (left_us < -GUARD_US)
            fell_us[cell] += period_us[cell]; /* it has, unseen: its line was low already */
        else if (left_us < READ_US + GUARD_US)
            return true;
    }
    return false;
}

void sensor_init(void)
{
    CLOCK_DDR |= _BV(CLOCK_BIT);
    LOW_PORT |= LOW_MASK; /* pulled up: a missing converter reads "not ready" */
    LOW_CHANGE_MASK = LOW_MASK;
#if CELLS_HIGH
    HIGH_PORT |= HIGH_MASK;
    HIGH_CHANGE_MASK = HIGH_MASK;
#endif
    watch_edges(true);
}

void sensor_tick(void)
{
}

ISR(LOW_CHANGE_VECTOR)
{
    note_edges();
    woken = true;
}
#if CELLS_HIGH
ISR(HIGH_CHANGE_VECTOR, ISR_ALIASOF(LOW_CHANGE_VECTOR));
#endif

uint16_t hal_ready(uint32_t *ready_us)
{
    uint16_t ready;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        ready = ready_lines();
        *ready_us = edge_us;
    }
    return ready;
}

uint16_t hal_convert(uint16_t ready, int32_t *counts)
{
    lines_t bits[DATA_BITS];
    while (is_one_about_to_finish())
        ;
    watch_edges(false);
    for (uint8_t i = 0; i < DATA_BITS; i++) {
        pulse();
        bits[i] = read_lines();
    }
    pulse();

    /* A line that is low now is shorted, or finished during these pulses all the same (a first conversion, before its
     * period is known): the value is not to be trusted. More pulses bring the latter back into step. */
    lines_t low = ready_lines();
    for (uint8_t i = 0; i < PULSES && ready_lines(); i++)
        pulse();
    watch_edges(true);

    for (uint8_t cell = 0; cell < N_CELLS; cell++) {
        lines_t mask = (lines_t)(1U << cell);
        uint32_t value = 0;
        for (uint8_t i = 0; i < DATA_BITS; i++)
            value = value << 1 | (bits[i] & mask ? 1 : 0);
        if (value & 0x800000UL)
            value |= 0xFF000000UL;
        counts[cell] = (int32_t)value;
    }
    return ready & (uint16_t)~low;
}
