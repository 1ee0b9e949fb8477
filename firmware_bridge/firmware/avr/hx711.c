/* Up to nine HX711 or HX717 on one clock line: all are shifted out together, each line read by itself.
 *
 * A converter pulls its line low when a conversion is ready and holds it until it has been read; 25 pulses read channel
 * A at its highest gain (HX711 datasheet, Avia Semiconductor). The clock must never stay high for 60 us: that is "power
 * down". Converters run on oscillators of their own, so now and then one finishes during the pulses meant for others. */
#include <util/atomic.h>
#include <util/delay.h>

#include "avr.h"
#include "hal.h"

#define DATA_BITS 24
#define PULSES 25

#if CELLS_HIGH
typedef uint16_t lines_t;
#else
typedef uint8_t lines_t;
#endif

static volatile uint32_t edge_us;

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

static void watch_edges(bool on)
{
    uint8_t groups = _BV(LOW_CHANGE_BIT) | (CELLS_HIGH ? _BV(HIGH_CHANGE_BIT) : 0);
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        if (!on) {
            PCICR &= (uint8_t)~groups;
        } else {
            PCIFR = groups;
            PCICR |= groups;
            if (ready_lines()) /* fell while nobody watched */
                edge_us = clock_now_us();
        }
    }
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
    edge_us = clock_now_us();
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
    watch_edges(false);
    for (uint8_t i = 0; i < DATA_BITS; i++) {
        pulse();
        bits[i] = read_lines();
    }
    pulse();

    /* A line that is low now either finished its next conversion during these pulses, or is shorted: the value is
     * not to be trusted. More pulses bring the former back into step; the others ignore them. */
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
