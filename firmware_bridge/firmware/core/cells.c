/* Forces: rounds of conversions, one dead cell never holding up the others, and their means. */
#include "source.h"

#if DEVICE == ABDOMEN

#include <string.h>

#include "hal.h"

#define PATIENCE_US (CONVERSION_US + CONVERSION_US / 2)
#define STUCK_AFTER 63

static uint16_t expected; /* cells waited for: those that were there the last time */
static uint32_t round_us; /* when the last round ended */
static uint32_t ready_us;
static uint16_t ready_now, saturated_now; /* of the last round */
static uint16_t ready_all, saturated_any; /* of the rounds since the last sample */
static uint8_t rounds;
static int32_t sum[N_CELLS], last[N_CELLS], zero[N_CELLS];
static uint8_t equal[N_CELLS]; /* conversions that repeated the one before, up to STUCK_AFTER */
static uint16_t tare_asked;
static bool tared, overloaded;

void source_init(void)
{
    expected = ALL_CHANNELS;
    round_us = hal_now_us();
    ready_now = saturated_now = tare_asked = 0;
    tared = overloaded = false;
    memset(equal, 0, sizeof equal);
    memset(zero, 0, sizeof zero);
    source_restart();
}

void source_restart(void)
{
    rounds = 0;
    ready_all = ALL_CHANNELS;
    saturated_any = 0;
    memset(sum, 0, sizeof sum);
}

bool source_poll(uint32_t now_us)
{
    uint32_t edge_us;
    uint16_t ready = hal_ready(&edge_us);
    bool complete = ready && (ready & expected) == expected;
    if (!complete && now_us - round_us < PATIENCE_US)
        return false;

    int32_t counts[N_CELLS];
    ready_us = ready ? edge_us : now_us;
    ready_now = ready ? hal_convert(ready, counts) : 0;
    expected = ready;
    /* Patience begins when the converters do, not when this loop came by. */
    round_us = complete ? ready_us : now_us;
    saturated_now = 0;
    for (uint8_t cell = 0; cell < N_CELLS; cell++) {
        uint16_t bit = (uint16_t)(1U << cell);
        if (!(ready_now & bit))
            continue;
        int32_t count = counts[cell];
        if (count >= COUNT_MAX || count <= COUNT_MIN)
            saturated_now |= bit;
        if (OVERLOAD_COUNTS && (count > OVERLOAD_COUNTS || count < -OVERLOAD_COUNTS))
            overloaded = true;
        if (count != last[cell])
            equal[cell] = 0;
        else if (equal[cell] < STUCK_AFTER)
            equal[cell]++;
        last[cell] = count;
        sum[cell] += count; /* 100 rounds of 24 bits fit */
    }
    ready_all &= ready_now;
    saturated_any |= saturated_now;
    rounds++;
    return true;
}

void source_sample(struct sample *sample)
{
    sample->t_us = ready_us;
    sample->ready = ready_all;
    sample->saturated = saturated_any & ready_all;
    for (uint8_t cell = 0; cell < N_CELLS; cell++) {
        uint16_t bit = (uint16_t)(1U << cell);
        if (!(ready_all & bit)) {
            sample->counts[cell] = 0;
            continue;
        }
        int32_t half = sum[cell] < 0 ? -(rounds / 2) : rounds / 2;
        int32_t mean = rounds == 1 ? sum[cell] : (sum[cell] + half) / rounds;
        if (tare_asked & bit) { /* a cell that is not ready keeps its turn */
            zero[cell] = mean;
            tare_asked &= (uint16_t)~bit;
            tared = true;
        }
        sample->counts[cell] = mean - zero[cell];
    }
    source_restart();
}

bool source_tare(uint16_t channels)
{
    tare_asked = channels;
    return true;
}

bool source_is_tared(void)
{
    return tared;
}

bool source_was_overloaded(void)
{
    bool was = overloaded;
    overloaded = false;
    return was;
}

void source_self_test(uint16_t *ready, uint16_t *saturated, uint16_t *stuck)
{
    *ready = ready_now;
    *saturated = saturated_now;
    *stuck = 0;
    for (uint8_t cell = 0; cell < N_CELLS; cell++)
        if (equal[cell] == STUCK_AFTER && (ready_now >> cell & 1))
            *stuck |= (uint16_t)(1U << cell);
}

int32_t source_commit(void)
{
    return 0;
}

#endif
