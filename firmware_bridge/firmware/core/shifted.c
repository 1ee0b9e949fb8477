#include "shifted.h"

#if SENSOR_IS_SHIFTED

#include "hal.h"

#define DATA_BITS 24
#define PULSES 25
#define READ_US 150 /* the pulses, with interrupts among them */
#define GUARD_US 30 /* by which an edge may be seen late */

#if SPS < 24
#error "SPS: periods above 40 ms do not fit the 16 bits that edges are noted in"
#endif

static uint32_t edge_us; /* when the last line fell */
static lines_t fallen;   /* lines that have, and when (low halves) */
static uint16_t fell_us[N_CELLS], period_us[N_CELLS];

bool shifted_look(uint32_t now_us)
{
    lines_t ready = lines_ready(), fresh = ready & (lines_t)~fallen;
    fallen = ready;
    if (!fresh)
        return false;
    edge_us = now_us;
    for (uint8_t cell = 0; cell < N_CELLS; cell++) {
        if (!(fresh >> cell & 1))
            continue;
        uint16_t since_us = (uint16_t)((uint16_t)now_us - fell_us[cell]);
        if (since_us < CONVERSION_US * 3 / 2) /* otherwise one was missed, or the cell was away */
            period_us[cell] = since_us;
        fell_us[cell] = (uint16_t)now_us;
    }
    return true;
}

uint16_t hal_ready(uint32_t *ready_us)
{
    lines_watch(false);
    shifted_look(hal_now_us());
    uint16_t ready = fallen;
    *ready_us = edge_us;
    lines_watch(true);
    return ready;
}

/* Whether a converter that waits to be read may finish its next conversion during the pulses. */
static bool is_one_about_to_finish(void)
{
    for (uint8_t cell = 0; cell < N_CELLS; cell++) {
        if (!(fallen >> cell & 1) || !period_us[cell])
            continue;
        int16_t left_us = (int16_t)(fell_us[cell] + period_us[cell] - (uint16_t)hal_now_us());
        if (left_us < -GUARD_US)
            fell_us[cell] += period_us[cell]; /* it has, unseen: its line was low already */
        else if (left_us < READ_US + GUARD_US)
            return true;
    }
    return false;
}

uint16_t hal_convert(uint16_t ready, int32_t *counts)
{
    lines_t low[DATA_BITS];
    lines_watch(false);
    while (is_one_about_to_finish())
        ;
    for (uint8_t i = 0; i < DATA_BITS; i++) {
        lines_pulse();
        low[i] = lines_ready();
    }
    lines_pulse();

    /* A line that is low now is shorted, or finished during these pulses all the same (a first conversion, before its
     * period is known): the value is not to be trusted. More pulses bring the latter back into step. */
    lines_t doubtful = lines_ready();
    for (uint8_t i = 0; i < PULSES && lines_ready(); i++)
        lines_pulse();
    fallen = 0;
    shifted_look(hal_now_us());
    lines_watch(true);

    for (uint8_t cell = 0; cell < N_CELLS; cell++) {
        uint32_t value = 0;
        for (uint8_t i = 0; i < DATA_BITS; i++)
            value = value << 1 | (low[i] >> cell & 1 ? 0 : 1);
        if (value & 0x800000UL)
            value |= 0xFF000000UL;
        counts[cell] = (int32_t)value;
    }
    return ready & (uint16_t)~doubtful;
}

#endif
