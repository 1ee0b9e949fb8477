/* The pins of the converters: a group of data lines, a second one for many cells, and their common clock. */
#include <util/atomic.h>
#include <util/delay.h>

#include "avr.h"
#include "shifted.h"

#define CHANGE_GROUPS (_BV(LOW_CHANGE_BIT) | (CELLS_HIGH ? _BV(HIGH_CHANGE_BIT) : 0))

lines_t lines_ready(void)
{
#if CELLS_HIGH
    lines_t high = (LOW_PIN & LOW_MASK) | HIGH_TO_CELLS(HIGH_PIN & HIGH_MASK);
#else
    lines_t high = LOW_PIN & LOW_MASK;
#endif
    return high ^ (lines_t)((1U << N_CELLS) - 1);
}

void lines_pulse(void)
{
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        CLOCK_PORT |= _BV(CLOCK_BIT);
        _delay_us(1);
        CLOCK_PORT &= (uint8_t)~_BV(CLOCK_BIT);
    }
}

void lines_watch(bool on)
{
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        if (!on) {
            PCICR &= (uint8_t)~CHANGE_GROUPS;
        } else {
            PCIFR = CHANGE_GROUPS;
            PCICR |= CHANGE_GROUPS;
            if (shifted_look(clock_now_us())) /* at what fell while nobody watched */
                woken = true;
        }
    }
}

ISR(LOW_CHANGE_VECTOR)
{
    shifted_look(clock_now_us());
    woken = true;
}
#if CELLS_HIGH
ISR(HIGH_CHANGE_VECTOR, ISR_ALIASOF(LOW_CHANGE_VECTOR));
#endif

void sensor_init(void)
{
    CLOCK_DDR |= _BV(CLOCK_BIT);
    LOW_PORT |= LOW_MASK; /* pulled up: a missing converter reads "not ready" */
    LOW_CHANGE_MASK = LOW_MASK;
#if CELLS_HIGH
    HIGH_PORT |= HIGH_MASK;
    HIGH_CHANGE_MASK = HIGH_MASK;
#endif
    lines_watch(true);
}

void sensor_tick(void)
{
}
