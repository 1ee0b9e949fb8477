/* What one build measures: device class, sensor, number of cells, speed. The Makefile sets these; the defaults are four
 * load cells behind HX711 converters. Everything else follows from them, here and nowhere else. */
#ifndef CONFIG_H
#define CONFIG_H

#ifdef ARDUINO
#include "../../settings.h"
#endif

/* Sensors: numbers, because the preprocessor cannot compare words. */
#define HX711 1     /* 24 bits, 10 or 80 conversions a second */
#define HX717 2     /* the same pins, 320 a second */
#define AMPLIFIER 3 /* a voltage on the microcontroller's own ADC */
#define FSR 4       /* the same with a force-sensing resistor: 0 is an untouched sensor, not a broken wire */
#define DIAL 5      /* a potentiometer: the rater */

#define ABDOMEN 1
#define RATER 2

#ifndef DEVICE
#define DEVICE ABDOMEN
#endif
#ifndef SENSOR
#define SENSOR (DEVICE == RATER ? DIAL : HX711)
#endif
#define SENSOR_IS_SHIFTED (SENSOR == HX711 || SENSOR == HX717)

#if DEVICE == RATER
#undef N_CELLS
#define N_CELLS 1    /* analogue inputs: the dial */
#define N_CHANNELS 3 /* dial, buttons, last commit */
#else
#ifndef N_CELLS
#define N_CELLS 4
#endif
#define N_CHANNELS N_CELLS
#endif
#if N_CELLS < 1 || N_CELLS > 9
#error "N_CELLS: 1 to 9"
#endif

#ifndef SPS /* conversions a second */
#define SPS (SENSOR == HX711 ? 80 : SENSOR == HX717 ? 320 : 1000)
#endif
#define CONVERSION_US (1000000UL / (SPS))

#ifndef BAUD
#define BAUD 500000UL
#endif

#ifndef ADC_FULL_SCALE
#define ADC_FULL_SCALE 1023L
#endif
#ifndef OVERSAMPLE /* ADC conversions summed into one count: against noise and 10 bits */
#define OVERSAMPLE (DEVICE == RATER ? 16 : 4)
#endif

#if SENSOR_IS_SHIFTED
#define COUNT_MAX 0x7FFFFFL
#define COUNT_MIN (-0x800000L)
#else
#define COUNT_MAX ((ADC_FULL_SCALE - 1) * (OVERSAMPLE) + 1)
#define COUNT_MIN (SENSOR == FSR ? -1L : (OVERSAMPLE)-1L)
#endif
#ifndef OVERLOAD_COUNTS /* untared; 90 % of full scale: the next newtons would be clipped. 0: no limit */
#define OVERLOAD_COUNTS (SENSOR == FSR ? 0L : COUNT_MAX / 10 * 9)
#endif

/* Samples are means of 1 to 100 conversions; 500 us is faster than any board of this firmware, so what is asked
 * between it and one conversion gets one conversion. The rater's limits are those of the protocol. */
#if DEVICE == RATER
#define MIN_PERIOD_US 5000UL
#define MAX_PERIOD_US 100000UL
#else
#define MIN_PERIOD_US 500UL
#define MAX_PERIOD_US (100UL * CONVERSION_US)
#endif
#define DEFAULT_PERIOD_US (DEVICE == RATER ? 20000UL : CONVERSION_US)

#ifndef BUTTONS /* wired lines, bit k = line k: a rater's commit and mark, an abdomen's trigger input on line 1 */
#define BUTTONS (DEVICE == RATER ? 0x03 : 0x02)
#endif

#ifndef GIT_HASH
#define GIT_HASH ""
#endif
#ifndef UID /* for boards that have none yet: `make flash` draws one for each board */
#define UID 0xFFFFFFFFFFFFFFFFULL
#endif
#ifndef BOARD_NAME
#define BOARD_NAME "board"
#endif

#endif
