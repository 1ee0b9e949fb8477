/* The main loop: sleep until an interrupt leaves work, do it, tell the hardware watchdog that all is well. */
#include <avr/sleep.h>
#include <avr/wdt.h>

#include "avr.h"
#include "board.h"
#include "hal.h"

uint8_t hal_buttons(void)
{
    return BUTTON_READ();
}

static void sleep_until_woken(void)
{
    cli();
    while (!woken) {
        sleep_enable();
        sei(); /* takes effect after the next instruction: no interrupt can slip in before the sleep */
        sleep_cpu();
        sleep_disable();
        cli();
    }
    woken = false;
    sei();
}

int main(void)
{
    BUTTON_INIT();
    clock_init();
    uart_init();
    sensor_init();
    sei();
    reset_init();
    board_init();
    for (;;) {
        board_poll();
        wdt_reset();
        sleep_until_woken();
    }
}
