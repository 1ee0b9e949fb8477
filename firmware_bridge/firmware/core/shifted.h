/* Up to nine HX711 or HX717 on one clock line: hal_ready and hal_convert for them, on any microcontroller that can do
 * the three things below.
 *
 * A converter pulls its line low when a conversion is ready and holds it until it has been read; 25 pulses read channel
 * A at its highest gain, and there may be neither fewer nor more in a conversion (HX711 datasheet, Avia Semiconductor).
 * So all are waited for and then read at once.
 *
 * Each converter has an oscillator of its own. The faster ones have waited for the slowest, and sooner or later one
 * would finish its next conversion amid the pulses and garble both; its own last period tells when, and the pulses
 * are held back until it has. */
#ifndef SHIFTED_H
#define SHIFTED_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

#if N_CELLS > 8
typedef uint16_t lines_t;
#else
typedef uint8_t lines_t;
#endif

/* Lines that are low, bit k = cell k. */
lines_t lines_ready(void);

/* One pulse of the clock line: high for 1 us, and never for 60, which means "power down". */
void lines_pulse(void);

/* Whether an interrupt calls shifted_look when a line falls; where there is none, the main loop calls it often. */
void lines_watch(bool on);

/* Note the lines that have fallen since the last look; whether there were any. */
bool shifted_look(uint32_t now_us);

#endif
