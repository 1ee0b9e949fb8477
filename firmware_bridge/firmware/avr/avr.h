/* What the files of this folder share: registers by name, the clock for interrupt handlers, and waking the main loop. */
#ifndef AVR_H
#define AVR_H

#include <avr/interrupt.h>
#include <avr/io.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"

#if defined(__AVR_ATmega328P__)
#include "pins_atmega328p.h"
#elif defined(__AVR_ATmega2560__)
#include "pins_atmega2560.h"
#else
#error "no pins are known for this microcontroller: add avr/pins_NAME.h"
#endif
#if (BUTTONS) >> BUTTON_LINES
#error "BUTTONS names a line that this microcontroller's pins do not have"
#endif

void clock_init(void);
void uart_init(void);
void sensor_init(void); /* hx711.c or adc.c */
void reset_init(void);  /* reset cause, uid, hardware watchdog */

/* Time, with interrupts already off. */
uint32_t clock_now_us(void);

/* Called by the clock every TICK_US: an ADC board starts a scan of its channels. */
void sensor_tick(void);
#define TICK_US (SENSOR_IS_SHIFTED ? 1000UL : CONVERSION_US)

/* Set by interrupts that leave work for the main loop. */
extern volatile bool woken;

#endif
