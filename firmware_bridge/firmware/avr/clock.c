/* Timer 1 as a clock of microseconds that uses all 32 bits, and as the tick that wakes the main loop. */
#include <util/atomic.h>

#include "avr.h"
#include "hal.h"

#if F_CPU == 16000000UL
#define TICK_SHIFT 1 /* timer counts of half a microsecond */
#elif F_CPU == 8000000UL
#define TICK_SHIFT 0
#else
#error "F_CPU: 16 or 8 MHz"
#endif
#if (TICK_US << TICK_SHIFT) > 65535
#error "SPS is too low for the tick of timer 1"
#endif

static volatile uint32_t overflows;
volatile bool woken;

void clock_init(void)
{
    TCCR1A = 0;
    TCCR1B = _BV(CS11); /* F_CPU / 8 */
    OCR1A = TICK_US << TICK_SHIFT;
    TIMSK1 = _BV(TOIE1) | _BV(OCIE1A);
}

ISR(TIMER1_OVF_vect)
{
    overflows++;
}

ISR(TIMER1_COMPA_vect)
{
    OCR1A += TICK_US << TICK_SHIFT;
    sensor_tick();
    woken = true;
}

uint32_t clock_now_us(void)
{
    uint16_t low = TCNT1;
    uint32_t high = overflows;
    if ((TIFR1 & _BV(TOV1)) && low < 0x8000)
        high++; /* it has overflowed and the interrupt waits */
    return high << (16 - TICK_SHIFT) | low >> TICK_SHIFT;
}

uint32_t hal_now_us(void)
{
    uint32_t now_us;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        now_us = clock_now_us();
    }
    return now_us;
}
