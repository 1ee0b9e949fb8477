/* The rater: a dial from 0 to 100 that does not flicker, the buttons, and the last commit in every sample. */
#include "source.h"

#if DEVICE == RATER

#include "buttons.h"
#include "hal.h"

#define FULL (ADC_FULL_SCALE * (OVERSAMPLE))
#define LOW (FULL * 2 / 100) /* the ends of a potentiometer's travel are not to be trusted */
#define SPAN (FULL - 2 * LOW)
#define FINE 16       /* the dial is followed in sixteenths of a number, */
#define HYSTERESIS 12 /* and changes when it is three quarters of a number away */

static uint32_t ready_us;
static uint8_t dial;
static uint16_t commits;
static uint8_t committed;

void source_init(void)
{
    dial = 0;
    commits = 0;
    committed = 0;
}

void source_restart(void)
{
}

static void follow(int32_t count)
{
    int32_t fine = (count - LOW) * 100 * FINE / SPAN;
    if (fine < 0)
        fine = 0;
    if (fine > 100 * FINE)
        fine = 100 * FINE;
    int16_t off = (int16_t)fine - dial * FINE;
    if (off > HYSTERESIS || off < -HYSTERESIS)
        dial = (uint8_t)((fine + FINE / 2) / FINE);
}

bool source_poll(uint32_t now_us)
{
    (void)now_us;
    int32_t count;
    uint16_t ready = hal_ready(&ready_us);
    if (!ready || !hal_convert(ready, &count))
        return false;
    follow(count);
    return true;
}

void source_sample(struct sample *sample)
{
    sample->t_us = ready_us;
    sample->ready = ALL_CHANNELS;
    sample->saturated = 0; /* 0 and 100 are ratings */
    sample->counts[0] = dial;
    sample->counts[1] = buttons_down();
    sample->counts[2] = (int32_t)commits << 8 | committed;
}

bool source_tare(uint16_t channels)
{
    (void)channels;
    return false;
}

bool source_is_tared(void)
{
    return false;
}

bool source_was_overloaded(void)
{
    return false;
}

void source_self_test(uint16_t *ready, uint16_t *saturated, uint16_t *stuck)
{
    *ready = ALL_CHANNELS;
    *saturated = 0;
    *stuck = buttons_stuck() ? 1 << 1 : 0;
}

int32_t source_commit(void)
{
    if (!++commits)
        commits = 1; /* 0 is "before the first" */
    committed = dial;
    return (int32_t)commits << 8 | committed;
}

#endif
