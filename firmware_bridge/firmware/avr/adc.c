/* The microcontroller's own ADC: every tick all channels one after another, each as a sum of OVERSAMPLE conversions. */
#include <util/atomic.h>

#include "avr.h"
#include "hal.h"

#if N_CELLS > MAX_ANALOGUE
#error "N_CELLS: more than this microcontroller has analogue inputs"
#endif
#if N_CELLS * (OVERSAMPLE) * 30UL > TICK_US
#error "a scan takes 30 us a conversion: lower SPS, OVERSAMPLE or N_CELLS"
#endif

static volatile bool scanning, complete;
static volatile uint32_t complete_us;
static uint8_t channel, taken;
static uint16_t sum[N_CELLS];
static uint16_t result[N_CELLS];

void sensor_init(void)
{
    SELECT_ANALOGUE(0);
    /* F_CPU / 32: 500 kHz at 16 MHz and 26 us a conversion, at some loss in the lowest of 10 bits (datasheet: 200 kHz
     * for full resolution), which the sum makes up for. */
    ADCSRA = _BV(ADEN) | _BV(ADIE) | _BV(ADPS2) | _BV(ADPS0);
}

void sensor_tick(void)
{
    if (scanning)
        return;
    scanning = true;
    channel = taken = 0;
    sum[0] = 0;
    SELECT_ANALOGUE(0);
    ADCSRA |= _BV(ADSC);
}

ISR(ADC_vect)
{
    sum[channel] += ADC;
    if (++taken == (OVERSAMPLE)) {
        taken = 0;
        if (++channel == N_CELLS) {
            for (uint8_t i = 0; i < N_CELLS; i++)
                result[i] = sum[i];
            complete_us = clock_now_us();
            complete = true;
            scanning = false;
            woken = true;
            return;
        }
        sum[channel] = 0;
        SELECT_ANALOGUE(channel);
    }
    ADCSRA |= _BV(ADSC);
}

uint16_t hal_ready(uint32_t *ready_us)
{
    uint16_t ready;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        ready = complete ? (uint16_t)((1U << N_CELLS) - 1) : 0;
        *ready_us = complete_us;
    }
    return ready;
}

uint16_t hal_convert(uint16_t ready, int32_t *counts)
{
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        for (uint8_t i = 0; i < N_CELLS; i++)
            counts[i] = result[i];
        complete = false;
    }
    return ready;
}
