/* Where channels come from: cells.c (forces) or rater.c (dial and buttons), whichever is linked.
 *
 * Conversions run from the reset on, whether or not the board streams, so that a self-test has something to judge. */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

#define ALL_CHANNELS ((uint16_t)((1U << N_CHANNELS) - 1))

struct sample {
    uint32_t t_us; /* when its last conversion was ready */
    uint16_t ready, saturated;
    int32_t counts[N_CHANNELS];
};

void source_init(void);

/* Convert what is ready; true when a round of conversions is complete, or out of patience. */
bool source_poll(uint32_t now_us);

/* The sample of all rounds since the last call: means, less the tare. */
void source_sample(struct sample *sample);

/* Forget the rounds since the last sample. */
void source_restart(void);

/* The next sample becomes the zero of these channels; false when the device knows no tare. */
bool source_tare(uint16_t channels);
bool source_is_tared(void);

/* Whether a count was beyond OVERLOAD_COUNTS since the last call. */
bool source_was_overloaded(void);

/* Channels that were ready and saturated in the last round, and those whose last 64 conversions are equal. */
void source_self_test(uint16_t *ready, uint16_t *saturated, uint16_t *stuck);

/* A button of the rater: count of commits * 256 + dial at the commit. */
int32_t source_commit(void);

#endif
